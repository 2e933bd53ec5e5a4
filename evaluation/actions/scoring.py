"""From what a node sent to published scores. Runs on a trusted worker, without torch (evaluation-notes 1)."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.errors import RevisionNotFound
from catalog.stores import blob_store
from evaluation import signing
from evaluation.actions import inputs, leases, provenance
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadOutput, RunIsOver, RunLeaseLost
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.registry import REGISTRY
from evaluation.metrics.scoring import MetricValue, score
from evaluation.models import Record, Run, Score
from evaluation.queries.benchmarks import definition_of
from evaluation.queries.snapshots import snapshot_of_run

logger = logging.getLogger(__name__)

LONGEST_MEASUREMENTS: Final = 64_000  # characters of JSON kept with the run


def score_run(run_id: int) -> None:
    """Score a run that waits for it; harmless when it does not, or when another worker is at it."""
    try:
        run = leases.claim_scoring(run_id)
    except (RunIsOver, Run.DoesNotExist):
        return
    try:
        definition = definition_of(run.benchmark)
        values = _values(run, definition)
        _publish(run, definition, values)
    except BadOutput as problem:
        _give_up(run, "bad_output", problem.message)
    except DataUnavailable as problem:
        _give_up(run, "data_unavailable", str(problem))
    except RevisionNotFound:
        _give_up(run, "unsupported", _("The evaluated commit is gone: the history of the repo was rewritten."))
    except RunLeaseLost:
        logger.info("run %d was taken away while it was scored", run_id)


def _values(run: Run, definition: Definition) -> list[MetricValue]:
    with tempfile.TemporaryDirectory(prefix="score-") as name:
        folder = Path(name)
        for output in run.outputs.select_related("blob"):
            with blob_store().open(output.blob.sha256) as source, (folder / output.name).open("wb") as copy:
                shutil.copyfileobj(source, copy, 1024 * 1024)
        run.measurements = _measurements(folder / "measurements.json")
        return score(definition, inputs.gold_of(run), read_predictions(definition, folder))


def _measurements(path: Path) -> dict[str, Any]:
    """The runner's own figures, as a node sends them: an object of reasonable size, or nothing.

    Raises:
        BadOutput
    """
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadOutput(_("measurements.json is not valid JSON.")) from None
    text = json.dumps(found)
    if not isinstance(found, dict) or len(text) > LONGEST_MEASUREMENTS or "\\u0000" in text:
        raise BadOutput(_("measurements.json is not an object of reasonable size."))
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


@transaction.atomic
def _publish(run: Run, definition: Definition, values: list[MetricValue]) -> None:
    """Scores, signed record and the end of the run, together or not at all. Raises `RunLeaseLost`."""
    held = leases.lock_scoring(run)
    held.measurements = run.measurements
    body = signing.canonical(provenance.record_of(held, definition, snapshot_of_run(held), values))
    signature = signing.sign(body)
    Record.objects.create(run=held, body=body, signature=signature.hex, key_id=signature.key_id)
    Score.objects.bulk_create(_row(held, value) for value in values)
    held.state, held.finished_at = Run.State.SUCCEEDED, timezone.now()
    held.lease_token = held.lease_until = None
    held.progress, held.reason_code, held.reason = {}, "", ""
    held.save()
    _make_newest_current(held)


def _row(run: Run, value: MetricValue) -> Score:
    metric = REGISTRY[value.metric]
    return Score(
        run=run,
        repo=run.repo,
        benchmark=run.benchmark,
        commit_oid=run.commit_oid,
        metric=value.metric,
        slice=value.slice,
        is_primary=value.primary,
        value=value.value,
        low=value.low,
        high=value.high,
        n=value.n,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        method=value.method,
        is_current=False,
    )


def _make_newest_current(run: Run) -> None:
    """Of all valid runs of this model on this benchmark the newest counts: no best of many."""
    with connection.cursor() as cursor:  # two runs that end together must agree which one that is
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [run.benchmark_id, run.repo_id % 2**31])
    same = Score.objects.filter(repo=run.repo, benchmark=run.benchmark)
    newest = same.order_by("-run_id").values_list("run_id", flat=True)[0]  # there is one: that of `run`
    same.filter(is_current=True).exclude(run_id=newest).update(is_current=False)
    same.filter(run_id=newest).update(is_current=True)


@transaction.atomic
def _give_up(run: Run, reason: str, message: str) -> None:
    try:
        leases.fail(leases.lock_scoring(run), reason, message)
    except RunLeaseLost:
        logger.info("run %d was taken away while it was scored", run.pk)
