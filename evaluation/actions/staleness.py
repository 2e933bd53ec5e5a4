"""Noting what the heads of measured models are made of, so that boards can mark what is out of date."""

from __future__ import annotations

from typing import Final

from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from catalog.models import RepoFacts
from evaluation.models import HeadFiles, Score
from evaluation.queries.snapshots import snapshot_of
from evaluation.queries.staleness import files_digest

MOST_AT_ONCE: Final = 200


def note_heads() -> int:
    """Look at the heads that moved since; returns how many. Called by the sweep."""
    noted = HeadFiles.objects.filter(repo=OuterRef("repo")).values("commit_oid")
    measured = Score.objects.filter(is_current=True).values("repo")
    facts = RepoFacts.objects.filter(repo__in=measured, commit__isnull=False).annotate(noted=Subquery(noted[:1]))
    moved = facts.filter(Q(noted=None) | ~Q(noted=F("commit__oid"))).select_related("commit")
    found = list(moved.only("repo_id", "commit")[:MOST_AT_ONCE])
    for one in found:
        if one.commit is not None:
            HeadFiles.objects.update_or_create(
                repo_id=one.repo_id,
                defaults={
                    "commit_oid": one.commit.oid,
                    "files_digest": files_digest(snapshot_of(one.commit)),
                    "noted_at": timezone.now(),
                },
            )
    return len(found)
