"""The two-level Gaussian process: operation distribution, and what lies on each block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from ax_anasod.cells import Cell
from ax_anasod.surrogates.level_fit import (
    JITTER,
    NOISE,
    believe_and_factor,
    cell_covariance,
    cell_variance,
    most_probable,
    prior_spreads,
)
from ax_anasod.surrogates.levels import Distances, Level, LevelFeatures
from ax_anasod.typing import Codes, FloatArray, Positions, Values

# Architectures compared with all observed ones at a time: bounds the memory, and what belongs to
# them stays in the cache of a processor (with 4,096 it takes a tenth longer).
_CHUNK: Final = 2048


@dataclass(frozen=True)
class _Fit:
    """Hyperparameters: variances and lengthscales of the levels, of features, of the noise."""

    variances: FloatArray
    lengthscales: FloatArray
    slopes: FloatArray
    noise: float

    @classmethod
    def from_logs(cls, logs: FloatArray, levels: int) -> Self:
        values = np.exp(logs)
        return cls(
            values[:levels], values[levels : 2 * levels], values[2 * levels : -1], float(values[-1])
        )


class TwoLevelGP:
    r"""A GP whose covariance is a sum of kernels, one for each level and each feature.

    .. math::
        k(a, b) = \sum_l s_l \, \kappa_l(d_l(a, b) / \ell_l)
            + \sum_j v_j \, z_j(a)^\top z_j(b)

    The variances say how much of each level the task needs, and of each feature z that is known
    beforehand (a linear kernel: Bayesian regression on it, with a fitted prior). All distances
    are whole numbers and take few values, so that a covariance is looked up, not computed: with
    its closed gradient a fit takes a tenth of the time that automatic differentiation needs.

    Hyperparameters are the maximum a posteriori under wide log-normal priors, found by
    L-BFGS from the medians of the priors at every fit: a start at the last ones depends on
    where a run was interrupted, and gets stuck. The mean is zero, since targets are
    standardised.

    Where targets are NaN (pending trials), the posterior mean given the others is believed
    (Kriging believer; Ginsbourger, Le Riche & Carraro 2010).

    Args:
        levels: The levels.
        distances: Distances of the ``n`` observed architectures from each other.
        targets: ``n`` targets with mean 0 and variance 1; NaN where pending, but at least
            one is known.
        features: ``n x f`` values of each feature, such that the mean of their squared norm over
            all architectures is about 1.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        distances: Distances,
        targets: Values,
        features: Sequence[FloatArray] = (),
    ) -> None:
        self.levels = tuple(levels)
        self._features = tuple(features)
        known = np.flatnonzero(np.isfinite(targets))
        products = [z[known] @ z[known].T for z in features]
        self._fit = self._fitted(_rows(distances, known), targets[known], products)
        self._targets, self._factor, self._weights = believe_and_factor(
            self.covariance(distances, features), targets, self.noise
        )

    @property
    def variances(self) -> dict[str, float]:
        """The fitted variance of each level."""
        return dict(
            zip((level.name for level in self.levels), self._fit.variances.tolist(), strict=True)
        )

    @property
    def slopes(self) -> list[float]:
        """The fitted variance of each feature."""
        return list(self._fit.slopes.tolist())

    @property
    def shares(self) -> list[float]:
        """The share of each feature in the prior variance, as it is on average."""
        total = self._fit.variances.sum() + self._fit.slopes.sum()
        return list((self._fit.slopes / total).tolist())

    @property
    def lengthscales(self) -> dict[str, float]:
        """The fitted lengthscale of each level."""
        return dict(
            zip((level.name for level in self.levels), self._fit.lengthscales.tolist(), strict=True)
        )

    @property
    def noise(self) -> float:
        """The fitted noise variance."""
        return self._fit.noise

    @property
    def targets(self) -> Values:
        """The ``n`` targets, believed ones in the place of those that are pending."""
        return self._targets

    @property
    def best(self) -> float:
        """The smallest target, believed ones included."""
        return float(self._targets.min())

    def predict(
        self, distances: Distances, features: Sequence[FloatArray] = ()
    ) -> tuple[FloatArray, FloatArray]:
        """Posterior mean and standard deviation, without noise.

        Args:
            distances: Distances ``m x n`` from the architectures of the fit.
            features: Their values ``m x f`` of each feature.

        Returns:
            Means ``m`` and standard deviations ``m``.
        """
        cross = self.covariance(distances, features)
        whitened = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        prior = cell_variance(len(cross), self._fit.variances, self._fit.slopes, features)
        variance = prior - np.einsum("ij,ij->j", whitened, whitened)
        return cross @ self._weights, np.sqrt(np.maximum(variance, 0.0))

    def covariance(self, distances: Distances, features: Sequence[FloatArray] = ()) -> FloatArray:
        """The prior covariance of architectures, without noise.

        Args:
            distances: Distances ``m x n``; with features, from the architectures of the fit.
            features: Values ``m x f`` of each feature.
        """
        fit = self._fit
        return cell_covariance(
            self.levels,
            fit.variances,
            fit.lengthscales,
            distances,
            fit.slopes,
            features,
            self._features,
        )

    def _fitted(
        self,
        distances: Distances,
        targets: Values,
        products: Sequence[FloatArray],
    ) -> _Fit:
        """The most probable hyperparameters given the observed targets."""
        posterior = _Posterior(self.levels, distances, targets, products)
        logs = most_probable(posterior.loss, posterior.medians, posterior.spreads)
        return _Fit.from_logs(logs, len(self.levels))


