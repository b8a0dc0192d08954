"""What the Gaussian processes of levels share: their priors, their fit, their covariance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ax_anasod.surrogates.levels import Distances, Level

# Standard deviations of the logarithms of the hyperparameters: wide, so that ten
# observations decide.
_SPREAD: Final = 1.0
_NOISE_SPREAD: Final = 1.5
# The search for the best hyperparameters stays within so many of them.
_RANGE: Final = 4.0
# The noise variance before anything was observed, of targets with variance 1.
NOISE: Final = 0.01
JITTER: Final = 1e-6

Array = npt.NDArray[np.float64]


def prior_spreads(size: int) -> Array:
    """Standard deviations of the logarithms of ``size`` hyperparameters, the noise last."""
    return np.array([*[_SPREAD] * (size - 1), _NOISE_SPREAD])


def most_probable(
    loss: Callable[[Array], tuple[float, Array]], medians: Array, spreads: Array
) -> Array:
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
    found: Array = minimize(
        loss,
        medians,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 60, "ftol": 1e-6, "gtol": 1e-3},
    ).x
    return found


def levels_covariance(
    levels: Sequence[Level], variances: Array, lengthscales: Array, distances: Distances
) -> Array:
    """The sum of the kernels of at least one level at distances ``m x n``.

    The distances are whole numbers and take few values: a kernel is looked up, not computed.
    """
    total: Array | None = None
    for level, s, lengthscale in zip(levels, variances, lengthscales, strict=True):
        d = distances[level.name]
        table = s * level.kernel(np.arange(d.max(initial=0) + 1.0), lengthscale)[0]
        part = table.take(d)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None  # there is at least one level
    return total
