"""From the files of a run to arrays; everything about them is doubted first."""

from pathlib import Path

from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadOutput
from evaluation.metrics.answers import Predictions, places, require_files
from evaluation.metrics.kinds import kind_of
from evaluation.metrics.samples import Gold, Sample

__all__ = ["Predictions", "read_predictions", "sample_of"]


def read_predictions(definition: Definition, folder: Path) -> Predictions:
    """The outputs of one run in `folder`.

    Raises:
        BadOutput: too large, not the expected shape, or not finite; with a sentence.
    """
    kind = kind_of(definition)
    if kind is None:
        raise BadOutput(f"Answers to the request {definition.request!r} cannot be scored here yet.")
    require_files(definition, folder, kind.files)
    found: Predictions = kind.read(definition, folder)
    return found


def sample_of(definition: Definition, gold: Gold, found: Predictions) -> Sample:
    """Joins predictions and gold by item id.

    Raises:
        BadOutput: an id is unknown, missing or given twice, or a kind of answer is missing.
    """
    kind = kind_of(definition)
    assert kind is not None, "these answers were read as some kind"
    return kind.sample(definition, gold, found, places(gold, found))