class ObservedLevels:
    """Observed architectures, to which models are fitted, and with which others are compared.

    Args:
        cell: The cell.
        levels: The levels of the models.
        codes: ``n x d`` codes that have a value or are pending.
        known: The features of codes, ``n x f`` each; by default there are none.
    """

    def __init__(
        self,
        cell: Cell,
        levels: Sequence[Level],
        codes: Codes,
        known: Callable[[Codes], Sequence[FloatArray]] = lambda codes: (),
    ) -> None:
        self._levels, self._known = levels, known
        self._names = [level.name for level in levels]
        self.features = LevelFeatures(cell, codes)
        self._own = self.features.distances(self.features, self._names), known(codes)

    def fit(self, targets: Values) -> TwoLevelGP:
        """Fit a model to ``n`` targets with mean 0 and variance 1; NaN where pending."""
        distances, known = self._own
        return TwoLevelGP(self._levels, distances, targets, known)

    def predict(
        self, features: LevelFeatures, models: Iterable[TwoLevelGP]
    ) -> list[tuple[FloatArray, FloatArray]]:
        """Predict ``m`` architectures by several models, as :meth:`TwoLevelGP.predict`."""
        found = [(model, np.empty(len(features)), np.empty(len(features))) for model in models]
        for start in range(0, len(features), _CHUNK):
            rows = slice(start, start + _CHUNK)
            distances = features[rows].distances(self.features, self._names)
            known = self._known(features.codes[rows])
            for model, means, deviations in found:
                means[rows], deviations[rows] = model.predict(distances, known)
        return [(means, deviations) for _, means, deviations in found]


class _Posterior:
    """The negative log posterior of the logarithms of the hyperparameters.

    Args:
        levels: The levels.
        distances: Distances ``n x n``.
        targets: ``n`` targets.
        products: Inner products ``n x n`` of each feature.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        distances: Distances,
        targets: Values,
        products: Sequence[FloatArray],
    ) -> None:
        self._levels, self._targets, self._products = levels, targets, products
        # Kernels are evaluated at the distances that occur, a few dozen of them.
        self._tables = []
        for level in levels:
            values, at = np.unique(distances[level.name], return_inverse=True)
            self._tables.append((values.astype(np.float64), at.reshape(len(targets), -1)))
        slopes = np.ones(len(products))
        lengthscales = [level.lengthscale for level in levels]
        self.medians = np.log([*np.ones(len(levels)), *lengthscales, *slopes, NOISE])
        self.spreads = prior_spreads(len(self.medians))

    def loss(self, logs: FloatArray) -> tuple[float, FloatArray]:
        """The negative log posterior, up to a constant, and its gradient."""
        fit, n = _Fit.from_logs(logs, len(self._levels)), len(self._targets)
        tables = [
            tuple(s * part for part in level.kernel(values, lengthscale))
            for level, (values, _), s, lengthscale in zip(
                self._levels, self._tables, fit.variances, fit.lengthscales, strict=True
            )
        ]
        covariance = (fit.noise + JITTER) * np.eye(n)
        for (k, _), (_, at) in zip(tables, self._tables, strict=True):
            covariance += k.take(at)
        for product, s in zip(self._products, fit.slopes, strict=True):
            covariance += s * product
        factor = cholesky(covariance, lower=True, check_finite=False)
        inverse = cho_solve((factor, True), np.eye(n), check_finite=False)
        weights = inverse @ self._targets
        # The gradient by any parameter t is half of the sum over this times dK / dt.
        slope = inverse - np.outer(weights, weights)
        by_variance, by_lengthscale = [], []
        for (k, dk), (values, at) in zip(tables, self._tables, strict=True):
            per_distance = np.bincount(at.ravel(), slope.ravel(), minlength=len(values))
            by_variance.append(per_distance @ k)
            by_lengthscale.append(per_distance @ dk)
        by_slope = [
            s * np.vdot(slope, product)
            for product, s in zip(self._products, fit.slopes, strict=True)
        ]
        likelihood = 0.5 * self._targets @ weights + np.log(np.diag(factor)).sum()
        gradient = 0.5 * np.array(
            [*by_variance, *by_lengthscale, *by_slope, fit.noise * np.trace(slope)]
        )
        deviations = (logs - self.medians) / self.spreads
        prior = 0.5 * deviations @ deviations
        return float(likelihood + prior), gradient + deviations / self.spreads


def _rows(distances: Distances, rows: Positions) -> Distances:
    return {name: d[np.ix_(rows, rows)] for name, d in distances.items()}
