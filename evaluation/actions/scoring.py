"""From what a node sent to published scores. Runs on a trusted worker, without torch (evaluation-notes 1)."""

from __future__ import annotations

import dataclasses
import json
import logging
import tempfile
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.errors import RevisionNotFound
from evaluation import signing
from evaluation.actions import efficiency, leases, provenance, sentinels
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import definition_hash
from evaluation.benchmarks.items import Items
from evaluation.benchmarks.perturbing import Perturber
from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadOutput, RunIsOver, RunLeaseLost
from evaluation.harnesses import judge
from evaluation.metrics.attributions import summary
from evaluation.metrics.columns import Column
from evaluation.metrics.registry import FIGURES
from evaluation.metrics.scoring import Judgement, MetricValue
from evaluation.models import ItemColumn, Record, Run, Score
from evaluation.queries import answers, datasets
from evaluation.queries.attributions import explained_in
from evaluation.queries.benchmarks import definition_of
from evaluation.queries.snapshots import snapshot_of_run
from evaluation.runner import RUNNER_VERSION

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
        judgement = judged(run, definition)
        _publish(run, definition, judgement)
    except BadOutput as problem:
        _give_up(run, "bad_output", problem.message)
    except DataUnavailable as problem:
        _give_up(run, "data_unavailable", str(problem))
    except RevisionNotFound:
        _give_up(run, "unsupported", _("The evaluated commit is gone: the history of the repo was rewritten."))
    except RunLeaseLost:
        logger.info("run %d was taken away while it was scored", run_id)


def judged(run: Run, definition: Definition) -> Judgement:
    """What the outputs of a run are worth by the metrics of today; notes the runner's figures with `run`.

    Raises:
        BadOutput, DataUnavailable
    """
    with tempfile.TemporaryDirectory(prefix="score-") as name:
        folder = Path(name)
        answers.fetch_outputs(run, folder)
        run.measurements = _measurements(folder / "measurements.json")
        items = answers.items_of(run, definition)
        found, copies = answers.read_with_copies(run, definition, items, folder)
        files = datasets.files_of_run(run) if definition.engine.name != "native" else None
        judgement = judge(definition, items.gold, found, copies, files)
    judgement = _with_changes(judgement, definition, items) if definition.perturbations else judgement
    return _with_attributions(judgement, run, definition, items) if definition.interpret else judgement


def _with_attributions(judgement: Judgement, run: Run, definition: Definition, items: Items) -> Judgement:
    """In sums: what they say of single items is for those who may see these. No fault in them costs a score."""
    try:
        found = {**summary(explained_in(run, definition, items)), "reason": ""}
    except BadOutput as problem:
        found = {**summary([]), "reason": problem.message}
    return dataclasses.replace(judgement, diagnostics={**judgement.diagnostics, "attributions": found})


def _with_changes(judgement: Judgement, definition: Definition, items: Items) -> Judgement:
    """How many copies differ from their items at all: a drop over texts that nothing changed says little."""
    changes = Perturber(definition, definition_hash(definition)).changes(items)
    done = [{**one, "changed": changes[one["name"]]} for one in judgement.diagnostics.get("robustness", [])]
    return dataclasses.replace(judgement, diagnostics={**judgement.diagnostics, "robustness": done})


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
def _publish(run: Run, definition: Definition, judgement: Judgement) -> None:
    """Scores, signed record and the end of the run, together or not at all. Raises `RunLeaseLost`."""
    held = leases.lock_scoring(run)
    if held.kind == Run.Kind.FULL and held.node is not None and held.node.paused_at is not None:
        _give_back(held)
        return
    held.measurements = run.measurements
    snapshot = snapshot_of_run(held)
    readings = efficiency.readings_of(held, definition, snapshot)
    facts = provenance.record_of(held, definition, snapshot, judgement)
    body = signing.canonical(facts | efficiency.stated(held, definition, readings))
    signature = signing.sign(body)
    record = Record.objects.create(run=held, body=body, signature=signature.hex, key_id=signature.key_id)
    keep(held, record, judgement)
    efficiency.keep(held, record, definition, readings)
    held.runner_version = RUNNER_VERSION
    held.state, held.finished_at = Run.State.SUCCEEDED, timezone.now()
    held.lease_token = held.lease_until = None
    held.progress, held.reason_code, held.reason = {}, "", ""
    held.save()
    if held.kind == Run.Kind.FULL:
        make_newest_current(held)
    if held.kind == Run.Kind.SENTINEL:
        sentinels.note_result(held)


def _give_back(run: Run) -> None:
    """Its node drifted while it worked on this: nothing is published, another node measures it."""
    run.excluded_node = run.node
    leases.fail(run, "node_error", _("The machine that evaluated this model gave wrong results for known models."))


def keep(run: Run, record: Record, judgement: Judgement) -> None:
    """The rows of one scoring, not counting yet; those of an earlier one are superseded first."""
    Score.objects.bulk_create(_row(run, record, value) for value in judgement.values)
    keep_columns(run, judgement)


def keep_columns(run: Run, judgement: Judgement) -> None:
    """What comparisons read; there is one set per run."""
    ItemColumn.objects.filter(run=run).delete()
    ItemColumn.objects.bulk_create(_packed(run, column) for column in judgement.columns)


def _row(run: Run, record: Record, value: MetricValue) -> Score:
    metric = FIGURES[value.metric]
    return Score(
        run=run,
        record=record,
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


def _packed(run: Run, column: Column) -> ItemColumn:
    return ItemColumn(
        run=run, metric=column.metric, kind=column.kind, length=len(column.values), packed=column.packed()
    )


def make_newest_current(run: Run) -> None:
    """Of all valid runs of this model on this benchmark the newest counts: no best of many. In a transaction."""
    with connection.cursor() as cursor:  # two runs that end together must agree which one that is
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [run.benchmark_id, run.repo_id % 2**31])
    same = Score.objects.filter(repo=run.repo, benchmark=run.benchmark, run__kind=Run.Kind.FULL, is_superseded=False)
    newest = same.order_by("-run_id").values_list("run_id", flat=True)[0]  # there is one: that of `run`
    same.filter(is_current=True).exclude(run_id=newest).update(is_current=False)
    # A withdrawn one keeps its place empty: see `withdrawal`. So does a broken one, until it is measured again.
    same.filter(run_id=newest, run__withdrawn_at=None, run__integrity_problem="").update(is_current=True)


@transaction.atomic
def _give_up(run: Run, reason: str, message: str) -> None:
    try:
        leases.fail(leases.lock_scoring(run), reason, message)
    except RunLeaseLost:
        logger.info("run %d was taken away while it was scored", run.pk)
