"""What a card claims beside what was measured: match, lower, higher, or not comparable and why (evaluation-notes 5)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.utils.translation import gettext as _

from catalog.models import Repo, User
from evaluation.benchmarks.schema import Definition
from evaluation.metrics.registry import REGISTRY
from evaluation.models import Benchmark, Score
from evaluation.queries.benchmarks import definition_of
from evaluation.queries.naming import named_filters, names_of, plain
from evaluation.queries.staleness import stale_of_repo

Claim = Mapping[str, Any]
Verdict = Literal["match", "lower", "higher", "not_comparable", "not_measured"]

SHARE_OF_RANGE: Final = 0.005
_SHORT_COMMIT: Final = re.compile(r"[0-9a-f]{7,40}", re.ASCII)
SHOTS: Final = ("shots", "num_few_shot", "num_fewshot", "few_shot", "n_shot")
NORMALISER: Final = ("normaliser", "normalizer", "normalization", "filter", "filters")


@dataclass(frozen=True)
class JudgedClaim:
    """One claim, and what we can say of it. `verdict` says how what we measured stands to what is claimed."""

    claim: Claim
    verdict: Verdict
    reason: str
    field: str = ""  # of the protocol: metric, version, split, shots, normaliser; what is absent or differs
    score: Score | None = None  # ours, for the same metric
    value: float | None = None  # the claimed one in the unit of ours


class _NotComparable(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def judged_claims(repo: Repo, claims: Sequence[Claim], user: User | None) -> list[JudgedClaim]:
    """Every claim of a card with its verdict, by what this person may see; few queries however many there are."""
    if not claims:
        return []
    benchmarks = list(Benchmark.objects.visible_to(user).order_by("slug", "-version"))
    visible = Score.objects.filter(repo=repo, is_current=True, slice="").visible_to(user)
    scores = visible.select_related("benchmark", "run")
    ours = {(score.benchmark_id, score.metric): score for score in scores.defer("run__log")}
    # Claims are those of the head; what was measured of other weights says nothing of them.
    stale = stale_of_repo(repo, (score.run for score in ours.values()))
    return [_judged(claim, benchmarks, ours, stale) for claim in claims]


def _judged(
    claim: Claim, benchmarks: list[Benchmark], ours: Mapping[tuple[int, str], Score], stale: set[int]
) -> JudgedClaim:
    named = [one for one in benchmarks if _is_about(claim, one)]
    if not named:
        return JudgedClaim(claim, "not_comparable", _("No benchmark here measures this."), "benchmark")
    # Rather one that was measured, rather the newest.
    measured = {benchmark_id for benchmark_id, _metric in ours}
    benchmark = next((one for one in named if one.pk in measured), named[0])
    try:
        metric = _metric(claim, benchmark)
        _check_protocol(claim, benchmark, definition_of(benchmark), metric)
    except _NotComparable as problem:
        return JudgedClaim(claim, "not_comparable", problem.reason, problem.field)
    score = ours.get((benchmark.pk, metric))
    if score is None:
        return JudgedClaim(claim, "not_measured", _("This revision was not measured here yet."))
    if score.run_id in stale:
        return JudgedClaim(
            claim, "not_comparable", _("Other weights were measured than this revision has."), "revision"
        )
    return _compared(claim, score)


def _compared(claim: Claim, score: Score) -> JudgedClaim:
    value = _in_our_unit(claim, score)
    if value is None:
        return JudgedClaim(claim, "not_comparable", _("The claim is no number in the range of the metric."), "value")
    apart, tolerance = score.value - value, _tolerance(score, value)
    if abs(apart) <= tolerance:
        return JudgedClaim(claim, "match", _("Measured here within the interval."), score=score, value=value)
    if apart < 0:
        return JudgedClaim(claim, "lower", _("Measured here lower than claimed."), score=score, value=value)
    return JudgedClaim(claim, "higher", _("Measured here higher than claimed."), score=score, value=value)


def _tolerance(score: Score, value: float) -> float:
    """Half the interval, or half a percent of the metric's range; of the claim where the range has no end."""
    half = 0.0 if score.low is None or score.high is None else (score.high - score.low) / 2
    low, high = REGISTRY[score.metric].range if score.metric in REGISTRY else (0.0, 1.0)
    return max(half, SHARE_OF_RANGE * (abs(value) if high is None else high - low))


