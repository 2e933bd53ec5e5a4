"""Metrics of running text."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

RUNNING_TEXT: frozenset[Need] = frozenset({"running text"})

REQUESTS: tuple[RequestKind, ...] = ("rolling",)

METRICS = (
    Metric(
        name="bits_per_byte",
        title="Bits per byte",
        description="Bits the model needs for one byte of text; comparable between tokenizers and languages.",
        needs=RUNNING_TEXT,
        interval="corpus",
        library="lm_eval bits_per_byte",
        unit="bits",
        range=(0.0, None),
        higher_is_better=False,
    ),
    Metric(
        name="byte_perplexity",
        title="Byte perplexity",
        description="How many bytes the model wavers between, in the mean: 2 to the power of bits per byte.",
        needs=RUNNING_TEXT,
        interval="corpus",
        library="lm_eval byte_perplexity",
        unit="perplexity",
        range=(1.0, None),
        higher_is_better=False,
    ),
    Metric(
        name="word_perplexity",
        title="Word perplexity",
        description="The same per word between spaces, as WikiText reports it; not per token, which tokenizers decide.",
        needs=RUNNING_TEXT,
        interval="corpus",
        library="lm_eval word_perplexity",
        unit="perplexity",
        range=(1.0, None),
        higher_is_better=False,
    ),
)
