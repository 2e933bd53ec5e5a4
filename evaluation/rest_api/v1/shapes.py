"""What this face says and accepts; names and types are a promise to scripts."""

from __future__ import annotations

from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evaluation.models import Benchmark, Node, Record, Run, Score
from evaluation.queries import classes, placement
from evaluation.queries.claims import ClaimRow
from evaluation.queries.datasets import DataState
from evaluation.queries.leaderboard import BoardRow
from evaluation.queries.scores import BenchmarkScores, derived_of, parts_of, scores_of_run, superseded_scores_of
from evaluation.queries.verdicts import JudgedClaim
from evaluation.rest_api.v1.node_shapes import AttemptOut

_BENCHMARK = (
    "id", "version", "title", "summary", "status", "task", "accepts", "languages",
    "primary_metric", "higher_is_better", "definition_hash", "namespace", "data_state",
)  # fmt: skip
Rows = list[dict[str, Any]]
_SCORE = ("metric", "value", "low", "high", "n", "unit", "higher_is_better", "method")


def _stated(name: str) -> serializers.CharField:
    return serializers.CharField(source=f"claim.{name}", default="")


class DataStateOut(serializers.Serializer[Any]):
    """Whether the data of a benchmark is here, as far as the caller may know."""

    state = serializers.ChoiceField(choices=["ready", "waiting", "unpinned"])
    sentence = serializers.CharField(help_text=_("what it waits for; empty when it is ready"))
    dataset = serializers.CharField()
    revision = serializers.CharField(help_text=_("a commit, package==version, or unknown until an operator pins it"))
    here = serializers.CharField(allow_null=True, help_text=_("the dataset of this hub that holds the commit"))


class BenchmarkIn(serializers.Serializer[Any]):
    namespace = serializers.CharField(
        max_length=96, required=False, allow_blank=True, default="", help_text=_("team or person; default: your own")
    )
    definition = serializers.CharField(max_length=64 * 1024, help_text=_("one YAML document"))


class BenchmarkOut(serializers.ModelSerializer[Benchmark]):
    """One benchmark in its current version."""

    id = serializers.CharField(source="slug")
    namespace = serializers.CharField(
        source="namespace.name", allow_null=True, default=None, help_text=_("whose it is alone; null: everybody's")
    )
    data_state = serializers.SerializerMethodField()

    class Meta:
        model = Benchmark
        fields: tuple[str, ...] = _BENCHMARK

    @extend_schema_field(DataStateOut)
    def get_data_state(self, benchmark: Benchmark) -> dict[str, Any]:
        state: DataState = self.context["states"][benchmark.pk]
        dataset, found = benchmark.definition["dataset"], state.commit
        return {
            "state": state.code,
            "sentence": state.sentence,
            "dataset": dataset["repo"],
            "revision": dataset["revision"],
            "here": found.repo.full_name if found else None,
        }


class BenchmarkDetailOut(BenchmarkOut):
    definition = serializers.DictField(help_text=_("the whole definition, as its hash covers it"))

    class Meta(BenchmarkOut.Meta):
        fields = (*_BENCHMARK, "definition")


class ScoreOut(serializers.ModelSerializer[Score]):
    """One number with its 95 % interval; proportions are 0–1."""

    class Meta:
        model = Score
        fields: tuple[str, ...] = _SCORE


class SliceOut(ScoreOut):
    class Meta(ScoreOut.Meta):
        fields = ("slice", *_SCORE)


class SupersededOut(ScoreOut):
    """A score that a newer version of its metric took the place of; its record stays."""

    record = serializers.IntegerField(source="record_id", allow_null=True)

    class Meta(ScoreOut.Meta):
        fields = ("record", "slice", *_SCORE)


def _rows(shape: type[ScoreOut], scores: list[Score]) -> Rows:
    return [dict(shape(score).data) for score in scores]


class ProgressOut(serializers.Serializer[Any]):
    phase = serializers.CharField(required=False)
    done = serializers.IntegerField(required=False)
    total = serializers.IntegerField(required=False)
    rate = serializers.FloatField(required=False, help_text=_("items a second"))
    eta_seconds = serializers.IntegerField(required=False, allow_null=True)


