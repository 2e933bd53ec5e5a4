"""Whether a text is the answer, letter by letter."""

import string

import numpy as np

from evaluation.metrics.arrays import Floats
from evaluation.metrics.texts.measure import Measure, Output, Written, column

NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _matches(written: Written) -> Floats:
    """The share of an item's texts that equal one of its references."""

    def shape(text: str) -> str:
        text = text.lower() if written.params.get("ignore_case") else text
        return text.translate(NO_PUNCTUATION) if written.params.get("ignore_punctuation") else text

    def hit(output: Output, right: set[str]) -> bool:
        return output.found and shape(output.text) in right

    rights = [{shape(reference) for reference in references} for references in written.references]
    return column(
        [
            float(np.mean([hit(output, right) for output in outputs]))
            for outputs, right in zip(written.outputs, rights, strict=True)
        ]
    )


def _without_answer(written: Written) -> Floats:
    return column([all(not output.found for output in outputs) for outputs in written.outputs])


MEASURES = {"exact_match": Measure(counts=_matches), "no_answer": Measure(counts=_without_answer)}
