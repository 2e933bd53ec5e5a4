"""Metrics of labelled words: entities, and single words."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

WORDS: frozenset[Need] = frozenset({"words"})
ENTITIES: frozenset[Need] = frozenset({"words", "entities"})

REQUESTS: tuple[RequestKind, ...] = ("token-classify",)

SEQEVAL = "seqeval classification_report(mode='strict', scheme=IOB2, zero_division=0)"

METRICS = (
    Metric(
        name="entity_f1",
        title="Entity F1",
        description="F1 over whole entities of all types: begin, end and type must be right.",
        needs=ENTITIES,
        interval="corpus",
        library=SEQEVAL,
    ),
    Metric(
        name="entity_precision",
        title="Entity precision",
        description="Share of the entities found that are entities, with begin, end and type right.",
        needs=ENTITIES,
        interval="corpus",
        library=SEQEVAL,
    ),
    Metric(
        name="entity_recall",
        title="Entity recall",
        description="Share of the true entities that were found, with begin, end and type right.",
        needs=ENTITIES,
        interval="corpus",
        library=SEQEVAL,
    ),
    Metric(
        name="entity_macro_f1",
        title="Macro entity F1",
        description="Entity F1 of each type, averaged with equal weight.",
        needs=ENTITIES,
        interval="corpus",
        library=SEQEVAL,
    ),
    Metric(
        name="token_accuracy",
        title="Word accuracy",
        description="Share of words that got the right label, judged by their first token.",
        needs=WORDS,
        interval="corpus",
        library="seqeval accuracy_score",
    ),
)