class RunOut(serializers.ModelSerializer[Run]):
    """One evaluation of one model revision."""

    model = serializers.CharField(source="repo.full_name")
    benchmark = serializers.CharField(source="benchmark.slug")
    benchmark_version = serializers.IntegerField(source="benchmark.version")
    commit = serializers.CharField(source="commit_oid")
    requester = serializers.CharField(source="requester.username", allow_null=True, default=None)
    node = serializers.CharField(source="node.name", allow_null=True, default=None)
    progress = ProgressOut()
    is_stalled = serializers.BooleanField()
    scores = serializers.SerializerMethodField()
    slices = serializers.SerializerMethodField()
    derived = serializers.SerializerMethodField()
    superseded = serializers.SerializerMethodField()
    kind = serializers.CharField(help_text=_("full, smoke or sentinel"))
    node_class = serializers.SerializerMethodField(help_text=_("class of nodes it goes to: cpu, gpu.16g, …"))
    memory_gb = serializers.FloatField(help_text=_("expected from the headers of the weights; 0: not estimated"))
    waits_for = serializers.SerializerMethodField()
    attempts = AttemptOut(many=True, help_text=_("in the order they began"))

    class Meta:
        model = Run
        fields: tuple[str, ...] = (
            "id", "model", "revision", "commit", "benchmark", "benchmark_version", "state", "is_stalled", "progress",
            "reason_code", "reason", "scores", "slices", "derived", "superseded", "kind", "withdrawn_at",
            "withdrawn_reason", "trigger", "requester", "node", "node_class", "memory_gb", "waits_for", "attempt",
            "max_attempts", "attempts", "created_at", "started_at", "finished_at",
        )  # fmt: skip

    @extend_schema_field(ScoreOut(many=True))
    def get_scores(self, run: Run) -> Rows:
        """All metrics over all items, the primary one first."""
        return _rows(ScoreOut, [score for score in scores_of_run(run) if not score.slice])

    @extend_schema_field(SliceOut(many=True))
    def get_slices(self, run: Run) -> Rows:
        return _rows(SliceOut, parts_of(scores_of_run(run)))

    @extend_schema_field(SliceOut(many=True))
    def get_derived(self, run: Run) -> Rows:
        """What follows from several scores, such as the gap between groups; `slice` names the division."""
        return _rows(SliceOut, derived_of(scores_of_run(run)))

    @extend_schema_field(SupersededOut(many=True))
    def get_superseded(self, run: Run) -> Rows:
        """Scores by earlier versions of the metrics, newest first."""
        return _rows(SupersededOut, superseded_scores_of(run))

    def get_node_class(self, run: Run) -> str:
        return classes.shown(run.queue)

    def get_waits_for(self, run: Run) -> str:
        """What no registered node has and this queued run needs, as a sentence; else empty."""
        return placement.waits_for(run, self._nodes) if run.state == Run.State.QUEUED else ""

    @cached_property
    def _nodes(self) -> list[Node]:
        """Once for all rows of a list."""
        return placement.registered()


class WithdrawIn(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, help_text=_("everybody will read it"))


class RunIn(serializers.Serializer[Any]):
    benchmark = serializers.SlugField(max_length=280)
    revision = serializers.CharField(
        max_length=255, required=False, allow_blank=True, default="", help_text=_("default: the default branch")
    )


class BoardRowOut(serializers.Serializer[BoardRow]):
    """One model revision on the board."""

    rank = serializers.CharField(help_text=_("a range where the difference may be chance, such as 1–3"))
    rank_first = serializers.IntegerField()
    rank_last = serializers.IntegerField()
    model = serializers.CharField(source="repo.full_name")
    commit = serializers.CharField(source="score.commit_oid")
    run = serializers.IntegerField(source="score.run_id")
    metric = serializers.CharField(source="score.metric")
    value = serializers.FloatField(source="score.value")
    low = serializers.FloatField(source="score.low", allow_null=True)
    high = serializers.FloatField(source="score.high", allow_null=True)
    n = serializers.IntegerField(source="score.n")
    parameters = serializers.IntegerField(allow_null=True)
    license = serializers.CharField(source="licence")
    p50_ms = serializers.FloatField(allow_null=True)
    items_per_second = serializers.FloatField(allow_null=True)
    peak_bytes = serializers.FloatField(allow_null=True, help_text=_("memory of the run: on the GPU, else resident"))
    joules = serializers.FloatField(allow_null=True, help_text=_("energy of an item"))
    hardware_class = serializers.CharField(help_text=_("compare speed, memory and energy within one alone"))
    is_frontier = serializers.BooleanField()
    is_stale = serializers.BooleanField(help_text=_("weights, config or tokenizer changed since"))


