"""What explains the score of a classifier: which classes it confuses, and how far its confidence can be believed."""

from typing import Any, Final

import numpy as np

from evaluation.metrics.formulas.confusion import confusion
from evaluation.metrics.formulas.ece import ece, places
from evaluation.metrics.samples import Decisions

MOST_IN_MATRIX: Final = 40  # classes; beyond them the confusions that occur most are listed
MOST_CLASSES: Final = 1000
MOST_CONFUSED: Final = 30
BINS: Final = 15

Json = dict[str, Any]


def classification(decided: Decisions) -> Json:
    """Counts of each class, what is confused with what, and reliability where there are probabilities."""
    cells = confusion(decided.gold, decided.predicted, len(decided.names)).astype(np.int64)
    found: Json = {"classes": _classes(decided.names, cells), "confused": _confused(decided.names, cells)}
    if len(decided.names) <= MOST_IN_MATRIX:
        found["matrix"] = cells.tolist()
    if decided.probabilities is not None:
        found["calibration"] = _calibration(decided)
    return found


def _classes(names: tuple[str, ...], cells: "np.ndarray[Any, np.dtype[np.int64]]") -> list[Json]:
    """The first classes in the order of their numbers."""
    of, said, right = cells.sum(axis=1), cells.sum(axis=0), np.diag(cells)
    return [
        {"name": name, "n": int(of[at]), "predicted": int(said[at]), "right": int(right[at])}
        for at, name in enumerate(names[:MOST_CLASSES])
    ]


def _confused(names: tuple[str, ...], cells: "np.ndarray[Any, np.dtype[np.int64]]") -> list[Json]:
    """Pairs of classes by how often the first was called the second."""
    wrong = cells.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSED]
    pairs = [divmod(int(place), len(names)) for place in order]
    return [
        {"gold": names[gold], "predicted": names[said], "n": int(wrong[gold, said])}
        for gold, said in pairs
        if wrong[gold, said]
    ]


def _calibration(decided: Decisions) -> Json:
    """Items by the confidence of what was said: in each bin (low, high], how confident and how often right."""
    assert decided.probabilities is not None
    confidence = decided.probabilities.max(axis=1)
    right = (decided.gold == decided.predicted).astype(float)
    place = places(confidence, BINS)
    items = np.bincount(place, minlength=BINS)
    sure, hits = (np.bincount(place, weights=values, minlength=BINS) for values in (confidence, right))
    bins = [
        {
            "low": at / BINS,
            "high": (at + 1) / BINS,
            "n": int(items[at]),
            "confidence": float(sure[at] / items[at]),
            "accuracy": float(hits[at] / items[at]),
        }
        for at in range(BINS)
        if items[at]
    ]
    return {"ece": ece(confidence, right, BINS), "bins": bins}
