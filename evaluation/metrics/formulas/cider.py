"""CIDEr-D: how much of what is particular to an image its caption says. Source: Vedantam et al. 2015."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from evaluation.metrics.arrays import Floats

LONGEST = 4  # words of one n-gram
SIGMA = 6.0  # of the penalty for another length
Counts = Counter[tuple[str, ...]]


def cider(references: Sequence[Sequence[Sequence[str]]], found: Sequence[Sequence[str]]) -> Floats:
    """One number of 0–10 per image, from words. N-grams are rare or common among the references of these images."""
    grams = [[_grams(sentence) for sentence in own] for own in references]
    seen: Counts = Counter()
    for own in grams:
        seen.update({gram for counts in own for gram in counts})
    images = math.log(len(references))
    return np.array([_one(_grams(words), own, seen, images) for words, own in zip(found, grams, strict=True)])


def _one(found: Counts, references: Sequence[Counts], seen: Counts, images: float) -> float:
    own, values = _weighted(found, seen, images), np.zeros(LONGEST)
    for counts in references:
        other = _weighted(counts, seen, images)
        away = _length(found) - _length(counts)
        penalty = math.exp(-(away**2) / (2 * SIGMA**2))
        values += [_cosine(own[size], other[size]) * penalty for size in range(LONGEST)]
    return float(10 * values.mean() / len(references))


def _grams(words: Sequence[str]) -> Counts:
    return Counter(
        tuple(words[start : start + size]) for size in range(1, LONGEST + 1) for start in range(len(words) - size + 1)
    )


def _weighted(counts: Counts, seen: Counts, images: float) -> list[dict[tuple[str, ...], float]]:
    """For each size: how often, times how rare."""
    vectors: list[dict[tuple[str, ...], float]] = [{} for _ in range(LONGEST)]
    for gram, count in counts.items():
        vectors[len(gram) - 1][gram] = count * (images - math.log(max(1.0, seen[gram])))
    return vectors


def _cosine(found: dict[tuple[str, ...], float], reference: dict[tuple[str, ...], float]) -> float:
    # Saying a thing more often than the reference does brings nothing.
    shared = sum(min(value, reference.get(gram, 0.0)) * reference.get(gram, 0.0) for gram, value in found.items())
    lengths = math.sqrt(sum(value**2 for value in found.values()) * sum(value**2 for value in reference.values()))
    return shared / lengths if lengths else 0.0


def _length(counts: Counts) -> int:
    return sum(count for gram, count in counts.items() if len(gram) == 2)
