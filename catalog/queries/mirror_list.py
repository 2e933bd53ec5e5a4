"""Mirrors and their jobs, as far as the reader may see the repos they fill."""

from __future__ import annotations

from catalog.errors import NotFound
from catalog.models import Mirror, Repo, SyncRun, User
from catalog.queries.paging import Cursor, Page

PAGE = 30
RUNS_SHOWN = 10


def find_mirrors(user: User | None, *, cursor: str = "", limit: int = PAGE) -> Page[tuple[Mirror, SyncRun | None]]:
    """Newest first, each with its latest job. Raises `InvalidCursor`."""
    mirrors = Mirror.objects.filter(repo__in=Repo.objects.visible_to(user)).select_related("repo__namespace")
    if cursor:
        mirrors = mirrors.filter(pk__lt=Cursor.unseal(cursor, "mirrors").keys[0])
    found = list(mirrors.order_by("-pk")[: limit + 1])
    items = found[:limit]
    latest = SyncRun.objects.filter(mirror__in=items).order_by("mirror_id", "-pk").distinct("mirror_id")
    jobs = {job.mirror_id: job for job in latest.defer("plan")}
    more = Cursor(keys=(items[-1].pk,)).seal("mirrors") if len(found) > limit else None
    return Page([(mirror, jobs.get(mirror.pk)) for mirror in items], more)


def mirror_to_read(user: User | None, mirror_id: int) -> Mirror:
    """Raises `NotFound` for what is absent or not this person's to see."""
    visible = Mirror.objects.filter(repo__in=Repo.objects.visible_to(user))
    mirror = visible.select_related("repo__namespace", "repo__facts", "created_by").filter(pk=mirror_id).first()
    if mirror is None:
        raise NotFound
    return mirror


def jobs_of(mirror: Mirror) -> list[SyncRun]:
    """The latest jobs, newest first."""
    return list(mirror.sync_runs.select_related("requested_by").order_by("-pk")[:RUNS_SHOWN])
