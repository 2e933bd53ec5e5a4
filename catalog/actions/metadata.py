"""What a repo says about itself, read from its files into columns (decision 21)."""

from __future__ import annotations

from django.db.models import Count, Sum
from django.utils import timezone

from catalog.models import Commit, Repo, RepoFacts, TreeEntry


def read_facts(repo: Repo, commit: Commit) -> RepoFacts:
    """Returns the facts of the new head of the default branch, written in the commit's transaction."""
    facts, _created = RepoFacts.objects.get_or_create(repo=repo, defaults={"kind": repo.kind})
    sums = TreeEntry.objects.at(commit).files().aggregate(bytes=Sum("size", default=0), count=Count("pk"))
    facts.commit, facts.updated_at, facts.indexed_at = commit, timezone.now(), None
    facts.total_bytes, facts.file_count = sums["bytes"], sums["count"]
    facts.save(update_fields=["commit", "updated_at", "indexed_at", "total_bytes", "file_count"])
    repo.facts = facts
    return facts
