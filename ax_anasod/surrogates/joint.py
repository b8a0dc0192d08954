"""The Gaussian process of architectures and hyperparameters together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky, solve_triangular

from ax_anasod.surrogates.joint_fit import (
    JointForm,
    JointPosterior,
    Points,
    settings_kernel,
)
from ax_anasod.surrogates.level_fit import JITTER, Array, levels_covariance
from ax_anasod.surrogates.levels import Distances, Level


class JointGP:
    r"""A GP of pairs of an architecture and a setting of its hyperparameters.

    With :math:`C` the covariance of the cell (the sum over its levels of
    :class:`ax_anasod.surrogates.TwoLevelGP`) and :math:`H` that of the settings, which is a
    Matern-5/2 kernel with a lengthscale for each range, times BoTorch's ``CategoricalKernel``
    for unordered choices, the covariance is

    .. math::
        C H \; (\text{product}), \qquad C + v H \; (\text{sum}), \qquad
        C + v H + w C H \; (\text{both})

    where v and w are fitted. The sum believes that the best setting is the same for all
    architectures, the product that a setting says nothing of an architecture far away; both is
    the form of BoTorch's ``MixedSingleTaskGP``.

    Hyperparameters are the maximum a posteriori under wide log-normal priors, found by L-BFGS
    from their medians with a closed gradient. Pending points (NaN) are believed to have their
    posterior mean.

    Args:
        levels: The levels of the cell.
        distances: Distances of the ``n`` architectures from each other.
        points: Their ``n`` settings.
        targets: ``n`` targets with mean 0 and variance 1; NaN where pending, but at least one
            is known.
        form: How the two make one.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        distances: Distances,
        points: Points,
        targets: Array,
        form: JointForm = "both",
    ) -> None:
        self.levels, self._points, self._form = tuple(levels), points, form
        known = np.flatnonzero(np.isfinite(targets))
        own = {name: d[np.ix_(known, known)] for name, d in distances.items()}
        posterior = JointPosterior(self.levels, own, points[known], targets[known], form)
        self._fit = posterior.fitted()
        self._condition(distances, targets, known)

    @property
    def targets(self) -> Array:
        """The ``n`` targets, believed ones in the place of those that are pending."""
        return self._targets

    @property
    def best(self) -> float:
        """The smallest target, believed ones included."""
        return float(self._targets.min())

    @property
    def lengthscales(self) -> list[float]:
        """The fitted lengthscale of each column of a setting: ranges, then unordered choices."""
        return list(self._fit.columns.tolist())

    def predict(self, distances: Distances, points: Points) -> tuple[Array, Array]:
        """Posterior mean and standard deviation, without noise.

        Args:
            distances: Distances ``m x n`` from the architectures of the fit.
            points: The ``m`` settings.

        Returns:
            Means ``m`` and standard deviations ``m``.
        """
        return self.predict_at(self.cell_covariance(distances), points)

    def cell_covariance(self, distances: Distances) -> Array:
        """The covariance ``m x n`` of the cell alone, for points that share architectures."""
        fit = self._fit
        return levels_covariance(self.levels, fit.variances, fit.lengthscales, distances)

    def predict_at(self, cell: Array, points: Points) -> tuple[Array, Array]:
        """As :meth:`predict`, from ``m x n`` covariances of the cell."""
        cross = self._joined(cell, settings_kernel(self._fit, points, self._points)[0])
        whitened = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        variance = self._prior - np.einsum("ij,ij->j", whitened, whitened)
        return cross @ self._weights, np.sqrt(np.maximum(variance, 0.0))

    def slopes_at(self, cell: Array, points: Points) -> tuple[Array, Array, Array, Array]:
        """Means and standard deviations ``m``, and their gradients by the places, ``m x p``."""
        own, by_square, _ = settings_kernel(self._fit, points, self._points)
        cross = self._joined(cell, own)
        solved = cho_solve((self._factor, True), cross.T, check_finite=False).T
        mean = cross @ self._weights
        variance = self._prior - np.einsum("ij,ij->i", cross, solved)
        deviation = np.sqrt(np.maximum(variance, 1e-12))
        # Through the covariance of the settings, by the squared scaled distance.
        outer = self._slope_of_join(cell) * by_square
        scales = self._fit.columns[: points.places.shape[1]] ** 2
        by_place = 2.0 * (points.places[:, None, :] - self._points.places) / scales
        of_mean = np.einsum("mn,mnp->mp", outer * self._weights, by_place)
        of_variance = -2.0 * np.einsum("mn,mnp->mp", outer * solved, by_place)
        return mean, deviation, of_mean, of_variance / (2.0 * deviation[:, None])

    def _joined(self, cell: Array, settings: Array) -> Array:
        if self._form == "product":
            return cell * settings
        return cell * (1.0 + self._fit.interplay * settings) + self._fit.main * settings

    def _slope_of_join(self, cell: Array) -> Array:
        if self._form == "product":
            return cell
        return self._fit.interplay * cell + self._fit.main

    @property
    def _prior(self) -> float:
        one = np.ones((1, 1))
        return float(self._joined(self._fit.variances.sum() * one, one)[0, 0])

    def _condition(self, distances: Distances, targets: Array, known: npt.NDArray[np.intp]) -> None:
        """Factor the covariance of all points, believing the pending ones."""
        settings = settings_kernel(self._fit, self._points, self._points)[0]
        covariance = self._joined(self.cell_covariance(distances), settings)
        self._targets = targets
        if len(known) < len(targets):
            factor = self._factorise(covariance[np.ix_(known, known)])
            believed = covariance[:, known] @ cho_solve((factor, True), targets[known])
            self._targets = np.where(np.isfinite(targets), targets, believed)
        self._factor = self._factorise(covariance)
        self._weights = cho_solve((self._factor, True), self._targets)

    def _factorise(self, covariance: Array) -> Array:
        noisy = covariance + (self._fit.noise + JITTER) * np.eye(len(covariance))
        factor: Array = cholesky(noisy, lower=True, check_finite=False)
        return factor
