"""How well frozen features tell classes apart: a linear probe and weighted nearest neighbours."""

import warnings

import numpy as np

from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.formulas.vectors import units

STRENGTHS = tuple(10.0**power for power in range(-3, 4))  # C of scikit-learn: the inverse of the L2 penalty
HELD_OUT = 0.1  # of train, to choose the penalty by
NEIGHBOURS = 20
TEMPERATURE = 0.07
AT_ONCE = 1024  # test items per block, which bounds the memory of the similarity matrix


def probe_hits(train: Floats, labels: Ints, test: Floats, truth: Ints, seeds: int = 3) -> Floats:
    """For each test item the share of the seeds whose probe names its class.

    A seed decides which tenth of train chooses the penalty; the probe is then fitted on all of train.
    """
    centre, spread = train.mean(axis=0), train.std(axis=0)
    spread[spread == 0] = 1.0
    train, test = (train - centre) / spread, (test - centre) / spread
    known: dict[float, Floats] = {}
    hits = np.zeros(len(truth))
    for seed in range(seeds):
        strength = _best_strength(train, labels, seed)
        if strength not in known:
            known[strength] = np.equal(_fitted(train, labels, strength, test), truth).astype(float)
        hits += known[strength]
    return hits / seeds


def _best_strength(train: Floats, labels: Ints, seed: int) -> float:
    """The strongest penalty among those that do best on the tenth held out."""
    held = np.zeros(len(labels), dtype=np.bool_)
    random = np.random.default_rng(seed)
    for label in np.unique(labels):  # each class keeps its share, and at least one item to learn from
        members = random.permutation(np.flatnonzero(labels == label))
        held[members[: min(max(1, round(HELD_OUT * len(members))), len(members) - 1)]] = True
    scores = [
        float(np.equal(_fitted(train[~held], labels[~held], strength, train[held]), labels[held]).mean())
        for strength in STRENGTHS
    ]
    return STRENGTHS[int(np.argmax(scores))]


def _fitted(train: Floats, labels: Ints, strength: float, asked: Floats) -> Ints:
    # Imported late: seconds and megabytes that only this metric needs.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe = LogisticRegression(C=strength, max_iter=500).fit(train, labels)
    told: Ints = probe.predict(asked)
    return told


def neighbour_hits(train: Floats, labels: Ints, test: Floats, truth: Ints) -> Floats:
    """1 for each test item whose class the 20 nearest train items by cosine vote for, weighted by exp(cosine / 0.07).

    Source: Wu et al. 2018, section 3.4.
    """
    classes = int(max(labels.max(), truth.max())) + 1
    near, far = units(train), units(test)
    told = np.empty(len(test), dtype=np.int64)
    for start in range(0, len(test), AT_ONCE):
        likeness = far[start : start + AT_ONCE] @ near.T
        nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :NEIGHBOURS]
        votes = np.zeros((len(likeness), classes))
        rows = np.repeat(np.arange(len(likeness)), nearest.shape[1])
        weights = np.exp((np.take_along_axis(likeness, nearest, axis=1) - 1) / TEMPERATURE)
        np.add.at(votes, (rows, labels[nearest].ravel()), weights.ravel())
        told[start : start + AT_ONCE] = votes.argmax(axis=1)
    return np.equal(told, truth).astype(float)
