"""lm_eval 0.4.13: its tasks recorded as inputs, the answers replayed into its own metrics (evaluation-notes 4.13)."""

import hashlib
import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import definition_hash
from evaluation.benchmarks.hub.files import DatasetFiles
from evaluation.benchmarks.items import Items, Row
from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.sources import RECORDS
from evaluation.errors import BadOutput
from evaluation.harnesses.process import HarnessFailed, run, version_of
from evaluation.harnesses.recordings import kept
from evaluation.metrics.answers import Predictions, places
from evaluation.metrics.arrays import Floats
from evaluation.metrics.kinds.generated import GeneratedPredictions
from evaluation.metrics.kinds.likelihoods import LikelihoodPredictions
from evaluation.metrics.kinds.rolling import RollingPredictions
from evaluation.metrics.registry import REGISTRY
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import Gold, Sample, Statistic

PROGRAM = Path(__file__).with_name("lm_eval_process.py")
TASKS = Path(__file__).with_name("tasks")  # our own; any other name is a task of lm_eval itself
KINDS = {"loglikelihood": "loglikelihood", "loglikelihood_rolling": "rolling", "generate_until": "generate"}
ROUNDING = 1e-9  # between lm_eval's sums and ours

Json = dict[str, Any]


@dataclass(frozen=True)
class HarnessSample(Sample):
    """Documents with what lm_eval says of each: per metric a value and what it is divided by."""

    names: tuple[str, ...]
    table: Floats  # (documents, 2 × metrics)
    origin: str

    @property
    def offers(self) -> frozenset[Need]:
        return frozenset().union(*(REGISTRY[name].needs for name in self.names if name in REGISTRY))

    def per_item(self, use: Any) -> Floats | None:  # noqa: ANN401 (MetricUse)
        values, _ = self._columns(use.name)
        return values if REGISTRY[use.name].decomposable else None

    def statistic(self, use: Any) -> Statistic:  # noqa: ANN401 (MetricUse)
        if REGISTRY[use.name].decomposable:
            return super().statistic(use)
        values, units = self._columns(use.name)

        def ratio(weights: Floats) -> float:
            return float(-(weights @ values) / (weights @ units))

        if use.name == "bits_per_byte":
            return lambda weights: ratio(weights) / math.log(2)
        return lambda weights: math.exp(ratio(weights))

    def signature(self, use: Any) -> str:  # noqa: ANN401 (MetricUse)
        return self.origin

    def _columns(self, name: str) -> tuple[Floats, Floats]:
        if name not in self.names:
            raise DataUnavailable(f"The task of lm_eval has no metric {name!r}; it has {', '.join(self.names)}.")
        place = 2 * self.names.index(name)
        return self.table[:, place], self.table[:, place + 1]


def record(definition: Definition, cache: Path, _files: DatasetFiles | None = None) -> Items:
    """What the task asks, document by document; datasets of this hub are not connected yet.

    Raises:
        DataUnavailable: lm_eval is not installed, or its task and the definition do not agree.
    """
    found = kept(cache, _digest(definition), lambda: _ask(definition, None))
    _check_agreement(definition, found)
    documents: list[list[Json]] = found["documents"]
    return Items(
        inputs=[{"id": str(number)} | _input(definition, requests) for number, requests in enumerate(documents)],
        gold=[
            {"id": str(number), "document": number, "requests": [request["repeats"] for request in requests]}
            for number, requests in enumerate(documents)
        ],
    )


def judge(definition: Definition, gold: Gold, found: Predictions, _files: DatasetFiles | None = None) -> HarnessSample:
    """lm_eval's own judgement of the answers.

    Raises:
        BadOutput: answers and items do not fit together.
        DataUnavailable: as `record`.
    """
    place = places(gold, found)
    rows = sorted(gold, key=lambda row: int(row["document"]))
    answers = [_answers(row, found, place[row["id"]]) for row in rows]
    said = _ask(definition, answers)
    if said["documents"] != [row["document"] for row in rows]:
        raise DataUnavailable("lm_eval judges other documents than it asked about.")
    names = tuple(sorted(said["metrics"]))
    pairs = [_pairs(said["metrics"][name]["per_item"]) for name in names]
    sample = HarnessSample(
        rows=rows,
        groups=[""] * len(rows),
        clusters=None,
        names=names,
        table=np.hstack(pairs),
        origin=f"lm_eval {said['version']}, task {definition.engine.harness_task} {said['task_version']}, "
        f"filter {said['filter']}",
    )
    _check_sums(definition, sample, {name: said["metrics"][name]["value"] for name in names})
    return sample


def _check_agreement(definition: Definition, found: Json) -> None:
    kind = KINDS.get(found["kind"])
    if kind != definition.request:
        raise DataUnavailable(f"The task of lm_eval asks for {kind}, the definition for {definition.request}.")
    expected = definition.dataset.expect_rows
    if expected is not None and len(found["documents"]) != expected:
        raise DataUnavailable(f"The task has {len(found['documents'])} documents here; {expected} are expected.")
    if kind == "generate":
        _check_generation(definition, found["documents"])


