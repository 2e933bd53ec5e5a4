"""COCO's rules of detection: which box found which object, and average precision from that.

Source: Lin et al. 2014, and the evaluation code that its authors publish; a test compares the numbers.
"""

from dataclasses import dataclass

import numpy as np

from evaluation.metrics.arrays import Bools, Floats, Ints

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
MOST_PER_CLASS = 100  # boxes of one class in one image


@dataclass(frozen=True)
class Boxes:
    """Objects of one class in one image."""

    corners: Floats  # (n, 4): left, top, right, bottom
    areas: Floats
    crowd: Bools  # regions that stand for many objects: finding them is neither right nor wrong


@dataclass(frozen=True)
class Matches:
    """What came of the boxes of one class in one image, the surest first; A areas, T thresholds, D boxes, G objects."""

    scores: Floats  # (D,)
    right: Bools  # (A, T, D)
    ignored: Bools  # (A, T, D): neither right nor wrong
    wanted: Ints  # (A,): objects to be found


def match(gold: Boxes, corners: Floats, scores: Floats) -> Matches:
    """Boxes take objects in the order of their scores, each the best one left that overlaps enough."""
    order = np.argsort(-scores, kind="stable")[:MOST_PER_CLASS]
    corners, scores = corners[order], scores[order]
    bounds = np.array(list(AREAS.values()))
    outside = (gold.areas[None] < bounds[:, :1]) | (gold.areas[None] > bounds[:, 1:])  # (A, G)
    passed_over = outside | gold.crowd[None]
    own_areas = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    unlikely = (own_areas[None] < bounds[:, :1]) | (own_areas[None] > bounds[:, 1:])  # (A, D)
    shape = (len(bounds), len(IOU_THRESHOLDS), len(scores))
    right, ignored = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    if len(gold.areas):
        overlaps = overlap(corners, gold.corners, gold.crowd)
        taken = np.zeros((*shape[:2], len(gold.areas)), dtype=np.bool_)
        for index in range(len(scores)):
            right[..., index], ignored[..., index] = _take(overlaps[index], passed_over, gold.crowd, taken)
    ignored |= ~right & ~ignored & unlikely[:, None]
    return Matches(scores=scores, right=right, ignored=ignored, wanted=(~passed_over).sum(axis=1))


def _take(overlaps: Floats, passed_over: Bools, crowd: Bools, taken: Bools) -> tuple[Bools, Bools]:
    """For one box: (A, T) whether it found an object, and whether it found one that does not count; marks `taken`."""
    enough = overlaps[None, None] >= np.minimum(IOU_THRESHOLDS, 1 - 1e-10)[None, :, None]
    free = enough & (~taken | crowd)
    # An object that counts is preferred to one that does not, however well that overlaps.
    counted, others = free & ~passed_over[:, None], free & passed_over[:, None]
    hit: Bools = np.any(counted, axis=-1)
    other_hit: Bools = np.any(others, axis=-1)
    # Of equal overlaps the last one is taken.
    last = len(overlaps) - 1
    best = np.where(hit, last - _first_best(counted, overlaps), last - _first_best(others, overlaps))
    areas, thresholds = np.nonzero(hit | other_hit)
    taken[areas, thresholds, best[areas, thresholds]] = True
    return hit, ~hit & other_hit


def _first_best(among: Bools, overlaps: Floats) -> Ints:
    places: Ints = np.where(among, overlaps, -1.0)[..., ::-1].argmax(axis=-1)
    return places


def overlap(found: Floats, gold: Floats, crowd: Bools) -> Floats:
    """(D, G) intersection over union; over the found box alone where the object is a crowd."""
    low = np.maximum(found[:, None, :2], gold[None, :, :2])
    high = np.minimum(found[:, None, 2:], gold[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    own = np.prod(found[:, 2:] - found[:, :2], axis=1)[:, None]
    union = np.where(crowd[None], own, own + np.prod(gold[:, 2:] - gold[:, :2], axis=1)[None] - shared)
    shares: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares


@dataclass(frozen=True)
class ClassMatches:
    """All boxes of one class, the surest first over all images."""

    images: Ints  # (D,): whose box
    right: Bools  # (A, T, D)
    wrong: Bools  # (A, T, D)
    wanted: Floats  # (images, A)

    @classmethod
    def join(cls, per_image: list[Matches]) -> "ClassMatches":
        scores = np.concatenate([one.scores for one in per_image])
        order = np.argsort(-scores, kind="stable")
        right = np.concatenate([one.right for one in per_image], axis=-1)[..., order]
        ignored = np.concatenate([one.ignored for one in per_image], axis=-1)[..., order]
        counts = [len(one.scores) for one in per_image]
        return cls(
            images=np.repeat(np.arange(len(per_image)), counts)[order],
            right=right,
            wrong=~right & ~ignored,
            wanted=np.array([one.wanted for one in per_image], dtype=np.float64),
        )

    def average_precision(self, area: int, weights: Floats, thresholds: slice) -> Floats | None:
        """(T,) for images drawn `weights` times; None where nothing was to be found."""
        wanted = float(weights @ self.wanted[:, area])
        if wanted == 0:
            return None
        drawn = weights[self.images]
        right = np.cumsum(self.right[area, thresholds] * drawn, axis=-1)
        wrong = np.cumsum(self.wrong[area, thresholds] * drawn, axis=-1)
        precision = right / (right + wrong + np.spacing(1))
        # The best precision at this recall or a higher one; nothing beyond the highest.
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=-1)[:, ::-1]
        padded = np.concatenate([envelope, np.zeros((len(envelope), 1))], axis=-1)
        places = [np.searchsorted(row, RECALLS, side="left") for row in right / wanted]
        return np.array([row[place].mean() for row, place in zip(padded, places, strict=True)])

    def recall(self, area: int, weights: Floats) -> Floats | None:
        """(T,) share of the objects found by all the boxes together; None where nothing was to be found."""
        wanted = float(weights @ self.wanted[:, area])
        if wanted == 0:
            return None
        found: Floats = (self.right[area] * weights[self.images]).sum(axis=-1) / wanted
        return found
