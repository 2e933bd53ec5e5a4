"""Engines that bring tasks and metrics of their own, driven on the trusted side by record and replay (decision 10).

What a harness asks of a model is recorded and becomes the inputs of an ordinary run; the run's answers are replayed
into the harness's own metric code. The harness and its data never reach a node, the model never reaches the harness.
"""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from evaluation.benchmarks.definitions import load_definition
from evaluation.benchmarks.hub.files import DatasetFiles
from evaluation.benchmarks.items import Items
from evaluation.benchmarks.schema import Definition
from evaluation.harnesses import lm_eval, mteb
from evaluation.metrics import scoring
from evaluation.metrics.answers import Predictions
from evaluation.metrics.samples import Gold
from evaluation.metrics.scoring import Judgement

__all__ = ["definitions", "items_of", "judge"]

HARNESSES: dict[str, ModuleType] = {"lm_eval": lm_eval, "mteb": mteb}


def definitions() -> list[Definition]:
    """Definitions that come with the program and are asked and judged by a harness."""
    folder = Path(__file__).parent / "definitions"
    return [load_definition(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]


def items_of(definition: Definition, cache: Path, files: DatasetFiles | None = None) -> Items:
    """What the harness of this definition asks.

    Args:
        cache: a folder that keeps recordings between processes.
        files: of the dataset, where it is a repo of this hub.

    Raises:
        DataUnavailable: the harness is not installed, or its task and the definition do not agree.
    """
    harness = HARNESSES[definition.engine.name]
    found: Items = harness.record(definition, cache, files)
    return found


def judge(
    definition: Definition,
    gold: Gold,
    predictions: Predictions,
    copies: Mapping[str, Predictions] | None = None,
    files: DatasetFiles | None = None,
) -> Judgement:
    """As `metrics.scoring.judge`, by the metrics of the definition's engine.

    Args:
        files: as in `items_of`.

    Raises:
        BadOutput: predictions and items do not fit together.
        DataUnavailable: as `items_of`.
    """
    harness = HARNESSES.get(definition.engine.name)
    if harness is None:
        return scoring.judge(definition, gold, predictions, copies)
    return scoring.judgement_of(definition, harness.judge(definition, gold, predictions, files))
