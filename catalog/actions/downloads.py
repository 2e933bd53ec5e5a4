"""Counting downloads: in Redis as they happen, written to the database in batches.

A count is worth less than a download: while Redis is away, downloads go on and are not counted.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import date, timedelta
from functools import cache
from typing import Final

import redis
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog.models import DownloadCount, Repo, RepoFacts, TreeEntry, User, WeightsDownload
from catalog.parsing import formats

COUNTERS: Final = "downloads:counting"  # hash: "DAY REPO" → count
IN_FLIGHT: Final = "downloads:writing"  # the same, while a flush writes it
RECENT: Final = timedelta(days=30)
REDIS_TIMEOUT_SECONDS: Final = 0.5

_FLUSH_LOCK: Final = 0x6D61726B65740002  # one flush at a time

logger = logging.getLogger(__name__)

_ADD_TO_DAY = """
    INSERT INTO catalog_downloadcount (repo_id, day, count) VALUES (%s, %s, %s)
    ON CONFLICT (repo_id, day) DO UPDATE SET count = catalog_downloadcount.count + EXCLUDED.count
"""


def note_download(*, repo: Repo, actor: User | None, entry: TreeEntry) -> None:
    """Count one download, and remember who has fetched weights: a review by them is marked."""
    try:
        _client().hincrby(COUNTERS, f"{timezone.now().date()} {repo.pk}", 1)
    except redis.RedisError as problem:
        logger.warning("a download was not counted: %s", problem)
    if actor is not None and formats.is_weights(entry.path):
        seen = WeightsDownload.objects.filter(repo=repo, user=actor)
        if not seen.exists():
            WeightsDownload.objects.bulk_create([WeightsDownload(repo=repo, user=actor)], ignore_conflicts=True)


@transaction.atomic
def flush_counters() -> int:
    """Write what was counted since the last flush; returns how many downloads.

    A process that dies between the commit and the end of its flush has them counted twice, never lost.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FLUSH_LOCK])
    counts = _taken()
    # counts of repos whose rows are gone have nowhere to go
    known = set(Repo.objects.filter(pk__in={repo_id for repo_id, _day in counts}).values_list("pk", flat=True))
    totals: Counter[int] = Counter()
    for (repo_id, _day), count in counts.items():
        if repo_id in known:
            totals[repo_id] += count
    rows = [(repo_id, day, count) for (repo_id, day), count in sorted(counts.items()) if repo_id in known]
    with connection.cursor() as cursor:
        cursor.executemany(_ADD_TO_DAY, rows)
    for repo_id, count in sorted(totals.items()):
        RepoFacts.objects.filter(repo_id=repo_id).update(downloads_all_time=F("downloads_all_time") + count)
    _refresh_recent(list(totals))
    transaction.on_commit(_forget_written)
    return totals.total()


def _refresh_recent(repo_ids: list[int]) -> None:
    """Sum the last 30 days anew where they changed, which is also where a day dropped out of them."""
    today = timezone.now().date()
    aged = DownloadCount.objects.none()
    if _client().set(f"downloads:aged:{today}", 1, nx=True, ex=2 * 86_400):
        aged = DownloadCount.objects.filter(day__lte=today - RECENT, repo__facts__downloads__gt=0)
    in_window = DownloadCount.objects.filter(repo_id=OuterRef("repo_id"), day__gt=today - RECENT)
    total = in_window.values("repo_id").annotate(total=Sum("count")).values("total")
    RepoFacts.objects.filter(Q(repo_id__in=repo_ids) | Q(repo_id__in=aged.values("repo_id"))).update(
        downloads=Coalesce(Subquery(total), 0)
    )


def _taken() -> dict[tuple[int, date], int]:
    """Moves the counters aside; those of a flush that died come first, so none is lost."""
    client = _client()
    if not client.exists(IN_FLIGHT) and client.exists(COUNTERS):
        client.rename(COUNTERS, IN_FLIGHT)
    counts: dict[tuple[int, date], int] = {}
    for key, value in client.hgetall(IN_FLIGHT).items():
        day, _, repo_id = str(key).partition(" ")
        counts[int(repo_id), date.fromisoformat(day)] = int(value)
    return counts


def _forget_written() -> None:
    _client().delete(IN_FLIGHT)


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        decode_responses=True,
    )
