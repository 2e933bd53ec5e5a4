"""BLEU over a corpus, from counts of each item. Source: Papineni et al. 2002; without smoothing."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from evaluation.metrics.arrays import Floats

LONGEST = 4


def bleu_counts(references: Sequence[Sequence[str]], found: Sequence[str]) -> Floats:
    """(2 × 4 + 2,): n-grams shared, n-grams written, words written, words of the reference nearest in length."""
    shared, written = [], []
    for size in range(1, LONGEST + 1):
        own, most = _grams(found, size), Counter[tuple[str, ...]]()
        for words in references:
            most |= _grams(words, size)
        shared.append((own & most).total())
        written.append(own.total())
    nearest = min((len(words) for words in references), key=lambda length: (abs(length - len(found)), length))
    return np.array([*shared, *written, len(found), nearest], dtype=float)


def bleu(counts: Floats) -> float:
    """0–1 from summed counts."""
    shared, written, length, reference = counts[:LONGEST], counts[LONGEST : 2 * LONGEST], counts[-2], counts[-1]
    if not shared.all():
        return 0.0
    brevity = min(1.0, float(np.exp(1 - reference / length)))
    return brevity * float(np.exp(np.log(shared / written).mean()))


def _grams(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + size]) for start in range(len(words) - size + 1))
