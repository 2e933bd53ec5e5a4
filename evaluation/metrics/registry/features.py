"""Metrics of frozen features."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

FEATURES: frozenset[Need] = frozenset({"features"})

REQUESTS: tuple[RequestKind, ...] = ("features",)

METRICS = (
    Metric(
        name="probe_accuracy",
        title="Linear probe",
        description="Share of test items that multinomial logistic regression on standardised features of train gets "
        "right; its penalty is chosen on a tenth of train, the mean of three such choices.",
        needs=FEATURES,
        interval="mean",
        library="scikit-learn LogisticRegression",
    ),
    Metric(
        name="knn20_accuracy",
        title="20 neighbours",
        description="Share of test items whose class the 20 nearest train items by cosine vote for.",
        needs=FEATURES,
        interval="proportion",
        library="scikit-learn KNeighborsClassifier with weights exp(cosine / 0.07)",
    ),
)
