"""Metrics of search: where the right answer stands among all candidates."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

RANKS: frozenset[Need] = frozenset({"ranks"})


def _recall(cutoff: int) -> Metric:
    return Metric(
        name=f"recall@{cutoff}",
        title=f"Recall@{cutoff}",
        description=f"Share of queries whose right answer is among the first {cutoff} by cosine similarity.",
        needs=RANKS,
        interval="proportion",
        library="scikit-learn top_k_accuracy_score",
    )


def _found(cutoff: int) -> Metric:
    return Metric(
        name=f"found@{cutoff}",
        title=f"Found@{cutoff}",
        description=f"Share of a query's right answers among the first {cutoff}: what MTEB calls recall.",
        needs=RANKS,
        interval="mean",
        library="pytrec_eval recall",
    )


REQUESTS: tuple[RequestKind, ...] = ("embed", "image-text-embed")

METRICS = (
    Metric(
        name="bitext_accuracy",
        title="Bitext accuracy",
        description="Share of sentences whose nearest neighbour in the other language is their translation.",
        needs=RANKS,
        interval="proportion",
        library="scikit-learn top_k_accuracy_score",
    ),
    _recall(1),
    _recall(5),
    _recall(10),
    Metric(
        name="mrr",
        title="Mean reciprocal rank",
        description="Mean of one divided by the rank of the right answer.",
        needs=RANKS,
        interval="mean",
        library="scikit-learn label_ranking_average_precision_score",
        unit="score",
    ),
    Metric(
        name="ndcg@10",
        title="nDCG@10",
        description="Grades of the right answers among the first ten, discounted by the logarithm of their rank, "
        "as a share of the best possible.",
        needs=RANKS,
        interval="mean",
        library="pytrec_eval ndcg_cut; scikit-learn ndcg_score",
        version=2,  # 1 knew one right answer
        unit="score",
    ),
    Metric(
        name="map@100",
        title="MAP@100",
        description="Precision at the place of each right answer among the first hundred, over all right answers.",
        needs=RANKS,
        interval="mean",
        library="pytrec_eval map_cut",
        unit="score",
    ),
    _found(10),
    _found(100),
)
