"""Integrated gradients (Sundararajan and others, 2017): how much each number of an input adds to one output."""

from collections.abc import Callable

import numpy as np
import torch

Function = Callable[[torch.Tensor], torch.Tensor]
"""Points (rows, …) to one number each (rows,)."""


def integrated_gradients(
    function: Function, point: torch.Tensor, baseline: torch.Tensor, *, steps: int, at_once: int
) -> torch.Tensor:
    """Attributions, shaped as `point`, float32.

    They are complete: their sum is what the function changes from baseline to point, but for the error of
    the integral, which is taken by Gauss and Legendre's rule with so many steps.
    """
    places, weights = (torch.from_numpy(found / 2) for found in np.polynomial.legendre.leggauss(steps))
    shape = (-1, *[1] * point.dim())
    along = point - baseline
    total = torch.zeros_like(point, dtype=torch.float32)
    for part in (slice(start, start + at_once) for start in range(0, steps, at_once)):
        share = (places[part] + 0.5).to(point).view(shape)
        rows = (baseline + share * along).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(function(rows).sum(), rows)
        total += (gradient.float() * weights[part].to(total).view(shape)).sum(dim=0)
    return total * along.float()
