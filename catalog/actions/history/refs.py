"""Branches and tags: movable and fixed names for commits."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.actions.history import recording
from catalog.errors import RefExists, RefProtected, RevisionNotFound
from catalog.models import Ref, Repo, User
from catalog.parsing import names
from catalog.queries import trees


def create_branch(*, repo: Repo, name: str, start: str | None = None, actor: User) -> Ref:
    """Create a branch at a revision; None starts at the default branch.

    Raises:
        InvalidReference, RefExists, RevisionNotFound
    """
    return _create(Ref(repo=repo, kind=Ref.Kind.BRANCH, name=name), start or repo.default_branch, actor)


def create_tag(*, repo: Repo, name: str, revision: str, message: str = "", actor: User) -> Ref:
    """Name the commit of a revision for good.

    Raises:
        InvalidReference, RefExists, RevisionNotFound
    """
    return _create(Ref(repo=repo, kind=Ref.Kind.TAG, name=name, message=message), revision, actor)


def delete_branch(*, repo: Repo, name: str, actor: User) -> None:
    """Forget a branch; its commits stay readable by their ids.

    Raises:
        RefProtected: it is the default branch.
        RevisionNotFound: no such branch.
    """
    if name == repo.default_branch:
        raise RefProtected(_("Cannot delete refs/heads/%(name)s") % {"name": name})
    _delete(repo, Ref.Kind.BRANCH, name, actor)


def delete_tag(*, repo: Repo, name: str, actor: User) -> None:
    """Forget a tag.

    Raises:
        RevisionNotFound: no such tag.
    """
    _delete(repo, Ref.Kind.TAG, name, actor)


@transaction.atomic
def _create(ref: Ref, revision: str, actor: User) -> Ref:
    # whoever rewrites history holds the repo and all the refs it finds: none may come meanwhile
    Repo.objects.select_for_update(no_key=True).get(pk=ref.repo_id)
    ref.commit = trees.resolve_revision(ref.repo, revision)
    names.check_revision_name(ref.name)
    try:
        with transaction.atomic():
            ref.save(force_insert=True)
    except IntegrityError:
        raise RefExists(_("Reference %(ref)s already exists") % {"ref": ref.full_ref}) from None
    recording.keep(ref.commit)
    audit.record(actor, "ref.create", audit.name_of(ref.repo), ref=ref.full_ref, commit=ref.commit.oid)
    return ref


@transaction.atomic
def _delete(repo: Repo, kind: str, name: str, actor: User) -> None:
    ref = repo.refs.select_for_update().filter(kind=kind, name=name).first()
    if ref is None:
        raise RevisionNotFound(_("Invalid rev id: %(name)s") % {"name": name})
    audit.record(actor, "ref.delete", audit.name_of(repo), ref=ref.full_ref, commit=ref.commit.oid)
    ref.delete()
