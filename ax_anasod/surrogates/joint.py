"""The Gaussian process of architectures and hyperparameters together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from ax_anasod.surrogates.joint_fit import JointForm, JointPosterior, Points, settings_kernel
from ax_anasod.surrogates.level_fit import believe_and_factor, cell_covariance, cell_variance
from ax_anasod.surrogates.levels import Distances, Level
from ax_anasod.typing import FloatArray


class CellCovariance(NamedTuple):
    """The covariance of the cell alone, for points that share architectures.

    Args:
        cross: Covariances ``m x n`` with the architectures of a fit.
        variance: Prior variances ``m``.
    """

    cross: FloatArray
    variance: FloatArray


class JointGP:
    r"""A GP of pairs of an architecture and a setting of its hyperparameters.

    With :math:`C` the covariance of the cell (the sum over its levels and features of
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
        features: ``n x f`` values of each feature of the architectures.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        distances: Distances,
        points: Points,
        targets: FloatArray,
        form: JointForm = "both",
        features: Sequence[FloatArray] = (),
    ) -> None:
        self.levels, self._points, self._form = tuple(levels), points, form
        self._features = tuple(features)
        known = np.flatnonzero(np.isfinite(targets))
        own = {name: d[np.ix_(known, known)] for name, d in distances.items()}
        products = [z[known] @ z[known].T for z in features]
        posterior = JointPosterior(
            self.levels, own, points[known], targets[known], form, products=products
        )
        self._fit = posterior.fitted()
        covariance = self._joined(
            self.cell_covariance(distances, features).cross,
            settings_kernel(self._fit, points, points)[0],
        )
        self._targets, self._factor, self._weights = believe_and_factor(
            covariance, targets, self._fit.noise
        )

    @property
    def targets(self) -> FloatArray:
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

    @property
    def shares(self) -> list[float]:
        """The share of each feature in the prior variance, as it is on average."""
        fit, one = self._fit, np.ones(1)
        alone, none = self._joined(fit.slopes, one), self._joined(0.0 * one, one)
        total = self._joined((fit.variances.sum() + fit.slopes.sum()) * one, one)
        return list(((alone - none) / total).tolist())

    def predict(
        self, distances: Distances, points: Points, features: Sequence[FloatArray] = ()
    ) -> tuple[FloatArray, FloatArray]:
        """Posterior mean and standard deviation, without noise.

        Args:
            distances: Distances ``m x n`` from the architectures of the fit.
            points: The ``m`` settings.
            features: Values ``m x f`` of each feature.

        Returns:
            Means ``m`` and standard deviations ``m``.
        """
        return self.predict_at(self.cell_covariance(distances, features), points)

    def cell_covariance(
        self, distances: Distances, features: Sequence[FloatArray] = ()
    ) -> CellCovariance:
        """The covariance of the cell alone; the arguments are those of :meth:`predict`."""
        fit = self._fit
        cross = cell_covariance(
            self.levels,
            fit.variances,
            fit.lengthscales,
            distances,
            fit.slopes,
            features,
            self._features,
        )
        return CellCovariance(cross, cell_variance(len(cross), fit.variances, fit.slopes, features))

    def predict_at(self, cell: CellCovariance, points: Points) -> tuple[FloatArray, FloatArray]:
        """Predict as :meth:`predict`, from covariances of the cell."""
        cross = self._joined(cell.cross, settings_kernel(self._fit, points, self._points)[0])
        whitened = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        variance = self._prior(cell) - np.einsum("ij,ij->j", whitened, whitened)
        return cross @ self._weights, np.sqrt(np.maximum(variance, 0.0))

    def slopes_at(
        self, cell: CellCovariance, points: Points
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Means and standard deviations ``m``, and their gradients by the places, ``m x p``."""
        own, by_square, _ = settings_kernel(self._fit, points, self._points)
        cross = self._joined(cell.cross, own)
        solved = cho_solve((self._factor, True), cross.T, check_finite=False).T
        mean = cross @ self._weights
        variance = self._prior(cell) - np.einsum("ij,ij->i", cross, solved)
        deviation = np.sqrt(np.maximum(variance, 1e-12))
        # Through the covariance of the settings, by the squared scaled distance.
        outer = self._slope_of_join(cell.cross) * by_square
        scales = self._fit.columns[: points.places.shape[1]] ** 2
        by_place = 2.0 * (points.places[:, None, :] - self._points.places) / scales
        of_mean = np.einsum("mn,mnp->mp", outer * self._weights, by_place)
        of_variance = -2.0 * np.einsum("mn,mnp->mp", outer * solved, by_place)
        return mean, deviation, of_mean, of_variance / (2.0 * deviation[:, None])

    def _joined(self, cell: FloatArray, settings: FloatArray) -> FloatArray:
        if self._form == "product":
            return cell * settings
        return cell * (1.0 + self._fit.interplay * settings) + self._fit.main * settings

    def _slope_of_join(self, cell: FloatArray) -> FloatArray:
        if self._form == "product":
            return cell
        return self._fit.interplay * cell + self._fit.main

    def _prior(self, cell: CellCovariance) -> FloatArray:
        """Prior variances ``m``: every setting has the correlation 1 with itself."""
        return self._joined(cell.variance, np.ones(len(cell.variance)))
