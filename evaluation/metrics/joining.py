"""Predictions and gold, joined by item id."""

import numpy as np

from evaluation.benchmarks.definitions import Definition
from evaluation.errors import BadOutput
from evaluation.metrics.predictions import Predictions
from evaluation.metrics.ranks import cosine_ranks
from evaluation.metrics.samples import Gold, LabelSample, RankSample, Sample, cluster_numbers


def sample_of(definition: Definition, gold: Gold, found: Predictions) -> Sample:
    """Joins predictions and gold.

    Raises:
        BadOutput: an id is unknown, missing or given twice, or a kind of answer is missing.
    """
    place = _places(gold, found)
    if definition.request == "embed":
        return _rank_sample(gold, found, place)
    if len(found.labels) != len(found.ids):
        raise BadOutput("The run sent no labels.")
    number = {name: index for index, name in enumerate(definition.label_names)}
    order = [place[row["id"]] for row in gold]
    return LabelSample(
        rows=gold,
        groups=[str(row.get("group", "")) for row in gold],
        clusters=cluster_numbers([row.get("cluster") for row in gold]),
        classes=len(number),
        gold=np.array([number[row["label"]] for row in gold]),
        predicted=np.array([number[found.labels[index]] for index in order]),
        probabilities=None if found.probabilities is None else found.probabilities[order],
    )


def _places(gold: Gold, found: Predictions) -> dict[str, int]:
    """Where each id stands among the predictions."""
    place = {key: index for index, key in enumerate(found.ids)}
    wanted = {row["id"] for row in gold}
    if len(place) != len(found.ids):
        raise BadOutput("The run answered an item twice.")
    if unknown := place.keys() - wanted:
        raise BadOutput(f"The run answered {len(unknown)} items that it was not asked about.")
    if missing := wanted - place.keys():
        raise BadOutput(f"The run did not answer {len(missing)} of {len(wanted)} items.")
    return place


def _rank_sample(gold: Gold, found: Predictions, place: dict[str, int]) -> RankSample:
    if found.embeddings is None:
        raise BadOutput("The run sent no embeddings.")
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
