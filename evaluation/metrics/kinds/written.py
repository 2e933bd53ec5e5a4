"""Answers that are one text per item; what transcripts, captions and short answers share."""

from dataclasses import dataclass
from pathlib import Path

from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.formulas.words import NORMALISERS, Normaliser

LONGEST_TEXT = 20_000  # signs of one answer


@dataclass(frozen=True)
class TextPredictions(Predictions):
    texts: tuple[str, ...] = ()


def read_texts(definition: Definition, folder: Path) -> TextPredictions:
    """{"id", "text"} on each line."""
    ids, texts = [], []
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        key, text = row.get("id"), row.get("text")
        if not isinstance(key, str) or not isinstance(text, str):
            raise BadOutput(f"Line {number} of predictions.jsonl has no id or no text.")
        if len(text) > LONGEST_TEXT:
            raise BadOutput(f"The text in line {number} of predictions.jsonl has more than {LONGEST_TEXT} signs.")
        ids.append(key)
        texts.append(text)
    return TextPredictions(ids=tuple(ids), texts=tuple(texts))


def signature_of(definition: Definition) -> str:
    """What the score's record says of the texts."""
    return f"normaliser {definition.filters[0]}"


def normaliser_of(definition: Definition) -> Normaliser:
    """The one that the definition names as its filter; `benchmarks.checks` sees to it that there is one."""
    return NORMALISERS[str(definition.filters[0])]
