"""Files of a revision: folders, and single files shown as what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from catalog import access, actors, links
from catalog.models import Commit, Ref, Repo, TreeEntry
from catalog.pages import languages
from catalog.pages.errors import page
from catalog.pages.frame import commit_at, frame, readable
from catalog.queries import trees
from catalog.stores import blob_store

ENTRIES_PER_PAGE = 200
LARGEST_SHOWN = 512 * 1024  # bytes of text on one page
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")


@dataclass(frozen=True)
class Crumb:
    """One folder on the way to a file."""

    name: str
    href: str


@dataclass(frozen=True)
class Row:
    """One line of a folder."""

    entry: TreeEntry
    href: str
    download: str
    is_pickle: bool


@page
def tree(
    request: HttpRequest, *, kind: str, owner: str, name: str, revision: str = "", path: str = ""
) -> HttpResponseBase:
    """A folder, at most `ENTRIES_PER_PAGE` entries at a time."""
    repo = readable(request, kind, owner, name)
    if not revision:
        return redirect(links.tree(repo, repo.default_branch))
    commit = _commit_or_none(repo, revision)
    folder = path.strip("/")
    shown = frame(request, repo, "files", **_place(repo, revision, folder))
    if commit is None:
        return render(request, "catalog/tree.html", shown | {"rows": []})
    after = request.GET.get("after", "")
    found = trees.entries_of(commit, folder=folder, after=after, limit=ENTRIES_PER_PAGE + 1)
    entries = found[:ENTRIES_PER_PAGE]
    # Folders first, as people look for them; a page stays in the order of paths otherwise.
    entries.sort(key=lambda entry: not entry.is_folder)
    shown |= {
        "commit": commit,
        "rows": [_row(repo, revision, entry) for entry in entries],
        "next_after": found[ENTRIES_PER_PAGE - 1].path if len(found) > ENTRIES_PER_PAGE else "",
        "refs": trees.refs_of(repo),
    }
    return render(request, "catalog/tree.html", shown)


@page
def blob(request: HttpRequest, *, kind: str, owner: str, name: str, revision: str, path: str) -> HttpResponse:
    """One file: text with numbered lines, a picture, or what else we know about it."""
    repo = access.repo_to_download(actors.actor_of(request), kind, owner, name)
    commit = commit_at(repo, revision)
    entry = trees.file_at(commit, path)
    text = _text_of(entry)
    shown = frame(
        request,
        repo,
        "files",
        **_place(repo, revision, entry.path),
        commit=commit,
        entry=entry,
        is_image=entry.name.lower().endswith(IMAGES) and entry.size > 0,
        is_pickle=_is_pickle(entry),
        lines=text.split("\n") if text is not None else None,
        language=languages.lang_of(text or ""),
        refs=trees.refs_of(repo),
    )
    return render(request, "catalog/blob.html", shown)


def _commit_or_none(repo: Repo, revision: str) -> Commit | None:
    """None only for a default branch that does not exist yet: a mirror before its first sync."""
    if revision == repo.default_branch and not repo.refs.exists():
        return None
    return commit_at(repo, revision)


def _place(repo: Repo, revision: str, path: str) -> dict[str, Any]:
    parts = path.split("/") if path else []
    crumbs = [Crumb(part, links.tree(repo, revision, "/".join(parts[: at + 1]))) for at, part in enumerate(parts[:-1])]
    return {
        "revision": revision,
        "is_branch": _names_branch(repo, revision),
        "path": path,
        "crumbs": crumbs,
        "last": parts[-1] if parts else "",
        "root": links.tree(repo, revision),
    }


def _names_branch(repo: Repo, revision: str) -> bool:
    return repo.refs.filter(kind=Ref.Kind.BRANCH, name=revision).exists()


def _row(repo: Repo, revision: str, entry: TreeEntry) -> Row:
    to = links.tree if entry.is_folder else links.blob
    return Row(
        entry,
        to(repo, revision, entry.path),
        "" if entry.is_folder else links.resolve(repo, revision, entry.path),
        _is_pickle(entry),
    )


def _is_pickle(entry: TreeEntry) -> bool:
    """By its name: what commonly holds code that runs when it is loaded."""
    return not entry.is_folder and entry.name.lower().endswith(PICKLES)


def _text_of(entry: TreeEntry) -> str | None:
    """The file as text, or None when it is too large or not text."""
    if entry.blob is None or entry.size > LARGEST_SHOWN:
        return None
    data = blob_store().read_range(entry.blob.sha256, 0, entry.size) if entry.size else b""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