def _in_our_unit(claim: Claim, score: Score) -> float | None:
    stated = claim.get("value")
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not math.isfinite(stated):
        return None
    value = float(stated)
    if score.unit == "proportion":  # cards write 0.93 or 93
        value = round(value / 100, 12) if 1 < value <= 100 else value
        return value if 0 <= value <= 1 else None
    return value


def _is_about(claim: Claim, benchmark: Benchmark) -> bool:
    stated = {plain(claim.get(name)) for name in ("dataset", "dataset_name")}
    stated.add(plain(_args(claim).get("benchmark", "").partition("@")[0]))
    return bool((stated - {""}) & names_of(benchmark))


def _metric(claim: Claim, benchmark: Benchmark) -> str:
    stated = {plain(claim.get("metric")), plain(claim.get("metric_name"))} - {""}
    found = [use["name"] for use in benchmark.definition["metrics"] if plain(use["name"]) in stated]
    if found:
        return str(found[0])
    raise _NotComparable(
        "metric",
        _("The claim is about %(stated)s; %(benchmark)s measures %(ours)s.")
        % {
            "stated": str(claim.get("metric") or claim.get("metric_name") or "–")[:60],
            "benchmark": benchmark,
            "ours": ", ".join(str(use["name"]) for use in benchmark.definition["metrics"]),
        },
    )


def _check_protocol(claim: Claim, benchmark: Benchmark, definition: Definition, metric: str) -> None:
    """Raises `_NotComparable` for the first field that is absent or differs."""
    for field, stated, wanted in _protocol(claim, benchmark, definition, metric):
        if not stated:
            raise _NotComparable(field, _("The claim does not state the %(field)s.") % {"field": _words(field)})
        if stated != wanted:
            raise _NotComparable(
                field,
                _("The claim states the %(field)s %(stated)s; here it is %(wanted)s.")
                % {"field": _words(field), "stated": stated[:80], "wanted": wanted[:80]},
            )


def _protocol(
    claim: Claim, benchmark: Benchmark, definition: Definition, metric: str
) -> Iterator[tuple[str, str, str]]:
    """(field, as claimed, as measured) of all that has to agree for two numbers to mean the same."""
    args = _args(claim)
    if "@" in args.get("benchmark", ""):
        yield "version", args["benchmark"], str(benchmark)
    else:
        revision, ours = str(claim.get("revision") or ""), definition.dataset.revision
        is_same = _SHORT_COMMIT.fullmatch(revision) is not None and ours.startswith(revision)
        yield "version", ours if is_same else revision, ours
    yield "split", str(claim.get("split") or args.get("split") or ""), definition.dataset.split
    if definition.prompt is not None:
        yield "shots", _first(args, SHOTS), str(definition.prompt.shots)
    ours = _normaliser(definition, metric)
    if ours:
        yield "normaliser", _first(args, NORMALISER), ours


def _normaliser(definition: Definition, metric: str) -> str:
    """What is done to answers before they are compared; "" where nothing is."""
    use = next(use for use in definition.metrics if use.name == metric)
    named = [str(value) for name, value in use.params.items() if name in NORMALISER]
    return "+".join(filter(None, [named_filters(definition.filters), *named]))


def _first(args: Mapping[str, str], names: Sequence[str]) -> str:
    return next((args[name] for name in names if args.get(name)), "")


def _args(claim: Claim) -> dict[str, str]:
    found = claim.get("args")
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, Mapping) else {}


def _words(field: str) -> str:
    return {
        "version": _("version of the data"),
        "split": _("split"),
        "shots": _("number of shots"),
        "normaliser": _("normaliser"),
    }[field]
