"""ROUGE F1 of English texts, stemmed. Source: Lin 2004; the numbers of rouge-score 0.1.2 with use_stemmer=True."""

import re
from collections import Counter
from collections.abc import Sequence

from evaluation.metrics.formulas.porter import stem
from evaluation.metrics.formulas.shares import f1

LONGEST_UNSTEMMED = 3  # letters


def tokens(text: str) -> list[str]:
    """Stemmed words of ASCII letters and digits; other scripts leave none."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return [stem(word) if len(word) > LONGEST_UNSTEMMED else word for word in words]


def sentences(text: str) -> list[str]:
    """One per line; a text of one line is divided where a sentence ends."""
    lines = [line for line in text.split("\n") if line]
    return lines if len(lines) > 1 else re.split(r"(?<=[.!?])\s+", text.strip())


def ngram_f1(text: Sequence[str], reference: Sequence[str], size: int) -> float:
    """Shared runs of `size` words."""
    own, wanted = (Counter(zip(*(words[start:] for start in range(size)), strict=False)) for words in (text, reference))
    return f1((own & wanted).total(), own.total(), wanted.total())


def longest_f1(text: Sequence[str], reference: Sequence[str]) -> float:
    """The longest common subsequence of the whole texts."""
    return f1(len(_common(reference, text)), len(text), len(reference))


def union_f1(text: Sequence[Sequence[str]], reference: Sequence[Sequence[str]]) -> float:
    """Each sentence of the reference against all of the text: the union of what they have in common, each word once."""
    left = [Counter(word for sentence in side for word in sentence) for side in (text, reference)]
    hits = 0
    for sentence in reference:
        shared = {index for other in text for index in _common(sentence, other)}
        for word in (sentence[index] for index in sorted(shared)):
            if all(side[word] > 0 for side in left):
                hits += 1
                for side in left:
                    side[word] -= 1
    return f1(hits, sum(map(len, text)), sum(map(len, reference)))


def _common(reference: Sequence[str], text: Sequence[str]) -> list[int]:
    """The places in `reference` of a longest common subsequence; of several the one rouge-score finds."""
    table = [[0] * (len(text) + 1)]
    for word in reference:
        above, row = table[-1], [0]
        for column, other in enumerate(text):
            row.append(above[column] + 1 if word == other else max(row[-1], above[column + 1]))
        table.append(row)
    found = []
    line, column = len(reference), len(text)
    while line and column:
        if reference[line - 1] == text[column - 1]:
            line, column = line - 1, column - 1
            found.append(line)
        elif table[line][column - 1] > table[line - 1][column]:
            column -= 1
        else:
            line -= 1
    return found[::-1]
