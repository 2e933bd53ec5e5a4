"""One vector per item; queries are ranked against pools of documents."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import Predictions
from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.formulas.mrr import reciprocal_rank
from evaluation.metrics.formulas.ndcg import ndcg_at
from evaluation.metrics.formulas.ranks import cosine_ranks
from evaluation.metrics.formulas.recall import recall_at
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.registry.ranks import RANKS
from evaluation.metrics.samples import Gold, Sample, cluster_numbers

LARGEST_WIDTH = 65_536  # dimensions of one embedding


@dataclass(frozen=True)
class EmbeddingPredictions(Predictions):
    """embeddings: (items, width)."""

    embeddings: Floats


@dataclass(frozen=True)
class RankSample(Sample):
    """Queries with the rank of their right answer; a query counts once per pool it searches."""

    ranks: Ints

    @property
    def offers(self) -> frozenset[Need]:
        return RANKS

    def per_item(self, use: MetricUse) -> Floats | None:
        name, _, cutoff = use.name.partition("@")
        if name == "recall":
            return recall_at(self.ranks, int(cutoff))
        if name == "ndcg":
            return ndcg_at(self.ranks, int(cutoff))
        return {"bitext_accuracy": recall_at(self.ranks, 1), "mrr": reciprocal_rank(self.ranks)}[use.name]


def read_embeddings(definition: Definition, folder: Path) -> EmbeddingPredictions:
    try:
        ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
        table = np.load(
            folder / "embeddings.npy", mmap_mode="r", allow_pickle=False
        )  # a lying header allocates nothing
    except (OSError, ValueError, EOFError, RecursionError) as error:
        raise BadOutput("The embeddings cannot be read.") from error
    if not isinstance(ids, list) or not all(isinstance(key, str) for key in ids):
        raise BadOutput("ids.json is not a list of ids.")
    if not isinstance(table, np.ndarray) or table.ndim != 2 or table.dtype.kind != "f":
        raise BadOutput("embeddings.npy is not a table of floating point numbers.")
    if table.shape[0] != len(ids) or not 1 <= table.shape[1] <= LARGEST_WIDTH:
        raise BadOutput(f"embeddings.npy has the shape {table.shape}, but there are {len(ids)} ids.")
    if not np.isfinite(table).all():
        raise BadOutput("The embeddings hold numbers that are not finite (NaN or infinity).")
    return EmbeddingPredictions(ids=tuple(ids), embeddings=table.astype(np.float64))


def _sample(definition: Definition, gold: Gold, found: EmbeddingPredictions, place: dict[str, int]) -> RankSample:
    rows, groups, ranks = [], [], []
    for pool in sorted({name for row in gold for name in row.get("pools", ())}):
        candidates = [row["id"] for row in gold if pool in row.get("pools", ())]
        column = {key: index for index, key in enumerate(candidates)}
        queries = [row for row in gold if pool in row.get("targets", {})]
        rows += queries
        groups += [pool] * len(queries)
        ranks.append(
            cosine_ranks(
                found.embeddings[[place[row["id"]] for row in queries]],
                found.embeddings[[place[key] for key in candidates]],
                [[column[key] for key in row["targets"][pool]] for row in queries],
            )
        )
    clusters = cluster_numbers([row.get("cluster") for row in rows])
    return RankSample(rows=rows, groups=groups, clusters=clusters, ranks=np.concatenate(ranks))


KIND = AnswerKind(read=read_embeddings, sample=_sample, files=("embeddings.npy", "ids.json"))
