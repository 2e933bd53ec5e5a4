"""How long texts are, and which were cut."""

import numpy as np

from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.shares import share
from evaluation.metrics.texts.measure import Measure, Written, column


def _truncated(written: Written) -> Floats:
    return column([any(output.truncated for output in outputs) for outputs in written.outputs])


def _tokens(written: Written) -> Floats:
    return column([float(np.mean([output.tokens for output in outputs])) for outputs in written.outputs])


def _words(written: Written) -> Floats:
    """Words of the text, and of its references on average."""
    own = [len(text.split()) for text in written.texts]
    wanted = [float(np.mean([len(text.split()) for text in texts])) for texts in written.references]
    return np.array([own, wanted], dtype=np.float64).T


MEASURES = {
    "truncated_share": Measure(counts=_truncated),
    "tokens_out": Measure(counts=_tokens),
    "length_ratio": Measure(counts=_words, value=lambda sums: share(*sums)),
}
