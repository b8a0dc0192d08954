"""The hyperparameters of the joint Gaussian process, and how they are fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.linalg import cho_solve, cholesky

from ax_anasod.surrogates.level_fit import JITTER, NOISE, most_probable, prior_spreads
from ax_anasod.surrogates.levels import Level, LevelName
from ax_anasod.typing import AnyArray, FloatArray, Positions

JointForm = Literal["product", "sum", "both"]
"""The form that joins the covariance of the cell and that of its hyperparameters."""

# In units of the range of a parameter, for one of them; more need longer ones.
_LENGTHSCALE: Final = 0.5


@dataclass(frozen=True)
class Points:
    """Settings as the kernel sees them.

    Args:
        places: Ranges and ordered choices, ``n x p``, between 0 and 1.
        categories: The values of unordered choices, ``n x c``.
    """

    places: FloatArray
    categories: FloatArray

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: Positions) -> Points:
        """The points of some of the settings."""
        return Points(self.places[rows], self.categories[rows])


@dataclass(frozen=True)
class JointFit:
    """Hyperparameters of the model: of levels, features, columns of a setting, and the sum."""

    variances: FloatArray
    lengthscales: FloatArray
    slopes: FloatArray
    columns: FloatArray
    main: float
    interplay: float
    noise: float


def settings_kernel(
    fit: JointFit, points: Points, others: Points
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The correlation of settings ``m x n``, and two derivatives of it.

    Args:
        fit: The hyperparameters.
        points: ``m`` settings.
        others: ``n`` settings.

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
        products: Inner products ``n x n`` of each feature.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        distances: Mapping[LevelName, AnyArray],
        points: Points,
        targets: FloatArray,
        form: JointForm,
        known_noise: FloatArray | None = None,
        products: Sequence[FloatArray] = (),
    ) -> None:
        noise = np.full(len(targets), np.nan) if known_noise is None else known_noise
        self._inferred, self._noise = np.isnan(noise), np.nan_to_num(noise)
        self._levels, self._points, self._targets = levels, points, targets
        self._form, self._products = form, products
        self._tables = []
        for level in levels:
            values, at = np.unique(distances[level.name], return_inverse=True)
            self._tables.append((values.astype(np.float64), at.reshape(len(targets), -1)))
        self._squares = ((points.places[:, None, :] - points.places) ** 2).transpose(2, 0, 1)
        columns = points.places.shape[1] + points.categories.shape[1]
        median = _LENGTHSCALE * np.sqrt(max(1, points.places.shape[1]))
        lengthscales = [level.lengthscale for level in levels]
        extra = 0 if form == "product" else 1 if form == "sum" else 2
        slopes = np.ones(len(products))
        own = [*np.ones(len(levels)), *lengthscales, *slopes]
        self._medians = np.log([*own, *[median] * columns, *[1.0] * extra, NOISE])
        self._spreads = prior_spreads(len(self._medians))

    def fitted(self) -> JointFit:
        """The most probable hyperparameters."""
        return self._fit(most_probable(self.loss, self._medians, self._spreads))

    def _fit(self, logs: FloatArray) -> JointFit:
        values, n = np.exp(logs), len(self._levels)
        first = 2 * n + len(self._products)
        last = first + self._points.places.shape[1] + self._points.categories.shape[1]
        extra = values[last:-1]
        return JointFit(
            variances=values[:n],
            lengthscales=values[n : 2 * n],
            slopes=values[2 * n : first],
            columns=values[first:last],
            main=float(extra[0]) if len(extra) else 0.0,
            interplay=float(extra[1]) if len(extra) > 1 else 0.0,
            noise=float(values[-1]),
        )

    def loss(self, logs: FloatArray) -> tuple[float, FloatArray]:
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
        for product, s in zip(self._products, fit.slopes, strict=True):
            cell += s * product
        own, by_square, mismatches = settings_kernel(fit, self._points, self._points)
        if self._form == "product":
            covariance, by_cell, by_own = cell * own, own, cell
        else:
            by_cell, by_own = 1.0 + fit.interplay * own, fit.interplay * cell + fit.main
            covariance = cell * by_cell + fit.main * own
        noise = np.where(self._inferred, fit.noise, self._noise) + JITTER
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
        by_slope = [
            s * np.vdot(of_cell, product)
            for product, s in zip(self._products, fit.slopes, strict=True)
        ]
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
        ][: len(logs) - len(by_column) - len(by_slope) - 2 * len(tables) - 1]
        by_noise = fit.noise * slope.diagonal()[self._inferred].sum()
        likelihood = 0.5 * self._targets @ weights + np.log(np.diag(factor)).sum()
        gradient = 0.5 * np.array(
            [
                *by_variance,
                *by_lengthscale,
                *by_slope,
                *by_column,
                *extra,
                by_noise,
            ]
        )
        deviations = (logs - self._medians) / self._spreads
        return float(likelihood + 0.5 * deviations @ deviations), gradient + (
            deviations / self._spreads
        )
