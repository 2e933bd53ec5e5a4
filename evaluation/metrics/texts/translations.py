"""chrF++ and BLEU, counted by sacrebleu; its signature goes into the record."""

from collections.abc import Callable
from typing import Any

import numpy as np

from evaluation.metrics.arrays import Floats
from evaluation.metrics.texts.measure import Measure, Written

# Languages that write words without spaces; the rest is divided as WMT does (13a).
TOKENISERS = {"zh": "zh", "ja": "char", "ko": "char", "th": "char", "km": "char", "lo": "char", "my": "char"}

# Kana stand before Han: Japanese has both. The rest are Hangul, Thai with Lao, Burmese and Khmer.
SCRIPTS = (
    ("\u3040", "\u30ff", "char"), ("\u4e00", "\u9fff", "zh"), ("\uac00", "\ud7a3", "char"),
    ("\u0e00", "\u0eff", "char"), ("\u1000", "\u109f", "char"), ("\u1780", "\u17ff", "char"),
)  # fmt: skip
LEAST_SHARE = 0.2  # of all characters


def _chrf(_: Written) -> Any:  # noqa: ANN401 (sacrebleu's metrics have no common public type)
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(word_order=2)


def _bleu(written: Written) -> Any:  # noqa: ANN401 (likewise)
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=_tokeniser(written))


def _tokeniser(written: Written) -> str:
    """By the language that the gold names, else by the script of most references."""
    if written.rows and (language := str(written.rows[0].get("language", "")).split("_")[0]):
        return TOKENISERS.get(language, "13a")
    text = "".join(right[0] for right in written.references)
    shares = [sum(first <= letter <= last for letter in text) / (len(text) or 1) for first, last, _ in SCRIPTS]
    return next((name for share, (_, _, name) in zip(shares, SCRIPTS, strict=True) if share > LEAST_SHARE), "13a")


def _measure(metric_for: Callable[[Written], Any]) -> Measure:
    """Counts per item are sacrebleu's own, and so is the formula over their sums."""

    def counts(written: Written) -> Floats:
        # The counts of single items are not public; a test compares their sum with corpus_score.
        found = metric_for(written)._extract_corpus_statistics(written.texts, _streams(written))  # noqa: SLF001
        return np.asarray(found, dtype=np.float64)

    def value(sums: Floats) -> float:
        empty = Written(outputs=(), references=(), rows=())
        return float(metric_for(empty)._compute_score_from_stats([int(number) for number in sums]).score)  # noqa: SLF001

    def signature(written: Written) -> str:
        metric, streams = metric_for(written), _streams(written)
        # It says how many references there are: one item of each kind is enough to know.
        kinds = {len(right): number for number, right in enumerate(written.references)}.values()
        metric.corpus_score(
            [written.texts[number] for number in kinds], [[stream[number] for number in kinds] for stream in streams]
        )
        return str(metric.get_signature())

    return Measure(counts=counts, value=value, signature=signature)


def _streams(written: Written) -> list[list[str | None]]:
    """All first references, all second ones, …; None where an item has fewer."""
    most = max(map(len, written.references))
    return [[one[number] if number < len(one) else None for one in written.references] for number in range(most)]


MEASURES = {"chrf_pp": _measure(_chrf), "bleu": _measure(_bleu)}
