"""Repos: create, change settings, delete."""

from __future__ import annotations

import json

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import jobs
from catalog.actions import audit
from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.actions.notices import events
from catalog.errors import BadInput, NameTaken
from catalog.models import Namespace, Organisation, Repo, RepoFacts, RepoRedirect, User
from catalog.parsing import gitattributes, names
from catalog.types import AddFile

LONGEST_SDK = 20


def create_repo(
    *,
    namespace: Namespace,
    kind: str,
    name: str,
    visibility: str | None = None,
    sdk: str = "",
    actor: User,
    initial_commit: bool = True,
) -> Repo:
    """Create a repo whose branch `main` holds a `.gitattributes`.

    Args:
        sdk: of a space: what it was written for, which its first README says; nothing runs here.
        visibility: None takes the team's default, public for people.
        initial_commit: False leaves it without history, as mirrors need it.

    Raises:
        InvalidName, BadInput
        NameTaken: in any mix of cases; the fact `repo` is the id of the repo that has it.
    """
    names.check_name(name)
    if kind not in Repo.Kind.values:
        raise BadInput(_("A repo is a model, a dataset or a space."))
    if not (len(sdk) <= LONGEST_SDK and sdk.isprintable()):
        raise BadInput(_("The sdk of a space is a short word."))
    visibility = visibility or _default_visibility(namespace)
    _check_visibility(visibility)
    with transaction.atomic():
        repo = _add_repo(
            Repo(namespace=namespace, kind=kind, name=name, visibility=visibility, sdk=sdk, created_by=actor)
        )
        if initial_commit:
            _start_history(repo, actor)
        audit.record(actor, "repo.create", audit.name_of(repo), visibility=visibility)
        events.emit(repo=repo, event="repo.create", actor=actor)
    return repo


@transaction.atomic
def change_settings(*, repo: Repo, visibility: str | None = None, gate: str | None = None, actor: User) -> Repo:
    """Make a repo public or private; have its files asked for, or not. None leaves things as they are.

    Raises:
        BadInput: no such visibility or gate.
    """
    visibility = repo.visibility if visibility is None else visibility
    gate = repo.gate if gate is None else gate
    _check_visibility(visibility)
    if gate not in Repo.Gate.values:
        raise BadInput(_("A gate is open, automatic or manual."))
    changed = {
        name: value for name, value in (("visibility", visibility), ("gate", gate)) if getattr(repo, name) != value
    }
    if changed:
        repo.visibility, repo.gate = visibility, gate
        repo.save(update_fields=[*changed])
        RepoFacts.objects.filter(repo=repo).update(updated_at=timezone.now())
        audit.record(actor, "repo.settings", audit.name_of(repo), **changed)
        events.emit(repo=repo, event="repo.config.update", actor=actor, updated_config={"private": repo.is_private})
        jobs.index_repo(repo)
    return repo


@transaction.atomic
def delete_repo(*, repo: Repo, actor: User | None) -> None:
    """Take a repo away from everybody's sight; its name is free for its owner at once."""
    repo.deleted_at = timezone.now()
    repo.save(update_fields=["deleted_at"])
    audit.record(actor, "repo.delete", audit.name_of(repo), public_id=repo.public_id)
    events.emit(repo=repo, event="repo.delete", actor=actor)


def _add_repo(repo: Repo) -> Repo:
    repo.name_key = repo.name.casefold()
    try:
        with transaction.atomic():
            repo.save(force_insert=True)
    except IntegrityError:
        taken = (
            Repo.objects.live()
            .select_related("namespace")
            .get(namespace=repo.namespace, kind=repo.kind, name_key=repo.name_key)
        )
        raise NameTaken(
            _("You already created this %(kind)s repo") % {"kind": repo.kind}, repo=taken.full_name
        ) from None
    RepoFacts.objects.create(repo=repo, kind=repo.kind)
    # a former name is free for those who may create there; it leads here from now on
    RepoRedirect.objects.filter(namespace=repo.namespace, kind=repo.kind, name_key=repo.name_key).delete()
    return repo


def _start_history(repo: Repo, actor: User) -> None:
    is_data = repo.kind == Repo.Kind.DATASET
    attributes = gitattributes.DEFAULT_DATASET_ATTRIBUTES if is_data else gitattributes.DEFAULT_MODEL_ATTRIBUTES
    files = {".gitattributes": attributes}
    if repo.sdk:
        files["README.md"] = _readme_of_space(repo)
    changes = [
        AddFile(path=path, sha256=uploads.store_bytes(repo=repo, actor=actor, chunks=[text.encode()]).sha256)
        for path, text in files.items()
    ]
    commits.first_commit(repo=repo, changes=changes, title="initial commit", actor=actor)


def _readme_of_space(repo: Repo) -> str:
    """Clients change the card of a space and never make one."""
    title = repo.name.replace("-", " ").replace("_", " ").strip().title() or repo.name
    # JSON is YAML, and quotes what would be read as a number or a date
    card = {"title": json.dumps(title), "sdk": json.dumps(repo.sdk)}
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in card.items()) + "---\n"


def _default_visibility(namespace: Namespace) -> str:
    owner = namespace.owner
    return owner.default_visibility if isinstance(owner, Organisation) else Repo.Visibility.PUBLIC


def _check_visibility(visibility: str) -> None:
    if visibility not in Repo.Visibility.values:
        raise BadInput(_("The visibility is either public or private."))
