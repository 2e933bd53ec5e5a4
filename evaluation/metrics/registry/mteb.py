"""Metrics of mteb's own, each named as mteb names it behind `mteb_`: only its tasks are judged by them."""

from typing import Final

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

PREFIX: Final = "mteb_"
MTEB: frozenset[Need] = frozenset({"mteb"})
LIBRARY: Final = "mteb 2.26.24"

REQUESTS: tuple[RequestKind, ...] = ("embed",)


def _ranked(name: str, title: str, description: str) -> Metric:
    return Metric(
        name=PREFIX + name, title=f"{title} (mteb)", description=description, needs=MTEB, interval="mean",
        library=LIBRARY, unit="score",
    )  # fmt: skip


def _correlation(name: str, title: str, description: str) -> Metric:
    return Metric(
        name=PREFIX + name, title=f"{title} (mteb)", description=description, needs=MTEB, interval="corpus",
        library=LIBRARY, unit="score", range=(-1.0, 1.0),
    )  # fmt: skip


METRICS = (
    _ranked(
        "ndcg_at_10",
        "nDCG@10",
        "Gain of the first ten documents, discounted by their logarithm, as a share of the best possible; "
        "mean over queries.",
    ),
    _ranked("map_at_10", "MAP@10", "Precision at each relevant document among the first ten; mean over queries."),
    _ranked("map_at_1000", "MAP@1000", "The same among the first thousand: mteb's number for reranking."),
    _ranked("recall_at_1", "Recall@1", "Share of a query's relevant documents that come first; mean over queries."),
    _ranked("recall_at_10", "Recall@10", "The same among the first ten."),
    _ranked("recall_at_100", "Recall@100", "The same among the first hundred."),
    _correlation(
        "cosine_spearman", "Spearman", "Rank correlation of the cosine of two texts and how alike people call them."
    ),
    _correlation("cosine_pearson", "Pearson", "Linear correlation of the same two."),
    Metric(
        name="mteb_accuracy",
        title="Accuracy of a linear probe (mteb)",
        description="Share of texts that logistic regression on embeddings of a few examples per class gets right; "
        "mean of ten draws of examples.",
        needs=MTEB,
        interval="mean",
        library=LIBRARY,
    ),
)