class ClaimRowOut(serializers.Serializer[ClaimRow]):
    """What a model card states for this benchmark; nobody here has checked it, so it has no rank."""

    model = serializers.CharField(source="repo.full_name")
    commit = serializers.CharField(source="commit_oid")
    metric = serializers.CharField()
    value = serializers.FloatField()
    parameters = serializers.IntegerField(allow_null=True)
    license = serializers.CharField(source="licence")
    source_url = serializers.CharField()


class BoardOut(serializers.Serializer[Any]):
    benchmark = BenchmarkOut()
    results = BoardRowOut(many=True)
    claims = ClaimRowOut(many=True, help_text=_("empty unless asked for with claimed=1"))
    next = serializers.URLField(allow_null=True)


class BenchmarkScoresOut(serializers.Serializer[BenchmarkScores]):
    """What one run says of the model."""

    benchmark = serializers.CharField(source="benchmark.slug")
    benchmark_version = serializers.IntegerField(source="benchmark.version")
    run = serializers.IntegerField(source="run.pk")
    commit = serializers.CharField(source="run.commit_oid")
    is_at_head = serializers.BooleanField()
    is_stale = serializers.BooleanField(help_text=_("weights, config or tokenizer changed since"))
    attempts = serializers.IntegerField(help_text=_("runs of this model on this benchmark, whatever came of them"))
    scores = serializers.SerializerMethodField()
    slices = SliceOut(many=True)

    @extend_schema_field(ScoreOut(many=True))
    def get_scores(self, group: BenchmarkScores) -> Rows:
        first = [] if group.primary is None else [group.primary]
        return _rows(ScoreOut, [*first, *group.others])


class JudgedClaimOut(serializers.Serializer[JudgedClaim]):
    """What the card states, and how what was measured here stands to it."""

    task = _stated("task")
    dataset = _stated("dataset")
    dataset_name = _stated("dataset_name")
    config = _stated("config")
    split = _stated("split")
    revision = _stated("revision")
    metric = _stated("metric")
    metric_name = _stated("metric_name")
    source_name = _stated("source_name")
    source_url = _stated("source_url")
    value = serializers.FloatField(source="claim.value", help_text=_("as stated"))
    verdict = serializers.ChoiceField(choices=["match", "lower", "higher", "not_comparable", "not_measured"])
    field = serializers.CharField(help_text=_("of the protocol: what is absent from the claim or differs"))
    reason = serializers.CharField()
    measured = serializers.FloatField(source="score.value", allow_null=True, default=None)
    run = serializers.IntegerField(source="score.run_id", allow_null=True, default=None)


class ModelScoresOut(serializers.Serializer[Any]):
    results = BenchmarkScoresOut(many=True, help_text=_("reproduced here"))
    claims = JudgedClaimOut(many=True, help_text=_("stated by the model card, each with a verdict"))


class RecordOut(serializers.ModelSerializer[Record]):
    """The signed record: verify `signature` over the UTF-8 bytes of `body` with the key `key_id`."""

    run = serializers.IntegerField(source="run_id")
    algorithm = serializers.SerializerMethodField()

    class Meta:
        model = Record
        fields = ("id", "run", "body", "signature", "key_id", "algorithm", "created_at")

    def get_algorithm(self, record: Record) -> str:
        return "Ed25519"


class KeyOut(serializers.Serializer[Any]):
    id = serializers.CharField()
    algorithm = serializers.CharField()
    public_key = serializers.CharField(help_text=_("32 bytes, base64"))
    status = serializers.CharField(help_text=_("current, or retired: signs nothing new"))


class KeysOut(serializers.Serializer[Any]):
    keys = KeyOut(many=True)
