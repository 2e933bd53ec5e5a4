"""ROUGE: how much of a reference summary a text has. Of several references the nearest counts."""

from collections.abc import Callable, Sequence

from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas import rouge
from evaluation.metrics.texts.measure import Measure, Written, column

SIGNATURE = "stem:porter|tokens:[a-z0-9]+|best of references"
LINES = f"{SIGNATURE}|sentences:lines, else after .!?"

Sentences = Sequence[Sequence[str]]


def _measure(compare: Callable[[Sentences, Sentences], float], signature: str) -> Measure:
    """A measure that compares a text and a reference, both in sentences of stems."""

    def counts(written: Written) -> Floats:
        pairs = zip(written.texts, written.references, strict=True)
        return column([max(compare(_stems(text), _stems(one)) for one in right) for text, right in pairs])

    return Measure(counts=counts, signature=lambda _: signature)


def _stems(text: str) -> Sentences:
    return [rouge.tokens(sentence) for sentence in rouge.sentences(text)]


def _flat(sentences: Sentences) -> list[str]:
    return [word for sentence in sentences for word in sentence]


MEASURES = {
    "rouge1_f": _measure(lambda text, right: rouge.ngram_f1(_flat(text), _flat(right), 1), SIGNATURE),
    "rouge2_f": _measure(lambda text, right: rouge.ngram_f1(_flat(text), _flat(right), 2), SIGNATURE),
    "rougeL_f": _measure(lambda text, right: rouge.longest_f1(_flat(text), _flat(right)), SIGNATURE),
    "rougeLsum_f": _measure(rouge.union_f1, LINES),
}
