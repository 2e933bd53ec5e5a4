"""The metrics of today applied to the answers of yesterday: no GPU, no node, only stored outputs and gold."""

from __future__ import annotations

import json
import logging
import platform
from typing import Any

from django.db import transaction
from django.utils import timezone

from evaluation import jobs, signing
from evaluation.actions import provenance, scoring
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadOutput
from evaluation.metrics.scoring import Judgement
from evaluation.models import Record, Run, Score
from evaluation.queries.benchmarks import definition_of
from evaluation.queries.outdated import outdated_metrics, runs_to_rescore

logger = logging.getLogger(__name__)
Json = dict[str, Any]


def queue_rescoring(metric: str = "") -> int:
    """Have workers re-score every run a newer metric version concerns. Returns how many."""
    found = list(runs_to_rescore(metric))
    for run_id in found:
        jobs.rescore_run(run_id)
    return len(found)


def rescore_run(run_id: int) -> bool:
    """Score the stored outputs anew where a metric has a newer version. Returns whether there is a new record.

    The old scores stay, marked superseded; both records stay, each with its signature. Where only what is kept per
    item is missing, that alone is added.
    """
    run = Run.objects.select_related("benchmark", "repo").filter(pk=run_id, state=Run.State.SUCCEEDED).first()
    record = run.record if run is not None else None
    if run is None or record is None:
        return False
    outdated = outdated_metrics(record)
    if not outdated and run.columns.exists():
        return False
    definition = definition_of(run.benchmark)
    try:
        judgement = scoring.judged(run, definition)
    except (BadOutput, DataUnavailable) as problem:
        logger.warning("run %d keeps its scores, it cannot be scored again: %s", run_id, problem)
        return False
    return _replace(run, record, definition, judgement, outdated)


@transaction.atomic
def _replace(
    run: Run, record: Record, definition: Definition, judgement: Judgement, outdated: dict[str, tuple[int, int]]
) -> bool:
    held = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    newest = held.record
    if newest is None or newest.pk != record.pk:  # another worker was here first
        return False
    if not outdated:
        scoring.keep_columns(held, judgement)
        return False
    body = signing.canonical(_rewritten(json.loads(record.body), record, definition, judgement, outdated))
    signature = signing.sign(body)
    fresh = Record.objects.create(run=held, body=body, signature=signature.hex, key_id=signature.key_id)
    Score.objects.filter(run=held, is_superseded=False).update(is_superseded=True, is_current=False)
    scoring.keep(held, fresh, judgement)
    if held.kind == Run.Kind.FULL:  # another run may have ended meanwhile: which one counts is decided anew
        scoring.make_newest_current(held)
    return True


def _rewritten(
    body: Json, old: Record, definition: Definition, judgement: Judgement, outdated: dict[str, tuple[int, int]]
) -> Json:
    """The old record with new numbers; what it says of model, node and answers is as true as before."""
    return {
        **body,
        "metrics": provenance.metrics_of(definition, judgement),
        "engine": {**body["engine"], "scored_with_python": platform.python_version()},
        "result": {**body["result"], **provenance.scores_of(judgement)},
        "trust": {**body["trust"], "key_id": signing.current_key_id()},
        "rescoring": {
            "at": timezone.now().isoformat(timespec="seconds"),
            "supersedes": {"key_id": old.key_id, "signature": old.signature},
            "metrics": {name: {"from": before, "to": now} for name, (before, now) in outdated.items()},
        },
    }
