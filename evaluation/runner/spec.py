"""spec.json and inputs.jsonl: what is asked of the runner."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from evaluation.runner import PROTOCOL
from evaluation.runner.failures import RunFailed

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class RunSpec:
    """One run: one model revision on the inputs of one benchmark."""

    run_id: str
    request: str
    model_dir: Path
    inputs: Path
    output: Path
    labels: tuple[str, ...]  # in the order of their numbers; empty when the request has none
    seed: int = 0
    dtype: Dtype = "auto"
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    efficiency: Mapping[str, Any] | None = None  # what is measured besides, once all is answered
    interpret: Mapping[str, Any] | None = None  # which answers are taken apart after that, and how
    options: Mapping[str, Any] = field(default_factory=dict)  # of this request alone: generation, templates, …

    @property
    def max_length(self) -> int | None:
        """Tokens kept of one text; None leaves it to the model."""
        asked = self.preprocess.get("max_length", "model")
        return asked if isinstance(asked, int) else None

    @property
    def truncation_side(self) -> str:
        return str(self.preprocess.get("truncation", "right"))


@dataclass(frozen=True)
class Spec:
    device: str
    runs: tuple[RunSpec, ...]


@dataclass(frozen=True)
class InputRow:
    """One item; each request reads the columns it needs, the others are empty."""

    id: str
    text: str = ""
    pair: str = ""  # the second text of a pair; the question, where `text` is the context
    role: str = ""  # query or document in retrieval
    words: tuple[str, ...] = ()  # of token classification
    contexts: tuple[str, ...] = ()  # of log-likelihood: with `continuations`, pair by pair
    continuations: tuple[str, ...] = ()
    image: str = ""  # name of a file in the media
    audio: str = ""  # likewise
    prompts: tuple[str, ...] = ()  # of an embedding model: names to look for, before what the role says
    perturbed: bool = False  # a changed copy of another item

    def __post_init__(self) -> None:
        for name in ("words", "contexts", "continuations", "prompts"):  # JSON knows lists only
            object.__setattr__(self, name, tuple(getattr(self, name)))


def read_spec(path: Path, output: Path) -> Spec:
    """The specification in `path`; each run writes into a folder below `output`.

    Raises:
        RunFailed: node_error, since a specification comes from the node and not from the model's author.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["protocol"] != PROTOCOL:
            raise RunFailed("node_error", f"This runner speaks protocol {PROTOCOL}, not {body['protocol']}.")
        return Spec(device=str(body.get("device", "auto")), runs=tuple(_run(run, output) for run in body["runs"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFailed("node_error", f"The specification cannot be read: {error!r}.") from error


def _run(body: dict[str, Any], output: Path) -> RunSpec:
    labels = body.get("labels") or {}
    folder = (output / str(body.get("output") or ".")).resolve()
    if not folder.is_relative_to(output.resolve()):
        raise ValueError("the output of a run lies outside the output directory")
    return RunSpec(
        run_id=str(body["run_id"]),
        request=str(body["request"]),
        model_dir=Path(body["model_dir"]),
        inputs=Path(body["inputs"]),
        output=folder,
        labels=tuple(labels[number] for number in sorted(labels, key=int)),
        seed=int(body.get("seed", 0)),
        dtype=body.get("dtype", "auto"),
        preprocess=body.get("preprocess") or {},
        limits=body.get("limits") or {},
        efficiency=body.get("efficiency"),
        interpret=body.get("interpret"),
        options=body.get("options") or {},
    )


def read_inputs(path: Path) -> list[InputRow]:
    """All items, in file order.

    Raises:
        RunFailed: data_unavailable, when the file is no list of items with distinct ids.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            rows = [InputRow(**json.loads(line)) for line in stream if line.strip()]
    except (OSError, ValueError, TypeError) as error:
        raise RunFailed("data_unavailable", f"The inputs cannot be read: {error}.") from error
    if not rows or len({row.id for row in rows}) != len(rows):
        raise RunFailed("data_unavailable", "The inputs are empty or name an item twice.")
    return rows
