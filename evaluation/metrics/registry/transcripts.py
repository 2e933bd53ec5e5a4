"""Metrics of speech recognition, over the whole corpus: long recordings count more than short ones."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

TRANSCRIPTS: frozenset[Need] = frozenset({"transcripts"})


def _rate(name: str, title: str, description: str, library: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        description=description,
        needs=TRANSCRIPTS,
        interval="corpus",
        library=library,
        unit="rate",
        range=(0.0, None),
        higher_is_better=False,
    )


REQUESTS: tuple[RequestKind, ...] = ("transcribe",)

METRICS = (
    _rate(
        "wer",
        "Word error rate",
        "Words substituted, left out and put in, per word of the references; normalised as the benchmark says.",
        "jiwer wer, over the corpus",
    ),
    _rate("cer", "Sign error rate", "The same counted in signs, spaces included.", "jiwer cer, over the corpus"),
    _rate(
        "substitutions",
        "Substitutions",
        "Words heard as another, per word of the references; of equally short ways the one with most of these.",
        "own",
    ),
    _rate("deletions", "Deletions", "Words left out, per word of the references.", "own"),
    _rate("insertions", "Insertions", "Words that nobody said, per word of the references.", "own"),
)
