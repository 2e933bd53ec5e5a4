"""Metrics of hidden tokens guessed from their surroundings."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

GUESSES: frozenset[Need] = frozenset({"guesses"})

REQUESTS: tuple[RequestKind, ...] = ("mask",)

METRICS = (
    Metric(
        name="pseudo_ppl",
        title="Pseudo-perplexity",
        description="Exponential of the mean surprise per hidden token; only models with one vocabulary compare.",
        needs=GUESSES,
        interval="corpus",
        library="own, Salazar et al. 2020, equation 3",
        unit="perplexity",
        range=(1.0, None),
        higher_is_better=False,
    ),
    Metric(
        name="pseudo_bits_per_byte",
        title="Pseudo bits per byte",
        description="Surprise over all hidden tokens in bits, divided by the bytes of the text; vocabularies compare.",
        needs=GUESSES,
        interval="corpus",
        library="own",
        unit="bits per byte",
        range=(0.0, None),
        higher_is_better=False,
    ),
    Metric(
        name="mask_top1",
        title="Hidden tokens recovered",
        description="Share of hidden tokens that the model held likeliest; a tie is no recovery.",
        needs=GUESSES,
        interval="corpus",
        library="own",
    ),
    Metric(
        name="mask_top5",
        title="Hidden tokens among five",
        description="Share of hidden tokens among the five that the model held likeliest.",
        needs=GUESSES,
        interval="corpus",
        library="own",
    ),
)
