"""One vector per item; queries are ranked against pools of documents."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import Predictions
from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.formulas.gains import average_precision_at, gains_of, share_found_at
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
    """Queries with what they found; a query counts once per pool it searches. Fields as in `formulas.gains.Gains`."""

    ranks: Ints  # of the best right answer
    found: Floats
    best: Floats
    right: Ints

    @property
    def offers(self) -> frozenset[Need]:
        return RANKS

    def per_item(self, use: MetricUse) -> Floats | None:
        name, _, cutoff = use.name.partition("@")
        if name == "recall":
            return recall_at(self.ranks, int(cutoff))
        if name == "ndcg":
            return ndcg_at(self.found, self.best, int(cutoff))
        if name == "map":
            return average_precision_at(self.found, self.right, int(cutoff))
        if name == "found":
            return share_found_at(self.found, self.right, int(cutoff))
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
    rows: list[Mapping[str, Any]] = []
    groups: list[str] = []
    ranks: list[Ints] = []
    grades: list[list[float]] = []
    for pool in sorted({name for row in gold for name in row.get("pools", ())}):
        candidates = [row["id"] for row in gold if pool in row.get("pools", ())]
        column = {key: index for index, key in enumerate(candidates)}
        queries = [(row, right) for row in gold if (right := _right_answers(row, pool)) is not None]
        rows += [row for row, _ in queries]
        groups += [pool] * len(queries)
        grades += [list(right.values()) for _, right in queries]
        ranks += cosine_ranks(
            found.embeddings[[place[row["id"]] for row, _ in queries]],
            found.embeddings[[place[key] for key in candidates]],
            [[column[key] for key in right] for _, right in queries],
        )
    clusters = cluster_numbers([row.get("cluster") for row in rows])
    gains = gains_of(ranks, grades)
    return RankSample(
        rows=rows,
        groups=groups,
        clusters=clusters,
        ranks=gains.first,
        found=gains.found,
        best=gains.best,
        right=gains.right,
    )


def _right_answers(row: Mapping[str, Any], pool: str) -> dict[str, float] | None:
    """Id → grade, the lowest grade first, which stands first where similarities tie; None: no query of this pool."""
    if pool in row.get("grades", {}):
        return dict(sorted(row["grades"][pool].items(), key=lambda pair: (pair[1], pair[0])))
    if pool in row.get("targets", {}):
        return dict.fromkeys(row["targets"][pool], 1.0)
    return None


KIND = AnswerKind(read=read_embeddings, sample=_sample, files=("embeddings.npy", "ids.json"))
