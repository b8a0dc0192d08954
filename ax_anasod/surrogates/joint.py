"""The Gaussian process of architectures and hyperparameters together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from ax_anasod.surrogates.levels import Distances, Level, LevelName

JointForm = Literal["product", "sum", "both"]
"""How the covariance of the cell and that of its hyperparameters make one."""

# As in the two-level model: wide priors of the logarithms, so that ten observations decide.
_SPREAD: Final = 1.0
_NOISE_SPREAD: Final = 1.5
_NOISE: Final = 0.01
_RANGE: Final = 4.0
_JITTER: Final = 1e-6
# In units of the range of a parameter, for one of them; more need longer ones.
_LENGTHSCALE: Final = 0.5

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """Settings as the kernel sees them.

    Args:
        places: Ranges and ordered choices, ``n x p``, between 0 and 1.
        categories: The values of unordered choices, ``n x c``.
    """

    places: Array
    categories: Array

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: npt.NDArray[np.intp]) -> Points:
        """Some of the settings."""
        return Points(self.places[rows], self.categories[rows])


@dataclass(frozen=True)
class JointFit:
    """Hyperparameters of the model: of each level, of each column of a setting, of the sum."""

    variances: Array
    lengthscales: Array
    columns: Array
    main: float
    interplay: float
    noise: float


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
        return _cell(self.levels, self._fit, distances)

    def predict_at(self, cell: Array, points: Points) -> tuple[Array, Array]:
        """As :meth:`predict`, from ``m x n`` covariances of the cell."""
        cross = self._joined(cell, _settings(self._fit, points, self._points)[0])
        whitened = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        variance = self._prior - np.einsum("ij,ij->j", whitened, whitened)
        return cross @ self._weights, np.sqrt(np.maximum(variance, 0.0))

    def slopes_at(self, cell: Array, points: Points) -> tuple[Array, Array, Array, Array]:
        """Means and standard deviations ``m``, and their gradients by the places, ``m x p``."""
        own, by_square, _ = _settings(self._fit, points, self._points)
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
        settings = _settings(self._fit, self._points, self._points)[0]
        covariance = self._joined(self.cell_covariance(distances), settings)
        self._targets = targets
        if len(known) < len(targets):
            factor = self._factorise(covariance[np.ix_(known, known)])
            believed = covariance[:, known] @ cho_solve((factor, True), targets[known])
            self._targets = np.where(np.isfinite(targets), targets, believed)
        self._factor = self._factorise(covariance)
        self._weights = cho_solve((self._factor, True), self._targets)

    def _factorise(self, covariance: Array) -> Array:
        noisy = covariance + (self._fit.noise + _JITTER) * np.eye(len(covariance))
        factor: Array = cholesky(noisy, lower=True, check_finite=False)
        return factor


def _cell(levels: Sequence[Level], fit: JointFit, distances: Distances) -> Array:
    total: Array | None = None
    for level, s, lengthscale in zip(levels, fit.variances, fit.lengthscales, strict=True):
        d = distances[level.name]
        table = s * level.kernel(np.arange(d.max(initial=0) + 1.0), lengthscale)[0]
        total = table.take(d) if total is None else total + table.take(d)
    assert total is not None  # there is at least one level
    return total


def _settings(fit: JointFit, points: Points, others: Points) -> tuple[Array, Array, Array]:
    """The correlation of settings ``m x n``, and two derivatives of it.

    Returns:
        The correlations; their derivatives by the squared scaled distance of the places; the
        mismatches of each unordered choice, ``c x m x n``.
    """
    p = points.places.shape[1]
    a, b = points.places / fit.columns[:p], others.places / fit.columns[:p]
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * a @ b.T
    scaled = np.sqrt(5.0 * np.maximum(square, 0.0))
    decay = np.exp(-scaled)
    mismatches = np.array(
        [
            points.categories[:, i, None] != others.categories[:, i]
            for i in range(points.categories.shape[1])
        ],
        dtype=np.float64,
    ).reshape(-1, len(points), len(others))
    if len(mismatches):
        # BoTorch's kernel takes the mean over its columns.
        shares = 1.0 / (len(mismatches) * fit.columns[p:])
        decay = decay * np.exp(-np.tensordot(shares, mismatches, axes=1))
    correlation = (1.0 + scaled + scaled**2 / 3.0) * decay
    return correlation, -(5.0 / 6.0) * (1.0 + scaled) * decay, mismatches


class JointPosterior:
    """The negative log posterior of the logarithms of the hyperparameters.

    Args:
        levels: The levels.
        distances: Distances ``n x n``.
        points: ``n`` settings.
        targets: ``n`` targets.
        form: How the two covariances make one.
        known_noise: Noise variances ``n``, NaN where one is fitted; None where for all.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        distances: Mapping[LevelName, npt.NDArray[Any]],
        points: Points,
        targets: Array,
        form: JointForm,
        known_noise: Array | None = None,
    ) -> None:
        noise = np.full(len(targets), np.nan) if known_noise is None else known_noise
        self._inferred, self._noise = np.isnan(noise), np.nan_to_num(noise)
        self._levels, self._points, self._targets = levels, points, targets
        self._form = form
        self._tables = []
        for level in levels:
            values, at = np.unique(distances[level.name], return_inverse=True)
            self._tables.append((values.astype(np.float64), at.reshape(len(targets), -1)))
        self._squares = ((points.places[:, None, :] - points.places) ** 2).transpose(2, 0, 1)
        columns = points.places.shape[1] + points.categories.shape[1]
        median = _LENGTHSCALE * np.sqrt(max(1, points.places.shape[1]))
        lengthscales = [level.lengthscale for level in levels]
        extra = 0 if form == "product" else 1 if form == "sum" else 2
        self._medians = np.log(
            [*np.ones(len(levels)), *lengthscales, *[median] * columns, *[1.0] * extra, _NOISE]
        )
        self._spreads = np.array([*[_SPREAD] * (len(self._medians) - 1), _NOISE_SPREAD])

    def fitted(self) -> JointFit:
        """The most probable hyperparameters."""
        bounds = [
            (mean - _RANGE * spread, mean + _RANGE * spread)
            for mean, spread in zip(self._medians, self._spreads, strict=True)
        ]
        found = minimize(
            self.loss,
            self._medians,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 60, "ftol": 1e-6, "gtol": 1e-3},
        )
        return self._fit(found.x)

    def _fit(self, logs: Array) -> JointFit:
        values, n = np.exp(logs), len(self._levels)
        last = 2 * n + self._points.places.shape[1] + self._points.categories.shape[1]
        extra = values[last:-1]
        return JointFit(
            variances=values[:n],
            lengthscales=values[n : 2 * n],
            columns=values[2 * n : last],
            main=float(extra[0]) if len(extra) else 0.0,
            interplay=float(extra[1]) if len(extra) > 1 else 0.0,
            noise=float(values[-1]),
        )

    def loss(self, logs: Array) -> tuple[float, Array]:
        """The negative log posterior, up to a constant, and its gradient."""
        fit, n = self._fit(logs), len(self._targets)
        tables = [
            tuple(s * part for part in level.kernel(values, lengthscale))
            for level, (values, _), s, lengthscale in zip(
                self._levels, self._tables, fit.variances, fit.lengthscales, strict=True
            )
        ]
        cell = np.zeros((n, n))
        for (k, _), (_, at) in zip(tables, self._tables, strict=True):
            cell += k.take(at)
        own, by_square, mismatches = _settings(fit, self._points, self._points)
        if self._form == "product":
            covariance, by_cell, by_own = cell * own, own, cell
        else:
            by_cell, by_own = 1.0 + fit.interplay * own, fit.interplay * cell + fit.main
            covariance = cell * by_cell + fit.main * own
        noise = np.where(self._inferred, fit.noise, self._noise) + _JITTER
        covariance = covariance + np.diag(noise)
        factor = cholesky(covariance, lower=True, check_finite=False)
        inverse = cho_solve((factor, True), np.eye(n), check_finite=False)
        weights = inverse @ self._targets
        # The gradient by any parameter t is half of the sum over this times dK / dt.
        slope = inverse - np.outer(weights, weights)
        of_cell, of_own = slope * by_cell, slope * by_own
        by_variance, by_lengthscale = [], []
        for (k, dk), (values, at) in zip(tables, self._tables, strict=True):
            per_distance = np.bincount(at.ravel(), of_cell.ravel(), minlength=len(values))
            by_variance.append(per_distance @ k)
            by_lengthscale.append(per_distance @ dk)
        p = len(self._squares)
        by_column = np.tensordot(self._squares, of_own * by_square, axes=2) * (
            -2.0 / fit.columns[:p] ** 2
        )
        if len(mismatches):
            shares = 1.0 / (len(mismatches) * fit.columns[p:])
            by_choice = np.tensordot(mismatches, of_own * own, axes=2) * shares
            by_column = np.append(by_column, by_choice)
        extra = [
            fit.main * np.vdot(slope, own),
            fit.interplay * np.vdot(slope, cell * own),
        ][: len(logs) - len(by_column) - 2 * len(tables) - 1]
        by_noise = fit.noise * slope.diagonal()[self._inferred].sum()
        likelihood = 0.5 * self._targets @ weights + np.log(np.diag(factor)).sum()
        gradient = 0.5 * np.array(
            [
                *by_variance,
                *by_lengthscale,
                *by_column,
                *extra,
                by_noise,
            ]
        )
        deviations = (logs - self._medians) / self._spreads
        return float(likelihood + 0.5 * deviations @ deviations), gradient + (
            deviations / self._spreads
        )
