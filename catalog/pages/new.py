"""A new model or dataset, and its first files from the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog import access, actors, links
from catalog.actions import repos
from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.errors import CatalogError, InvalidName, NameTaken, TooLarge
from catalog.models import Membership, Namespace, Repo, User
from catalog.pages import snippets
from catalog.pages.errors import page, status_of
from catalog.pages.forms import NewRepoForm, UploadForm
from catalog.pages.frame import commit_at, frame
from catalog.parsing import gitattributes
from catalog.parsing.paths import check_path
from catalog.queries import trees
from catalog.stores import blob_store
from catalog.types import AddFile

MOST_FILES = 100  # in one form
MOST_BYTES = 200 * 1000 * 1000  # in one form; tools do better with more
LFS_FROM_BYTES = 10 * 1024 * 1024  # larger ones become LFS files whatever they are called
SAMPLE_BYTES = 8192


def namespaces_of(user: User) -> list[Namespace]:
    """Where this person may create: their own first, then their teams by name."""
    roles = [Membership.Role.WRITE, Membership.Role.ADMIN]
    teams = Namespace.objects.filter(organisation__memberships__user=user, organisation__memberships__role__in=roles)
    return [user.namespace, *teams.order_by("key")]


@page
def new_repo(request: HttpRequest) -> HttpResponseBase:
    actor = actors.actor_of(request)
    user = actors.writer(actor)
    asked_kind = request.GET.get("kind", "")
    kind = Repo.Kind(asked_kind) if asked_kind in Repo.Kind.values else Repo.Kind.MODEL
    start = {"kind": kind, "namespace": request.GET.get("owner", user.username), "visibility": Repo.Visibility.PUBLIC}
    form = NewRepoForm(request.POST or None, initial=start, namespaces=namespaces_of(user))
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        namespace = access.namespace_to_create_in(actor, asked["namespace"])
        try:
            repo = repos.create_repo(
                namespace=namespace, kind=asked["kind"], name=asked["name"], visibility=asked["visibility"], actor=user
            )
        except (InvalidName, NameTaken) as error:
            form.add_error("name", error.message)
        else:
            return redirect(repo.web_path)
    return render(request, "catalog/new.html", {"form": form}, status=422 if form.errors else 200)


@page
def upload(request: HttpRequest, kind: str, owner: str, name: str, revision: str) -> HttpResponseBase:
    """Small files from the browser as one commit."""
    actor = actors.actor_of(request)
    repo = access.repo_to_write(actor, kind, owner, name)
    commit_at(repo, revision)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        files = request.FILES.getlist("files")
        try:
            _commit(repo, revision, files, form.cleaned_data, actors.writer(actor))
        except CatalogError as error:
            form.add_error(None, error.message)
            return render(
                request, "catalog/upload.html", _upload_frame(request, repo, revision, form), status=status_of(error)
            )
        count = len(files)
        messages.success(request, ngettext("%(n)d file is in.", "%(n)d files are in.", count) % {"n": count})
        return redirect(links.tree(repo, revision, form.cleaned_data["folder"].strip("/")))
    shown = _upload_frame(request, repo, revision, form)
    return render(request, "catalog/upload.html", shown, status=422 if form.errors else 200)


def _upload_frame(request: HttpRequest, repo: Repo, revision: str, form: UploadForm) -> dict[str, object]:
    steps = snippets.upload_steps(repo, snippets.endpoint_of(request))
    return frame(request, repo, "files", revision=revision, form=form, steps=steps, most_files=MOST_FILES)


def _commit(repo: Repo, branch: str, files: Sequence[UploadedFile[Any]], asked: dict[str, str], user: User) -> None:
    """Keep the bytes, then commit them. Raises what the actions raise; paths are checked before any byte is kept."""
    if not files:
        raise CatalogError(_("Choose at least one file."))
    if len(files) > MOST_FILES:
        raise CatalogError(
            _("A form takes at most %(most)d files; use the hf command for more.") % {"most": MOST_FILES}
        )
    if sum(file.size or 0 for file in files) > MOST_BYTES:
        raise TooLarge(_("A form takes at most 200 MB; use the hf command for more."))
    folder = asked["folder"].strip().strip("/")
    paths = [f"{folder}/{file.name}" if folder else str(file.name) for file in files]
    for path in paths:
        check_path(path)
    rules = _lfs_rules(repo, branch)
    changes = []
    for path, file in zip(paths, files, strict=True):
        as_lfs = gitattributes.is_lfs(path, rules) or _belongs_in_lfs(file)
        blob = uploads.store_bytes(repo=repo, actor=user, chunks=file.chunks(), size=file.size)
        changes.append(AddFile(path=path, sha256=blob.sha256, as_lfs=as_lfs))
    title = asked["title"].strip() or (
        _("Upload %(name)s") % {"name": paths[0]}
        if len(paths) == 1
        else ngettext("Upload %(n)d file", "Upload %(n)d files", len(paths)) % {"n": len(paths)}
    )
    commits.commit_files(repo=repo, branch=branch, changes=changes, title=title, actor=user)


def _belongs_in_lfs(file: UploadedFile[Any]) -> bool:
    """Large, or not text: as clients are told before they upload."""
    sample = file.read(SAMPLE_BYTES)
    file.seek(0)
    return (file.size or 0) > LFS_FROM_BYTES or b"\0" in sample


def _lfs_rules(repo: Repo, branch: str) -> str:
    """The text of `.gitattributes` on this branch; "" when there is none."""
    found = trees.entries_at(trees.resolve_revision(repo, branch), [".gitattributes"])
    if not found or found[0].blob is None or found[0].size > gitattributes.LONGEST_RULES_BYTES:
        return ""
    return blob_store().read_range(found[0].blob.sha256, 0, found[0].size).decode("utf-8", "replace")
