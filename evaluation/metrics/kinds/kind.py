"""One kind of answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from evaluation.benchmarks.schema import Definition
from evaluation.metrics.answers import PREDICTIONS, Predictions
from evaluation.metrics.samples import Gold, Sample

P = TypeVar("P", bound=Predictions)


@dataclass(frozen=True, kw_only=True)
class AnswerKind(Generic[P]):
    """How the files of a run become arrays, and arrays with gold a sample. Both raise BadOutput with a sentence."""

    read: Callable[[Definition, Path], P]
    sample: Callable[[Definition, Gold, P, dict[str, int]], Sample]  # the last: where each id stands among the answers
    files: tuple[str, ...] = (PREDICTIONS,)
