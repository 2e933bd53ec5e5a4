"""Pixels of each label: shared, truly there, predicted. Everything about label maps follows from these sums."""

from typing import Any

import numpy as np

from evaluation.metrics.arrays import Floats

Map = np.ndarray[Any, np.dtype[np.uint16]]


def pixel_counts(gold: Map, found: Map, classes: int) -> Floats:
    """(3, classes) pixels shared, in the truth and in the prediction; truth beyond the last label is left out."""
    counted = gold < classes
    truth, told = gold[counted], found[counted]
    shared = np.bincount(truth[truth == told], minlength=classes)
    return np.array([shared, np.bincount(truth, minlength=classes), np.bincount(told, minlength=classes)], dtype=float)


def class_iou(counts: Floats) -> Floats:
    """(classes,) intersection over union; NaN for a label that is neither there nor predicted."""
    shared, truth, told = counts
    union = truth + told - shared
    shares: Floats = np.divide(shared, union, out=np.full(len(union), np.nan), where=union > 0)
    return shares


def mean_iou(counts: Floats) -> float:
    """Over the labels that are there or predicted; 0 when there are none."""
    shares = class_iou(counts)
    return float(np.nanmean(shares)) if not np.isnan(shares).all() else 0.0


def pixel_accuracy(counts: Floats) -> float:
    return float(counts[0].sum() / max(counts[1].sum(), 1.0))
