"""Gradient-based optimisation of an acquisition function on the simplex."""

from __future__ import annotations

import torch
from botorch.acquisition import AcquisitionFunction
from torch import Tensor


def mirror_descent(
    acqf: AcquisitionFunction, starts: Tensor, learning_rate: float, num_steps: int
) -> Tensor:
    """Gradient steps, each followed by the normalisation onto the simplex (Eq. 4).

    All starts move at once. Equation 4 descends a function to be minimised; an acquisition
    function is maximised, so the sign of the step is turned. Gradients are scaled to
    unit length: the logarithm of the expected improvement is steep where the improvement
    is unlikely, and a raw step would leave the simplex at once.

    Source: paper, App. A.1, Eq. 4.

    Args:
        acqf: The acquisition function.
        starts: ``m x k`` points of the simplex.
        learning_rate: Length of a step in fractions.
        num_steps: Number of steps.

    Returns:
        The best point on the way of each start, ``m x k``, on the simplex. Steps of one length
        jump over a narrow maximum, so that the last point may be worse than the first.
    """
    X = starts.clone()
    best = starts
    best_values = torch.full_like(starts[:, 0], -torch.inf)
    for step in range(num_steps + 1):
        X.requires_grad_(True)
        values = acqf(X.unsqueeze(1))  # m
        with torch.no_grad():
            better = values > best_values
            best = torch.where(better.unsqueeze(-1), X, best)
            best_values = torch.where(better, values, best_values)
        if step == num_steps:
            break
        (gradient,) = torch.autograd.grad(values.sum(), X)
        with torch.no_grad():
            # The component along (1, ..., 1) would only be undone by the normalisation.
            tangent = gradient - gradient.mean(dim=-1, keepdim=True)
            step = tangent / tangent.norm(dim=-1, keepdim=True).clamp_min(1e-12)
            moved = (X + learning_rate * step).clamp_min(0.0)
            X = moved / moved.sum(dim=-1, keepdim=True)
    return best.detach()
