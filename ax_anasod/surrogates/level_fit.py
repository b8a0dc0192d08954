"""What the Gaussian processes of levels share: their priors, their fit, their covariance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from scipy.optimize import minimize

from ax_anasod.surrogates.levels import Distances, Level
from ax_anasod.typing import FloatArray

# Standard deviations of the logarithms of the hyperparameters: wide, so that ten
# observations decide.
_SPREAD: Final = 1.0
_NOISE_SPREAD: Final = 1.5
# The search for the best hyperparameters stays within so many of them.
_RANGE: Final = 4.0
# The noise variance before anything was observed, of targets with variance 1.
NOISE: Final = 0.01
JITTER: Final = 1e-6


def prior_spreads(size: int) -> FloatArray:
    """Standard deviations of the logarithms of ``size`` hyperparameters, the noise last."""
    return np.array([*[_SPREAD] * (size - 1), _NOISE_SPREAD])


def most_probable(
    loss: Callable[[FloatArray], tuple[float, FloatArray]], medians: FloatArray, spreads: FloatArray
) -> FloatArray:
    """The logarithms of hyperparameters with the smallest negative log posterior, by L-BFGS.

    Args:
        loss: The negative log posterior and its gradient.
        medians: The medians of the ``p`` priors, where the search begins.
        spreads: Their standard deviations ``p``.
    """
    bounds = [
        (mean - _RANGE * spread, mean + _RANGE * spread)
        for mean, spread in zip(medians, spreads, strict=True)
    ]
    found: FloatArray = minimize(
        loss,
        medians,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 60, "ftol": 1e-6, "gtol": 1e-3},
    ).x
    return found


def cell_covariance(
    levels: Sequence[Level],
    variances: FloatArray,
    lengthscales: FloatArray,
    distances: Distances,
    slopes: FloatArray,
    features: Sequence[FloatArray],
    observed: Sequence[FloatArray],
) -> FloatArray:
    """The sum of the kernels of at least one level, and of the linear ones of features, ``m x n``.

    The distances are whole numbers and take few values: a kernel is looked up, not computed.

    Args:
        levels: The levels.
        variances: Their variances.
        lengthscales: Their lengthscales.
        distances: Distances ``m x n``.
        slopes: The variance of each feature.
        features: Its values ``m x f``.
        observed: Those of the ``n`` others.
    """
    total: FloatArray | None = None
    for level, s, lengthscale in zip(levels, variances, lengthscales, strict=True):
        d = distances[level.name]
        table = s * level.kernel(np.arange(d.max(initial=0) + 1.0), lengthscale)[0]
        part = table.take(d)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None  # there is at least one level
    for z, others, s in zip(features, observed, slopes, strict=True):
        total += (s * z) @ others.T
    return total


def cell_variance(
    m: int, variances: FloatArray, slopes: FloatArray, features: Sequence[FloatArray]
) -> FloatArray:
    """The prior variances ``m`` of architectures, the diagonal of their covariance."""
    total = np.full(m, variances.sum())
    for z, s in zip(features, slopes, strict=True):
        total = total + s * np.einsum("ij,ij->i", z, z)
    return total
