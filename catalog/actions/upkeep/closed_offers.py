"""What strangers offered and nobody merged: some weeks after it was closed its commits go, and what was said stays.

The owner of the repo pays for these commits, so they cannot stay for ever. Only what came by pull requests goes, and
only where no branch or tag ever had it and nothing that stays is built upon it.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from catalog.actions import audit
from catalog.actions.history import freezing
from catalog.actions.upkeep import garbage, upkeep_leases
from catalog.models import Commit, Discussion, Line, Repo, TreeEntry
from catalog.queries import closed_offers

OFFERS_PER_RUN: Final = 100


def drop_overdue() -> int:
    """Drop ref and commits of pull requests that were closed long enough; returns how many pull requests."""
    keys = list(closed_offers.overdue().order_by("pk").values_list("pk", flat=True)[:OFFERS_PER_RUN])
    return sum(_drop(key) for key in keys)


@transaction.atomic
def _drop(key: int) -> bool:
    upkeep_leases.refuse_during_backup()
    repo = Repo.objects.select_related("namespace").filter(discussions=key).first()
    if repo is None:
        return False
    freezing.freeze(repo)
    offer = closed_offers.overdue().filter(pk=key).first()
    if offer is None:  # opened again, or its author may write here since
        return False
    repo.refs.pull_requests().filter(name=str(offer.num)).delete()
    offer.commits_dropped_at = timezone.now()
    offer.save(update_fields=["commits_dropped_at"])
    lines = _forgotten_lines(repo)
    # the many rows first, each kind in one statement
    TreeEntry.objects.filter(line__in=lines).delete()
    commits = Commit.objects.filter(line__in=lines).delete()[1].get(Commit._meta.label, 0)  # noqa: SLF001  documented
    Line.objects.filter(pk__in=lines).delete()
    garbage.release_unreferenced(repo)
    audit.record(None, "pull_request.drop", audit.name_of(repo), num=offer.num, commits=commits)
    return True


def _forgotten_lines(repo: Repo) -> set[int]:
    """Lines on which there is nothing but commits of dropped pull requests, and that nobody else needs."""
    nums = repo.discussions.exclude(commits_dropped_at=None).values("num")
    dropped = Commit.objects.filter(repo=repo, offered_in__in=nums)
    others = Commit.objects.filter(line=OuterRef("pk")).exclude(pk__in=dropped.values("pk"))
    found = Line.objects.filter(pk__in=dropped.values("line")).filter(~Exists(others))
    lines = set(found.values_list("pk", flat=True))
    while lines and (needed := _needed(repo, lines)):
        lines -= needed
    return lines


def _needed(repo: Repo, lines: set[int]) -> set[int]:
    """Those among these lines that a ref, a pull request, a commit or a file on any other line refers to."""
    commits = Commit.objects.filter(line__in=lines)
    needed = set(commits.filter(refs__isnull=False).values_list("line", flat=True))
    bases = Discussion.objects.filter(base__in=commits, commits_dropped_at=None)
    needed |= set(bases.values_list("base__line", flat=True))
    copied = TreeEntry.objects.filter(changed_in__in=commits).exclude(line__in=lines)
    needed |= set(copied.values_list("changed_in__line", flat=True))
    places = dict(commits.values_list("oid", "line"))
    children = repo.commits.exclude(line__in=lines).filter(parents__overlap=list(places))
    parents = {oid for found in children.values_list("parents", flat=True) for oid in found}
    return needed | {places[oid] for oid in parents & places.keys()}
