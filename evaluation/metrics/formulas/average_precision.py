"""Average precision. Source: scikit-learn, average_precision_score."""

from dataclasses import dataclass

import numpy as np

from evaluation.metrics.arrays import Floats, Ints


@dataclass(frozen=True)
class Ranking:
    """One label's items from likely to unlikely, sorted once for all resamples."""

    order: Ints
    true: Floats  # 1 where the item has the label, in that order
    last: Ints  # the last item of each group of equal probabilities

    @classmethod
    def of(cls, true: Floats, probabilities: Floats) -> "Ranking":
        order = np.argsort(-probabilities, kind="stable")
        steps = np.flatnonzero(np.diff(probabilities[order]))
        return cls(order=order, true=true[order], last=np.append(steps, len(order) - 1))

    def average_precision(self, weights: Floats) -> float | None:
        """Precision at each threshold, weighted by the recall it adds; None where no item has the label."""
        own = weights[self.order]
        hits = np.cumsum(own * self.true)[self.last]
        seen = np.cumsum(own)[self.last]
        if hits[-1] == 0:
            return None
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        return float((np.diff(hits, prepend=0.0) / hits[-1] * precision).sum())
