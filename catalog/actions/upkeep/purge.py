"""Deleted repos: back within the month, gone for good after it.

What goes with a repo is what the database says depends on it. Signed records of evaluations stay: they are
append-only and say themselves what they are about (ADR 0012).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from catalog import jobs
from catalog.actions import audit, quotas
from catalog.actions.notices import events
from catalog.actions.upkeep import upkeep_leases
from catalog.errors import NameTaken, RepoNotFound
from catalog.models import Commit, Repo, RepoBlob, RepoFacts, RepoRedirect, TreeEntry, User
from catalog.parsing import names
from catalog.queries.deleted_repos import restorable

REPOS_PER_RUN: Final = 20


def deleted_repo(*, kind: str, owner: str, name: str) -> Repo:
    """Returns the repo of this name that was deleted last. Raises `RepoNotFound`."""
    found = restorable().filter(kind=kind, namespace__key=owner.casefold(), name_key=name.casefold()).first()
    if found is None:
        raise RepoNotFound
    return found


@transaction.atomic
def undelete(*, repo: Repo, name: str | None = None, actor: User | None) -> Repo:
    """Bring a deleted repo back as it was.

    Args:
        name: another one for it, in the same namespace; None keeps the one it had.

    Raises:
        RepoNotFound: it is gone for good.
        InvalidName
        NameTaken: its owner gave the name to another repo meanwhile.
        QuotaExceeded: what it holds does not fit beside what came since.
    """
    if name is not None:
        names.check_name(name)
    found = restorable().filter(pk=repo.pk).select_for_update(of=("self",)).first()
    if found is None:
        raise RepoNotFound
    former = audit.name_of(found)
    found.deleted_at, found.name = None, name or found.name
    found.name_key = found.name.casefold()
    try:
        with transaction.atomic():
            found.save(update_fields=["deleted_at", "name", "name_key"])
    except IntegrityError:
        raise NameTaken(
            _("%(name)s is in use by a newer repo; restore this one under another name.") % {"name": found.full_name},
            repo=found.full_name,
        ) from None
    quotas.check(found)  # after the row: its bytes count again
    # as when a repo is made: a former name that is in use leads nowhere else
    RepoRedirect.objects.filter(namespace=found.namespace, kind=found.kind, name_key=found.name_key).delete()
    RepoFacts.objects.filter(repo=found).update(indexed_at=None)
    renamed = {} if audit.name_of(found) == former else {"former": former}
    audit.record(actor, "repo.undelete", audit.name_of(found), public_id=found.public_id, **renamed)
    events.emit(repo=found, event="repo.create", actor=actor, restored=True)
    jobs.index_repo(found)
    return found


@transaction.atomic
def give_up(*, repo: Repo, actor: User) -> None:
    """Delete a deleted repo for good: its time to come back is over now, and the next collection takes it.

    Rows may be many, so they do not go in the request that asks.

    Raises:
        RepoNotFound: its time was over already.
    """
    found = restorable().filter(pk=repo.pk).select_for_update(of=("self",)).first()
    if found is None:
        raise RepoNotFound
    deleted_at = found.deleted_at
    assert deleted_at is not None
    days = timedelta(days=settings.DELETED_REPO_DAYS)
    Repo.objects.filter(pk=found.pk).update(deleted_at=F("deleted_at") - days)
    audit.record(
        actor, "repo.give_up", audit.name_of(found), public_id=found.public_id, deleted_at=deleted_at.isoformat()
    )


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
