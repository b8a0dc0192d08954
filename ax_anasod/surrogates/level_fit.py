"""The shared parts of the Gaussian processes of levels: priors, fit, covariance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from scipy.linalg import cho_solve, cholesky
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


def believe_and_factor(
    covariance: FloatArray, targets: FloatArray, noise: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Condition on targets, of which the pending ones are believed to be their posterior mean.

    Source: Kriging believer, Ginsbourger, Le Riche & Carraro 2010, "Kriging is well-suited to
    parallelize optimization".

    Args:
        covariance: The prior covariance ``n x n``, without noise.
        targets: ``n`` targets, NaN where pending; or ``n x b`` targets, none of them pending.
        noise: The noise variance.

    Returns:
        The targets with the believed ones, the lower Cholesky factor ``n x n`` of the covariance
        with noise, and the weights of the targets in a posterior mean, of their shape.
    """
    known = np.flatnonzero(np.isfinite(targets))
    if len(known) < targets.size:
        factor = _factorised(covariance[np.ix_(known, known)], noise)
        believed = covariance[:, known] @ cho_solve((factor, True), targets[known])
        targets = np.where(np.isfinite(targets), targets, believed)
    factor = _factorised(covariance, noise)
    return targets, factor, cho_solve((factor, True), targets)


def _factorised(covariance: FloatArray, noise: float) -> FloatArray:
    noisy = covariance + (noise + JITTER) * np.eye(len(covariance))
    factor: FloatArray = cholesky(noisy, lower=True, check_finite=False)
    return factor


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
