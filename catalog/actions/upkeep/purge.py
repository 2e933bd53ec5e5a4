"""Deleted repos: back within the month, gone for good after it.

What goes with a repo is what the database says depends on it. Signed records of evaluations stay: they are
append-only and say themselves what they are about (ADR 0012).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from catalog import jobs
from catalog.actions import audit
from catalog.actions.upkeep import upkeep_leases
from catalog.errors import NameTaken, RepoNotFound
from catalog.models import Commit, Repo, RepoBlob, TreeEntry, User

REPOS_PER_RUN: Final = 20


def deleted_repos() -> QuerySet[Repo]:
    """Those that can still come back, latest first."""
    return Repo.objects.exclude(deleted_at=None).select_related("namespace").order_by("-deleted_at")


def deleted_repo(*, kind: str, owner: str, name: str) -> Repo:
    """Returns the repo of this name that was deleted last. Raises `RepoNotFound`."""
    found = deleted_repos().filter(kind=kind, namespace__key=owner.casefold(), name_key=name.casefold()).first()
    if found is None:
        raise RepoNotFound
    return found


@transaction.atomic
def undelete(*, repo: Repo, actor: User | None) -> None:
    """Bring a deleted repo back as it was.

    Raises:
        RepoNotFound: it is gone for good.
        NameTaken: its owner gave the name to another repo meanwhile.
    """
    held = Repo.objects.select_for_update().filter(pk=repo.pk).exclude(deleted_at=None).first()
    if held is None:
        raise RepoNotFound
    if Repo.objects.live().filter(namespace=held.namespace_id, kind=held.kind, name_key=held.name_key).exists():
        raise NameTaken(_("%(name)s is in use by a newer repo.") % {"name": repo.full_name}, repo=repo.full_name)
    held.deleted_at = repo.deleted_at = None
    held.save(update_fields=["deleted_at"])
    audit.record(actor, "repo.undelete", audit.name_of(repo), public_id=repo.public_id)
    jobs.index_repo(held)


def purge_deleted() -> int:
    """Drop the rows of repos whose month is over; their bytes go by collection. Returns how many."""
    over = Repo.objects.filter(deleted_at__lte=Now() - timedelta(days=settings.DELETED_REPO_DAYS))
    keys = list(over.order_by("deleted_at").values_list("pk", flat=True)[:REPOS_PER_RUN])
    return sum(_purge(key) for key in keys)


@transaction.atomic
def _purge(key: int) -> bool:
    upkeep_leases.refuse_during_backup()
    repo = Repo.objects.select_for_update(skip_locked=True).filter(pk=key).exclude(deleted_at=None).first()
    if repo is None:
        return False
    audit.record(None, "repo.purge", audit.name_of(repo), public_id=repo.public_id)
    # the many rows first, each kind in one statement
    TreeEntry.objects.filter(line__repo=repo).delete()
    RepoBlob.objects.filter(repo=repo).delete()
    repo.refs.all().delete()
    Commit.objects.filter(repo=repo).delete()
    repo.delete()
    return True
