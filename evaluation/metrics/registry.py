"""The metrics there are, and what their numbers mean. Formulas live beside this file."""

from dataclasses import dataclass, field
from typing import Literal

Need = Literal["labels", "probabilities", "ranks"]
Interval = Literal["proportion", "mean", "corpus"]  # Wilson, t, bootstrap (evaluation-notes 6)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a person needs to read one number."""

    name: str
    title: str
    description: str
    needs: frozenset[Need]
    interval: Interval
    library: str  # whose numbers it equals; a test compares them to 1e-9
    version: int = 1
    unit: str = "proportion"
    range: tuple[float, float | None] = (0.0, 1.0)
    higher_is_better: bool = True
    params: dict[str, float] = field(default_factory=dict)  # name → default

    @property
    def decomposable(self) -> bool:
        """Whether the value is the mean of one number per item."""
        return self.interval != "corpus"


LABELS: frozenset[Need] = frozenset({"labels"})
PROBABILITIES: frozenset[Need] = frozenset({"labels", "probabilities"})
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


_METRICS = (
    Metric(
        name="accuracy",
        title="Accuracy",
        description="Share of items that got the right label.",
        needs=LABELS,
        interval="proportion",
        library="scikit-learn accuracy_score",
    ),
    Metric(
        name="macro_f1",
        title="Macro F1",
        description="F1 of each class, averaged with equal weight; a class nobody predicted counts 0.",
        needs=LABELS,
        interval="corpus",
        library="scikit-learn f1_score",
    ),
    Metric(
        name="mcc",
        title="Matthews correlation",
        description="Correlation of predicted and true labels; 0 is chance, also with unequal classes.",
        needs=LABELS,
        interval="corpus",
        library="scikit-learn matthews_corrcoef",
        unit="correlation",
        range=(-1.0, 1.0),
    ),
    Metric(
        name="top5",
        title="Top-5 accuracy",
        description="Share of items whose right label is among the five most probable.",
        needs=PROBABILITIES,
        interval="proportion",
        library="scikit-learn top_k_accuracy_score",
    ),
    Metric(
        name="ece",
        title="Calibration error",
        description="Mean gap between confidence and accuracy over equally wide bins of confidence.",
        needs=PROBABILITIES,
        interval="corpus",
        library="own, Guo et al. 2017, equation 3",
        higher_is_better=False,
        params={"bins": 15},
    ),
    Metric(
        name="brier",
        title="Brier score",
        description="Squared distance of the probabilities from the truth, summed over classes, averaged over items.",
        needs=PROBABILITIES,
        interval="mean",
        library="scikit-learn brier_score_loss",
        unit="score",
        range=(0.0, 2.0),
        higher_is_better=False,
    ),
    Metric(
        name="log_loss",
        title="Log loss",
        description="Mean negative logarithm of the probability given to the right label.",
        needs=PROBABILITIES,
        interval="mean",
        library="scikit-learn log_loss",
        unit="nats",
        range=(0.0, None),
        higher_is_better=False,
    ),
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
        description="Rank of the right answer, discounted by its logarithm, zero beyond the tenth.",
        needs=RANKS,
        interval="mean",
        library="scikit-learn ndcg_score",
        unit="score",
    ),
)

REGISTRY: dict[str, Metric] = {metric.name: metric for metric in _METRICS}
