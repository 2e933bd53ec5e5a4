"""One vector per item of train and test; probes learn on train, with labels that no node ever saw."""

from dataclasses import dataclass

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.probes import neighbour_hits, probe_hits
from evaluation.metrics.kinds.embeddings import EmbeddingPredictions, read_embeddings
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry.features import FEATURES
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import Gold, Sample, items_of


@dataclass(frozen=True)
class ProbeSample(Sample):
    """The items of test."""

    probe: Floats
    neighbours: Floats

    @property
    def offers(self) -> frozenset[Need]:
        return FEATURES

    def per_item(self, use: MetricUse) -> Floats | None:
        return {"probe_accuracy": self.probe, "knn20_accuracy": self.neighbours}[use.name]


def _sample(definition: Definition, gold: Gold, found: EmbeddingPredictions, place: dict[str, int]) -> ProbeSample:
    number = {name: index for index, name in enumerate(definition.label_names)}
    parts = {split: [row for row in gold if row["split"] == split] for split in ("train", "test")}
    vectors = {split: found.embeddings[[place[row["id"]] for row in rows]] for split, rows in parts.items()}
    labels = {split: np.array([number[row["label"]] for row in rows]) for split, rows in parts.items()}
    everything = (vectors["train"], labels["train"], vectors["test"], labels["test"])
    return ProbeSample(
        **items_of(parts["test"]),
        probe=probe_hits(*everything),
        neighbours=neighbour_hits(*everything),
    )


KIND = AnswerKind(read=read_embeddings, sample=_sample, files=("embeddings.npy", "ids.json"))
