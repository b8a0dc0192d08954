"""Bayesian linear regression, its two precisions found by maximising the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ax_anasod.typing import FloatArray, Values

_MAX_ROUNDS: Final = 200
_TOLERANCE: Final = 1e-5
# Data that is fitted exactly, or that has nothing to fit, drives a precision to infinity.
_PRECISIONS: Final = (1e-6, 1e8)


@dataclass(frozen=True)
class BayesianLinearRegression:
    """The posterior of the weights of a linear model.

    Args:
        mean: Posterior mean of the weights ``p``.
        covariance: Their posterior covariance ``p x p``.
        noise_precision: The inverse variance of the noise.
    """

    mean: FloatArray
    covariance: FloatArray
    noise_precision: float

    @classmethod
    def fit(cls, design: FloatArray, targets: Values) -> BayesianLinearRegression:
        """Fit weights with a normal prior around zero.

        Prior and noise precision maximise the marginal likelihood, by MacKay's fixed-point
        iteration on the eigenvalues of the design.

        Source: Bishop, "Pattern recognition and machine learning" (2006), Section 3.5.2.

        Args:
            design: ``n x p`` inputs; a column of ones is up to the caller.
            targets: ``n``.
        """
        eigenvalues, vectors = np.linalg.eigh(design.T @ design)
        # Rounding errors make some of the zero eigenvalues negative.
        eigenvalues = np.maximum(eigenvalues, 0.0)
        projected = vectors.T @ (design.T @ targets)
        prior = noise = 1.0
        for _ in range(_MAX_ROUNDS):
            last = prior, noise
            weights = noise * projected / (prior + noise * eigenvalues)
            determined = float((noise * eigenvalues / (prior + noise * eigenvalues)).sum())
            residuals = targets - design @ (vectors @ weights)
            prior = _precision(determined, float(weights @ weights))
            noise = _precision(len(targets) - determined, float(residuals @ residuals))
            if np.allclose(last, (prior, noise), rtol=_TOLERANCE, atol=0.0):
                break
        variances = 1.0 / (prior + noise * eigenvalues)
        return cls(
            mean=vectors @ (noise * variances * projected),
            covariance=(vectors * variances) @ vectors.T,
            noise_precision=noise,
        )

    def predict(self, design: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of new observations, noise included.

        Args:
            design: ``m x p`` inputs.

        Returns:
            Means ``m`` and standard deviations ``m``.
        """
        variance = ((design @ self.covariance) * design).sum(axis=1)
        return design @ self.mean, np.sqrt(variance + 1.0 / self.noise_precision)


def _precision(count: float, squares: float) -> float:
    """``count / squares`` within bounds."""
    low, high = _PRECISIONS
    return float(np.clip(count / max(squares, count / high, 1e-300), low, high))
