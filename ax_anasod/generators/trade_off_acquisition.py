"""The acquisition function of two-level-bo for fronts and under limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ax_anasod.cells import Cell
from ax_anasod.core.history import History
from ax_anasod.core.known import KnownMetric
from ax_anasod.fronts import reference_point, winsorized
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.generators.targets import (
    half_ranked,
    has_logarithm,
    linked,
    standardized,
)
from ax_anasod.surrogates import Level, LevelFeatures, TwoLevelGP, log_expected_improvement
from ax_anasod.surrogates.hypervolume import (
    Belief,
    ExpectedHypervolumeImprovement,
    Scale,
)
from ax_anasod.surrogates.levels import Distances

# Architectures compared with all observed ones at a time: bounds the memory.
_CHUNK: Final = 4096
# What improves nothing even with values so many standard deviations better than predicted.
_LUCK: Final = 3.0
# Log acquisition value of what promises nothing, above that of what is not allowed.
_NOTHING: Final = -1e6


class TradeOff:
    """The log expected growth of what is found, times the probability that limits are kept.

    With several objectives what grows is the hypervolume before the reference point, in the
    users' units; with one it is the improvement on the best value that keeps the limits.
    Before anything keeps all of them, the probability alone is what counts. Known quantities
    have no model: their values are certain, and what breaks a limit on one of them is never
    proposed (minus infinity).

    The reference point is that of :func:`ax_anasod.fronts.reference_point`,
    with the outlier fences of what is modelled (:func:`ax_anasod.fronts.winsorized`):
    a cell that fails to train, and is fast, would let the search look for others like it.

    Args:
        cell: The cell.
        levels: The levels of the surrogates.
        history: The run so far, with observed rows.
        log_targets: Whether logarithms are modelled where values have them.
        known: The features of the surrogates.
    """

    def __init__(
        self,
        cell: Cell,
        levels: Sequence[Level],
        history: History,
        log_targets: bool,
        known: KnownFeatures,
    ) -> None:
        self._history, self._known = history, known
        self._names = [level.name for level in levels]
        ended, pending = np.flatnonzero(history.ended), np.flatnonzero(history.pending)
        rows = np.concatenate([ended, pending])
        self.codes = history.rows[rows]
        self._observed = LevelFeatures(cell, self.codes)
        distances = self._observed.distances(self._observed, self._names)
        features = known(self.codes)

        def quantity(
            metric: str, sign: float, column: npt.NDArray[np.float64], bound: float | None
        ) -> _Quantity:
            if metric in history.known:
                return _Known(history.known[metric], sign, self.codes)
            values = np.append(history.imputed(column)[1], np.full(len(pending), np.nan))
            return _Modelled(levels, distances, features, values, log_targets, bound)

        alone = len(history.objectives) == 1
        bounds = zip(history.objectives, history.values.T, history.thresholds, strict=True)
        self._objectives = [
            quantity(metric, sign, column, None if alone else bound)
            for (metric, sign), column, bound in bounds
        ]
        self._limits = [
            quantity(limit.name, limit.sign, column, limit.bound)
            for limit, column in zip(history.limits, history.limit_values, strict=True)
        ]
        usable = ~history.failed[rows]
        feasible = usable.copy()
        for limit, limited in zip(history.limits, self._limits, strict=True):
            feasible &= limited.believed <= limit.bound
        self._set_goal(usable, feasible)

    def _set_goal(self, usable: npt.NDArray[np.bool_], feasible: npt.NDArray[np.bool_]) -> None:
        """What is to be improved on, from which of ``codes`` count and keep the limits."""
        points = np.stack([quantity.believed for quantity in self._objectives], axis=1)
        self._ranks = _ranks(points, feasible)
        found = feasible.any()
        modelled = any(isinstance(limit, _Modelled) for limit in self._limits)
        self._only_feasibility = modelled and not found
        # Without a start, what is better than the worst that was seen is better.
        kept = feasible if found else usable
        self._front: ExpectedHypervolumeImprovement | None = None
        if len(self._objectives) > 1:
            fences = [quantity.fence for quantity in self._objectives]
            reference = reference_point(points[kept], self._history.thresholds, fences)
            self._front = ExpectedHypervolumeImprovement(points[feasible], reference)
        targets = self._objectives[0].targets[kept]
        self._best = float(targets.min() if found else targets.max())

    @property
    def believed(self) -> npt.NDArray[np.float64]:
        """A rank of each of ``codes``: the best front first, what breaks limits last."""
        return self._ranks

    @property
    def percent(self) -> float:
        """How many percent of the best value, or of the front's volume, a growth by 1 is."""
        if self._front is not None:
            return 100.0 / (self._front.volume or math.inf)
        return self._objectives[0].scale.percent(self._best)

    @property
    def shares(self) -> list[float]:
        """The share of each feature in the prior variance, on average over the models."""
        models = [q for q in (*self._objectives, *self._limits) if isinstance(q, _Modelled)]
        shares = [model.shares for model in models]
        return list(np.mean(shares, axis=0).tolist()) if shares else []

    def __call__(self, features: LevelFeatures) -> npt.NDArray[np.float64]:
        """Log acquisition values of ``m`` architectures, ``m``; -inf where not allowed."""
        values = np.full(len(features), -math.inf)
        allowed = np.flatnonzero(self._history.allowed(features.codes))
        for start in range(0, len(allowed), _CHUNK):
            rows = allowed[start : start + _CHUNK]
            values[rows] = self._promise(features[rows])
        return values

    def _promise(self, features: LevelFeatures) -> npt.NDArray[np.float64]:
        """Log acquisition values of ``m`` allowed architectures, ``m``."""
        distances = features.distances(self._observed, self._names)
        known = self._known(features.codes)
        objectives = [q.belief(features.codes, distances, known) for q in self._objectives]
        limits = [q.belief(features.codes, distances, known) for q in self._limits]
        values = np.zeros(len(features)) if self._only_feasibility else self._growth(objectives)
        for limit, belief in zip(self._history.limits, limits, strict=True):
            values = values + belief.log_probability_below(limit.bound)
        # Where nothing is promised, what is known least is tried.
        doubt = sum(belief.deviation for belief in (*objectives, *limits))
        return np.where(values > _NOTHING, values, _NOTHING + doubt)

    def _growth(self, beliefs: list[Belief]) -> npt.NDArray[np.float64]:
        """Log expected growth of what is found, ``m``."""
        if self._front is None:
            return log_expected_improvement(beliefs[0].mean, beliefs[0].deviation, self._best)
        lucky = np.stack([belief.lucky(_LUCK) for belief in beliefs], axis=1)
        rows = np.flatnonzero(~self._front.hopeless(lucky))
        values = np.full(len(lucky), -math.inf)
        with np.errstate(divide="ignore"):
            values[rows] = np.log(self._front([belief[rows] for belief in beliefs]))
        return values


