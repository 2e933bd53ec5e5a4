"""chrF++ and BLEU, counted by sacrebleu; its signature goes into the record."""

from collections.abc import Callable
from typing import Any

import numpy as np

from evaluation.metrics.arrays import Floats
from evaluation.metrics.texts.measure import Measure, Written

# Languages that write words without spaces; the rest is divided as WMT does (13a).
TOKENISERS = {"zh": "zh", "ja": "char", "ko": "char", "th": "char", "km": "char", "lo": "char", "my": "char"}


def _chrf(_: Written) -> Any:  # noqa: ANN401 (sacrebleu's metrics have no common public type)
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(word_order=2)


def _bleu(written: Written) -> Any:  # noqa: ANN401 (likewise)
    from sacrebleu.metrics.bleu import BLEU

    language = str(written.rows[0].get("language", "")).split("_")[0] if written.rows else ""
    return BLEU(tokenize=TOKENISERS.get(language, "13a"))


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
