"""Answers compared as SQuAD does. Source: the rules of its evaluate-v2.0.py, written anew."""

import re
import string
from collections import Counter
from collections.abc import Sequence

from evaluation.metrics.formulas.shares import f1

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Lower case, without ASCII punctuation, English articles and spare white space."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact(answer: str, right: Sequence[str]) -> float:
    """1 when the answer equals a right one; none are right where there is no answer."""
    return float(any(normalised(answer) == normalised(one) for one in right or ("",)))


def overlap_f1(answer: str, right: Sequence[str]) -> float:
    """F1 of shared words with the nearest right answer."""
    return max(_f1(normalised(answer).split(), normalised(one).split()) for one in right or ("",))


def _f1(answer: Sequence[str], right: Sequence[str]) -> float:
    if not answer or not right:
        return float(list(answer) == list(right))
    shared = sum((Counter(answer) & Counter(right)).values())
    return f1(shared, len(answer), len(right))
