"""The shape of a benchmark definition (evaluation-notes 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evaluation.benchmarks.vocabulary import RequestKind, Task

# A field that came after definitions were published: left out of their hash where it has its default (definitions.py).
LATER = {"later": True}


@dataclass(frozen=True, kw_only=True)
class Subset:
    n: int
    seed: int
    stratify: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Which rows. Revisions are exact: 40 hex digits, or `package==version` for data that a package carries.

    `unknown` is said where nobody could know the commit: such a definition runs only once an operator pinned it.
    """

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
    stride: int = field(default=128, metadata=LATER)  # tokens that neighbouring windows of a long text share
    max_answer_tokens: int = field(default=30, metadata=LATER)  # of a span
    unanswerable: bool = field(default=False, metadata=LATER)  # whether "no answer" may be right, as in SQuAD 2


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
    beams: int = 1  # 1 is greedy


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What is done to a written text before it is compared (metrics.texts.filters)."""

    name: str
    pattern: str = ""  # of `regex`
    group: int = 1  # of the match; 0 is all of it
    which: Literal["first", "last"] = "first"  # of several matches


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
    """A division of the items; `by` is group, chars, label, field:<name of a gold field>, or class:
    then the metric is taken apart by what it averages over, instead of the items."""

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
    """What is measured of the cost besides, once all items are answered; it changes no score."""

    scenarios: tuple[Literal["single_stream", "offline"], ...]
    input: Literal["dataset"] = "dataset"
    warmup: int = 10
    min_iterations: int = 200
    min_seconds: float = 10.0
    max_seconds: float = field(default=120.0, metadata=LATER)  # of the whole measurement


@dataclass(frozen=True, kw_only=True)
class Interpret:
    """For which of the items it is shown what an answer rests on, and how; it changes no score."""

    method: Literal["integrated-gradients", "occlusion"]
    samples: int = 16  # items, the same for every model
    seed: int = 7  # of their choice
    steps: int = 32  # between baseline and item; doubled up to three times where the sum does not come out
    # What stands for "nothing": a token, or zeros. "auto" takes the mask token, else the padding, else zeros.
    baseline: Literal["auto", "mask", "pad", "zero"] = "auto"
    max_seconds: float = 60.0  # for all items together


@dataclass(frozen=True, kw_only=True)
class Limits:
    minutes: float = 60
    ram_gb: float = 32
    output_mb: float = 512


@dataclass(frozen=True, kw_only=True)
class Engine:
    name: Literal["native", "lm_eval", "mteb"] = "native"
    harness_task: str | None = None
    filter: str | None = field(default=None, metadata=LATER)  # of the harness's, where a task has several


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
    multi_label: bool = field(default=False, metadata=LATER)  # an item may have several labels, or none
    preprocess: Preprocess = Preprocess()
    prompt: Prompt | None = None
    generation: Generation | None = None
    filters: tuple[str | Filter, ...] = ()  # a name, or a filter with its settings
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
