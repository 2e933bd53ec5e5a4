"""`/metrics` for Prometheus: what waits, what is damaged, what is left. For our own networks alone (security 14)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.stores import blob_store

# Headers that a proxy adds: what comes through one comes from outside, whoever the nearest hop is.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")

# Small tables, or small parts of them that an index finds: a scrape must cost nothing.
COUNTS = {
    "marketplace_blobs_not_live": (
        "Contents that are condemned, being deleted or damaged, by state.",
        "SELECT state, count(*) FROM catalog_blob WHERE state <> 'live' GROUP BY state",
    ),
    "marketplace_runs_active": (
        "Evaluations that wait or are under way, by state.",
        "SELECT state, count(*) FROM evaluation_run WHERE state <> ALL('{succeeded,failed,cancelled}') GROUP BY state",
    ),
    "marketplace_webhook_deliveries_waiting": (
        "Messages to webhooks that were not delivered yet, by state.",
        "SELECT state, count(*) FROM catalog_webhookdelivery WHERE state IN ('queued', 'running') GROUP BY state",
    ),
    "marketplace_syncs_active": (
        "Syncs of mirrors that wait or are under way, by state.",
        "SELECT state, count(*) FROM catalog_syncrun WHERE state IN ('queued', 'running', 'paused') GROUP BY state",
    ),
    "marketplace_database_connections": (
        "Connections to this database, by state.",
        "SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1",
    ),
}

# The same of the runs of each class of nodes; `queries.fleet.queues` says it to people.
BY_CLASS = {
    "marketplace_runs_queued": (
        "Evaluations that wait for a node, by its class.",
        "SELECT replace(queue, 'eval.', ''), count(*) FROM evaluation_run WHERE state = 'queued' GROUP BY 1",
    ),
    "marketplace_runs_under_way": (
        "Evaluations that nodes work on, by class.",
        """SELECT replace(queue, 'eval.', ''), count(*)
            FROM evaluation_run WHERE state IN ('claimed', 'running') GROUP BY 1""",
    ),
    "marketplace_runs_oldest_queued_seconds": (
        "How long the oldest evaluation that waits has waited, by class.",
        """SELECT replace(queue, 'eval.', ''), extract(epoch FROM now() - min(created_at))
            FROM evaluation_run WHERE state = 'queued' GROUP BY 1""",
    ),
    "marketplace_runs_queued_work_seconds": (
        "What the waiting evaluations are expected to take on one node, by class. Scale nodes by this.",
        """WITH took AS (
                SELECT benchmark_id, avg(extract(epoch FROM ended_at - began_at)) AS mean
                FROM evaluation_attempt attempt JOIN evaluation_run run ON run.id = attempt.run_id
                WHERE outcome = 'done' AND ended_at > now() - interval '7 days' GROUP BY 1
            )
            SELECT replace(queue, 'eval.', ''), sum(coalesce(took.mean, (SELECT avg(mean) FROM took)))
            FROM evaluation_run run LEFT JOIN took USING (benchmark_id) WHERE state = 'queued' GROUP BY 1""",
    ),
}


def is_internal(request: HttpRequest) -> bool:
    """Whether this comes from a network of METRICS_NETWORKS, by no proxy."""
    if any(name in request.META for name in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in network for network in settings.METRICS_NETWORKS)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse("".join(_lines()), content_type="text/plain; version=0.0.4; charset=utf-8")


def _lines() -> Iterator[str]:
    for label, figures in (("state", COUNTS), ("class", BY_CLASS)):
        for name, (words, query) in figures.items():
            yield f"# HELP {name} {words}\n# TYPE {name} gauge\n"
            with connection.cursor() as cursor:
                cursor.execute(query)
                for value, number in cursor.fetchall():
                    if number is not None:
                        yield f'{name}{{{label}="{value}"}} {number}\n'
    room = blob_store().headroom_bytes()
    if room is not None:
        name = "marketplace_storage_headroom_bytes"
        yield f"# HELP {name} What may still come in before the disk's reserve.\n# TYPE {name} gauge\n{name} {room}\n"
