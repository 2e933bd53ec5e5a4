"""Records whose metrics have newer versions now: what `rescore` is for."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.db.models import OuterRef, Subquery

from evaluation.metrics.registry import FIGURES
from evaluation.models import Record, Run


def outdated_metrics(record: Record) -> dict[str, tuple[int, int]]:
    """Name → (version in the record, version now) of the metrics whose numbers may be others now."""
    found = {}
    for metric in json.loads(record.body)["metrics"]:
        known = FIGURES.get(metric["name"])
        if known is not None and known.version != metric["version"]:
            found[known.name] = (int(metric["version"]), known.version)
    return found


def runs_to_rescore(metric: str = "") -> Iterator[int]:
    """Ids of the runs that a newer version concerns, and of those that kept nothing per item; oldest first.

    Args:
        metric: only for this one.
    """
    newest = Record.objects.filter(run=OuterRef("run")).order_by("-pk").values("pk")[:1]
    records = Record.objects.filter(pk=Subquery(newest), run__state=Run.State.SUCCEEDED).order_by("run_id")
    for record in records.iterator(chunk_size=500):
        outdated = outdated_metrics(record)
        if record.run_id is not None and (metric in outdated if metric else outdated):
            yield record.run_id
    if not metric:
        bare = Run.objects.filter(state=Run.State.SUCCEEDED, columns=None, records__isnull=False)
        yield from bare.order_by("pk").distinct().values_list("pk", flat=True)
