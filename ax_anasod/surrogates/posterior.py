"""Predictions for many candidates, and the expected improvement."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import torch
from botorch.models.model import Model
from scipy.special import erfcx, ndtr
from torch import Tensor

from ax_anasod.threads import undisturbed
from ax_anasod.typing import FloatArray

# Candidates predicted at a time: their joint covariance stays small, while a batch of
# single points would hold a copy of the training inputs for each.
_CHUNK: Final = 512
# Below this, 1 - |u| sqrt(pi / 2) erfcx(|u| / sqrt(2)) has lost too many digits to
# cancellation, and its leading term 1 / u^2 is exact to the same.
_FAR: Final = -1e4


@undisturbed()
def predict_posterior(model: Model, X: Tensor) -> tuple[FloatArray, FloatArray]:
    """Posterior mean and standard deviation of ``m`` candidates.

    Args:
        model: A model with one output.
        X: ``m x d`` candidates.

    Returns:
        Means ``m`` and standard deviations ``m``.
    """
    means, deviations = [], []
    with torch.no_grad():
        for chunk in torch.split(X, _CHUNK):
            posterior: Any = model.posterior(chunk)
            means.append(posterior.mean[..., 0])
            deviations.append(posterior.variance[..., 0].clamp_min(0.0).sqrt())
    return torch.cat(means).numpy(), torch.cat(deviations).numpy()


def log_expected_improvement(mean: FloatArray, deviation: FloatArray, best: float) -> FloatArray:
    r"""The logarithm of the expected improvement on ``best``, which is minimised.

    .. math::
        \log \sigma + \log (\varphi(u) + u \Phi(u)), \quad u = (best - \mu) / \sigma

    As exact where an improvement is out of reach as where it is likely, so that candidates
    can still be told apart.

    Source: Ament et al., "Unexpected improvements to expected improvement for Bayesian
    optimization" (NeurIPS 2023), Eq. 9.

    Args:
        mean: Posterior means ``m``.
        deviation: Posterior standard deviations ``m``; 0 counts as the smallest positive
            number.
        best: The value to improve on.

    Returns:
        Log expected improvements ``m``.

    Example:
        >>> log_expected_improvement(np.array([0.0, 1.0]), np.array([1.0, 1.0]), best=0.0).round(3)
        array([-0.919, -2.485])
    """
    scale = np.maximum(deviation, np.finfo(np.float64).tiny ** 0.5)
    u = (best - mean) / scale
    # Each formula is given what it can take; the other's result is not used there.
    above, below = np.maximum(u, -1.0), np.minimum(u, -1.0)
    density = np.exp(-0.5 * above**2) / math.sqrt(2.0 * math.pi)
    likely = np.log(density + above * ndtr(above))
    near, far = np.maximum(below, _FAR), np.minimum(below, _FAR)
    tail = np.log1p(near * math.sqrt(math.pi / 2.0) * erfcx(-near / math.sqrt(2.0)))
    remainder = np.where(below < _FAR, -2.0 * np.log(-far), tail)
    unlikely = -0.5 * below**2 - 0.5 * math.log(2.0 * math.pi) + remainder
    result: FloatArray = np.log(scale) + np.where(u > -1.0, likely, unlikely)
    return result
