"""Benchmark definitions: YAML without code, parsed strictly, identified by a hash (evaluation-notes 2)."""

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from evaluation.benchmarks.strict import bad, build, parse_yaml
from evaluation.metrics.registry import REGISTRY

Task = Literal[
    "text-classification", "image-classification", "audio-classification", "token-classification",
    "question-answering", "summarization", "translation", "text-generation", "fill-mask", "retrieval",
    "bitext-mining", "object-detection", "image-segmentation", "automatic-speech-recognition",
    "image-to-text", "visual-question-answering", "zero-shot-classification", "feature-extraction",
]  # fmt: skip
RequestKind = Literal[
    "classify", "token-classify", "span", "generate", "loglikelihood", "rolling", "embed", "mask",
    "image-classify", "detect", "segment", "transcribe", "audio-classify", "caption", "vqa",
    "zero-shot", "features",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Subset:
    n: int
    seed: int
    stratify: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Which rows. Revisions are exact: 40 hex digits, or `package==version` for data that a package carries."""

    repo: str
    revision: str
    config: str = "default"
    split: str = "test"
    fewshot_split: str | None = None
    license: str = "unknown"
    subset: Subset | None = None
    expect_rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """What happens to an item before the model; "model" takes the model's own setting."""

    max_length: int | Literal["model"] = "model"
    truncation: Literal["right", "left"] = "right"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    template: str
    choices: str | tuple[str, ...] | None = None
    description: str = ""
    target_delimiter: str = " "
    fewshot_delimiter: str = "\n\n"
    shots: int = 0
    shot_seed: int = 0
    chat_template: Literal["auto", "off"] = "off"


@dataclass(frozen=True, kw_only=True)
class Generation:
    max_new_tokens: int
    stop: tuple[str, ...] = ()
    do_sample: bool = False
    temperature: float = 1.0
    repeats: int = 1


@dataclass(frozen=True, kw_only=True)
class MetricUse:
    name: str
    primary: bool = False
    params: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    method: Literal["auto", "wilson", "t", "bootstrap"] = "auto"
    level: float = 0.95
    resamples: int = 2000
    seed: int = 7


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A division of the items; `by` is group, chars, label or field:<name of a gold field>."""

    name: str
    by: str
    bins: tuple[float, ...] = ()
    min_n: int = 1
    role: Literal["diagnostic", "fairness"] = "diagnostic"


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    name: str
    seed: int
    p: float | None = None
    role: Literal["robustness", "fairness"] = "robustness"


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    scenarios: tuple[Literal["single_stream", "offline"], ...]
    input: str = "dataset"
    warmup: int = 10
    min_iterations: int = 200
    min_seconds: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Interpret:
    method: Literal["integrated-gradients", "occlusion"]
    samples: int = 16


@dataclass(frozen=True, kw_only=True)
class Limits:
    minutes: float = 60
    ram_gb: float = 32
    output_mb: float = 512


@dataclass(frozen=True, kw_only=True)
class Engine:
    name: Literal["native", "lm_eval", "mteb"] = "native"
    harness_task: str | None = None


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One version of one benchmark."""

    id: str
    version: int
    title: str
    task: Task
    request: RequestKind
    tasks: tuple[str, ...]  # the pipeline tags of the models it takes (decision 25)
    dataset: Dataset
    metrics: tuple[MetricUse, ...]
    schema: Literal[1] = 1
    summary: str = ""
    languages: tuple[str, ...] = ()  # a model that names its languages must name one of these
    supersedes: str | None = None
    status: Literal["draft", "stable", "deprecated"] = "draft"
    fields: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[int, str] | None = None
    preprocess: Preprocess = Preprocess()
    prompt: Prompt | None = None
    generation: Generation | None = None
    filters: tuple[str, ...] = ()
    uncertainty: Uncertainty = Uncertainty()
    slices: tuple[Slice, ...] = ()
    perturbations: tuple[Perturbation, ...] = ()
    efficiency: Efficiency | None = None
    interpret: Interpret | None = None
    limits: Limits = Limits()
    seed: int = 1234
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    engine: Engine = Engine()
    reference: str = ""

    @property
    def primary(self) -> MetricUse:
        return next(metric for metric in self.metrics if metric.primary)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels in the order of their numbers; probabilities come in this order."""
        return tuple(self.labels[number] for number in sorted(self.labels)) if self.labels else ()


NOT_HASHED = frozenset({"title", "summary", "status", "reference", "limits"})


def load_definition(text: str) -> Definition:
    """The definition in one YAML document.

    Raises:
        BadDefinition: with the path of the key and a sentence.
    """
    definition = build(Definition, parse_yaml(text))
    for check in (_check_identity, _check_dataset, _check_labels, _check_metrics, _check_slices, _check_numbers):
        check(definition)
    return definition


def definition_hash(definition: Definition) -> str:
    """SHA-256 of the canonical JSON of all that can change a number; 64 hex digits."""
    body = {key: value for key, value in dataclasses.asdict(definition).items() if key not in NOT_HASHED}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def run_spec(definition: Definition) -> dict[str, object]:
    """What a runner has to know: the definition's part of one run in spec.json. No labels of items, no data."""
    return {
        "request": definition.request,
        "labels": {str(number): name for number, name in definition.labels.items()} if definition.labels else None,
        "preprocess": dataclasses.asdict(definition.preprocess),
        "seed": definition.seed,
        "dtype": definition.dtype,
        "limits": dataclasses.asdict(definition.limits),
    }


@functools.cache
def _builtin() -> tuple[Definition, ...]:
    folder = Path(__file__).parent
    return tuple(load_definition(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml")))


def builtin_definitions() -> list[Definition]:
    """The definitions that come with the program, by id."""
    return list(_builtin())


def _check_identity(definition: Definition) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", definition.id) or len(definition.id) > 80:
        raise bad("id", "use at most 80 lower case letters, digits and single hyphens.")
    if definition.version < 1:
        raise bad("version", "versions count from 1.")
    if definition.supersedes is not None and not re.fullmatch(r"[a-z0-9-]+@[1-9][0-9]*", definition.supersedes):
        raise bad("supersedes", "write it as id@version.")
    if not definition.tasks:
        raise bad("tasks", "name at least one pipeline tag that this benchmark takes.")


def _check_dataset(definition: Definition) -> None:
    dataset = definition.dataset
    if dataset.repo.startswith("builtin:"):
        if not re.fullmatch(r"[a-z0-9_.-]+(==[0-9][A-Za-z0-9.]*)?", dataset.revision):
            raise bad("dataset.revision", "name the package that carries the data, as package==version.")
    elif not re.fullmatch(r"[0-9a-f]{40}", dataset.revision):
        raise bad("dataset.revision", "give a commit of 40 hex digits, never a branch or a tag.")
    if dataset.subset is not None and dataset.subset.n < 1:
        raise bad("dataset.subset.n", "a subset has at least one row.")
    if dataset.expect_rows is not None and dataset.expect_rows < 1:
        raise bad("dataset.expect_rows", "at least one row is expected.")


def _check_labels(definition: Definition) -> None:
    needed = definition.request in ("classify", "image-classify", "audio-classify")
    if needed and not definition.labels:
        raise bad("labels", "a classification benchmark lists its labels.")
    if definition.labels:
        if sorted(definition.labels) != list(range(len(definition.labels))):
            raise bad("labels", "number the labels 0, 1, 2, … without gaps.")
        if len(set(definition.labels.values())) != len(definition.labels):
            raise bad("labels", "two labels have the same name.")


def _check_metrics(definition: Definition) -> None:
    for number, use in enumerate(definition.metrics):
        if use.name not in REGISTRY:
            known = ", ".join(sorted(REGISTRY))
            raise bad(f"metrics[{number}].name", f"{use.name!r} is not a metric; known: {known}.")
        wanted = REGISTRY[use.name].params
        for key in use.params:
            if key not in wanted:
                raise bad(f"metrics[{number}].params.{key}", f"{use.name} has no such parameter.")
    if sum(use.primary for use in definition.metrics) != 1:
        raise bad("metrics", "exactly one metric is primary.")
    if len({use.name for use in definition.metrics}) != len(definition.metrics):
        raise bad("metrics", "a metric is listed twice.")


def _check_slices(definition: Definition) -> None:
    for number, part in enumerate(definition.slices):
        if not re.fullmatch(r"group|chars|label|field:[\w.]+", part.by):
            raise bad(f"slices[{number}].by", "slice by group, chars, label or field:<name>.")
        if part.by == "chars" and (len(part.bins) < 1 or list(part.bins) != sorted(set(part.bins))):
            raise bad(f"slices[{number}].bins", "give rising lower bounds, such as [0, 150, 400].")


def _check_numbers(definition: Definition) -> None:
    use, limits = definition.uncertainty, definition.limits
    if not 0.5 <= use.level < 1:
        raise bad("uncertainty.level", "a level lies between 0.5 and 1.")
    if not 100 <= use.resamples <= 100_000:
        raise bad("uncertainty.resamples", "take 100 to 100000 resamples.")
    if min(limits.minutes, limits.ram_gb, limits.output_mb) <= 0:
        raise bad("limits", "limits are positive.")
    if isinstance(definition.preprocess.max_length, int) and definition.preprocess.max_length < 1:
        raise bad("preprocess.max_length", "at least one token must remain.")