def _check_generation(definition: Definition, documents: Sequence[Sequence[Json]]) -> None:
    """How long answers grow is the task's to say and the definition's to repeat: the runner hears only the latter."""
    asked, own = documents[0][0]["arguments"][1], definition.generation
    until = [asked["until"]] if isinstance(asked.get("until"), str) else list(asked.get("until") or [])
    wanted = (tuple(until), int(asked.get("max_gen_toks", 256)), bool(asked.get("do_sample", False)))
    stated = (own.stop, own.max_new_tokens, own.do_sample) if own else None
    if stated != wanted or any(one[0]["arguments"][1] != asked for one in documents):
        raise DataUnavailable(
            f"The task of lm_eval stops at {until}, after {wanted[1]} tokens, sampling {wanted[2]}: "
            "the definition's generation must say the same."
        )


def _check_sums(definition: Definition, sample: HarnessSample, values: Mapping[str, float]) -> None:
    """What we give intervals to is what lm_eval says, to the last digits."""
    for use in definition.metrics:
        own = sample.statistic(use)(np.ones(len(sample)))
        if not math.isclose(own, values[use.name], rel_tol=ROUNDING, abs_tol=ROUNDING):
            raise DataUnavailable(f"lm_eval's {use.name} is {values[use.name]}; its documents make {own}.")


def _input(definition: Definition, requests: Sequence[Json]) -> Row:
    arguments = [request["arguments"] for request in requests]
    if definition.request != "loglikelihood":
        return {"text": arguments[0][0]}
    contexts = [context for context, _ in arguments]
    shared = len(set(contexts)) == 1
    return {"contexts": contexts[:1] if shared else contexts, "continuations": [after for _, after in arguments]}


def _answers(row: Mapping[str, Any], found: Predictions, index: int) -> list[list[Any]]:
    """Per request of a document its answers, as often as it is repeated."""
    repeats: list[int] = row["requests"]
    if isinstance(found, LikelihoodPredictions):
        pairs = list(zip(found.logprobs[index], found.greedy[index], strict=True))
        if len(pairs) != len(repeats):
            raise BadOutput(f"The run judged {len(pairs)} continuations of an item that has {len(repeats)}.")
        return [[list(pair)] * count for pair, count in zip(pairs, repeats, strict=True)]
    if isinstance(found, RollingPredictions):
        return [[found.logprobs[index]] * repeats[0]]
    if isinstance(found, GeneratedPredictions):
        texts = [output.text for output in found.outputs[index]]
        if len(texts) != repeats[0]:
            raise BadOutput(f"The run wrote {len(texts)} texts about an item that asks for {repeats[0]}.")
        return [texts]
    raise BadOutput("lm_eval does not judge answers of this kind.")


def _pairs(values: Sequence[float | Sequence[float]]) -> Floats:
    """(documents, 2): a value and what it is divided by, which is 1 for a plain mean."""
    return np.array([value if isinstance(value, list) else [value, 1.0] for value in values], dtype=np.float64)


def _digest(definition: Definition) -> str:
    """Of all that decides what is asked: definition, task, data, version."""
    digest = hashlib.sha256(f"{definition_hash(definition)}\0{version_of('lm_eval')}\0".encode())
    own = _own_task(definition)
    digest.update(own.read_bytes() if own.is_file() else b"")
    for split in _splits(definition):
        digest.update(_lines(definition, split).encode())
    return digest.hexdigest()


def _ask(definition: Definition, answers: list[list[list[Any]]] | None) -> Json:
    """Raises DataUnavailable."""
    task = definition.engine.harness_task or ""
    with tempfile.TemporaryDirectory(prefix="harness-data-") as folder:
        data = {split: str(Path(folder) / f"{split}.jsonl") for split in _splits(definition)}
        for split, path in data.items():
            Path(path).write_text(_lines(definition, split), encoding="utf-8")
        job = {
            "task": task,
            "include": str(TASKS) if _own_task(definition).is_file() else None,
            "data": data,
            "answers": answers,
            "filter": definition.engine.filter,
        }
        try:
            return run(PROGRAM, job)
        except HarnessFailed as error:
            raise DataUnavailable(f"lm_eval could not run its task {task!r}. {error}") from error


def _own_task(definition: Definition) -> Path:
    """Where the task's file would be, were it one of ours."""
    return TASKS / f"{definition.engine.harness_task}.yaml"


def _splits(definition: Definition) -> list[str]:
    dataset = definition.dataset
    return list(dict.fromkeys(split for split in (dataset.split, dataset.fewshot_split) if split))


def _lines(definition: Definition, split: str) -> str:
    records = RECORDS.get(definition.dataset.repo)
    if records is None:
        raise DataUnavailable(f"There are no rows of {definition.dataset.repo} for lm_eval here.")
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in records(definition, split))