def _ranks(
    points: npt.NDArray[np.float64], feasible: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """By how many feasible ones each of ``n x m`` points is beaten, infeasible ones last."""
    no_worse = (points[None, feasible] <= points[:, None]).all(axis=2)
    better = (points[None, feasible] < points[:, None]).any(axis=2)
    beaten = (no_worse & better).sum(axis=1, dtype=np.float64)
    ranks: npt.NDArray[np.float64] = np.where(feasible, beaten, beaten + len(points))
    return ranks


_AS_IT_IS: Final = Scale("identity", 1.0, 0.0, 1.0)


@dataclass(frozen=True)
class _Known:
    """An objective, or what a limit is on, that is computed."""

    metric: KnownMetric
    sign: float
    codes: npt.NDArray[np.int64]
    scale: Scale = _AS_IT_IS
    fence: float = math.inf

    @property
    def believed(self) -> npt.NDArray[np.float64]:
        """The values of the ``n`` ended and pending rows, with the sign."""
        return self.sign * self.metric.checked_values(self.codes)

    targets = believed

    def belief(
        self,
        codes: npt.NDArray[np.int64],
        distances: Distances,
        features: Sequence[npt.NDArray[np.float64]],
    ) -> Belief:
        """Of ``m`` architectures."""
        values = self.sign * self.metric.checked_values(codes)
        return Belief(values, np.zeros(len(values)), self.scale)


class _Modelled:
    """An objective, or what a limit is on, that has a model.

    Args:
        levels: The levels of the surrogate.
        distances: Those of the ended and pending rows from each other.
        features: The features of these rows.
        values: Values of these rows with the sign; NaN where pending.
        log_targets: Whether logarithms are modelled.
        bound: A value that must be told from better and worse ones, infinite where there is
            none; None for an only objective, whose better values are all that matters.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        distances: Distances,
        features: Sequence[npt.NDArray[np.float64]],
        values: npt.NDArray[np.float64],
        log_targets: bool,
        bound: float | None,
    ) -> None:
        pending = np.isnan(values)
        known = values[~pending]
        if bound is not None and np.isfinite(bound):
            log_targets = log_targets and bool(
                has_logarithm(np.append(known, bound) * np.sign(bound))
            )
        modelled, link, unit = linked(known, log_targets)
        natural = Scale(link, unit, 0.0, 1.0)
        if bound is None:
            modelled, self.fence = half_ranked(modelled), math.inf
        else:
            modelled, fence = winsorized(modelled, natural.targets(np.array(bound)).item())
            self.fence = natural.values(np.array(fence)).item()
        targets = np.full(len(values), np.nan)
        targets[~pending], width = standardized(modelled)
        self.scale = Scale(link, unit, float(modelled.mean()), width)
        self._model = TwoLevelGP(levels, distances, targets, features)
        self.targets = self._model.targets
        self.believed = np.where(pending, self.scale.values(self.targets), values)

    @property
    def shares(self) -> list[float]:
        """The share of each feature in the prior variance."""
        return self._model.shares

    def belief(
        self,
        codes: npt.NDArray[np.int64],
        distances: Distances,
        features: Sequence[npt.NDArray[np.float64]],
    ) -> Belief:
        """Of ``m`` architectures, by their distances ``m x n`` from the rows, and features."""
        mean, deviation = self._model.predict(distances, features)
        return Belief(mean, deviation, self.scale)


_Quantity = _Known | _Modelled
