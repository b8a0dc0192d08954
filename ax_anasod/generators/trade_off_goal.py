"""The acquisition values of two-level-bo, for fronts and under limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

import numpy as np

from ax_anasod.core import History, KnownMetric
from ax_anasod.fronts import reference_point, winsorized
from ax_anasod.generators.targets import half_ranked, has_logarithm, linked, standardized
from ax_anasod.surrogates import log_expected_improvement
from ax_anasod.surrogates.hypervolume import Belief, ExpectedHypervolumeImprovement, Scale
from ax_anasod.typing import Codes, FloatArray, Mask, Values

# A candidate is hopeless if values this many standard deviations better improve nothing.
_LUCK: Final = 3.0
# Log acquisition value of candidates that improve nothing; it is -inf if they are not allowed.
_NOTHING: Final = -1e6
# Step of the central differences, in standard deviations of a belief.
_STEP: Final = 1e-3


class ObjectiveModel(Protocol):
    """A model of one quantity, fitted to the ended and pending rows."""

    @property
    def targets(self) -> Values:
        """The targets of these rows, believed ones where they are pending."""
        ...

    @property
    def shares(self) -> list[float]:
        """The share of each feature in its prior variance."""
        ...


Reference: TypeAlias = Callable[[FloatArray, Sequence[float], Sequence[float]], FloatArray]

_S = TypeVar("_S", bound=ObjectiveModel)


class Goal(Generic[_S]):
    """The log expected growth of what is found, times the probability that limits are kept.

    It needs only the predictions of the models of the objectives and limits, so that a candidate
    can be an architecture, or an architecture with hyperparameters.

    With several objectives, the growth is that of the hypervolume before the reference point, in
    the users' units; with one, it is the improvement on the best value that keeps the limits.
    Before any trial keeps all of them, only the probability counts. Known quantities have no
    model: their values are certain, and a candidate that breaks a limit on one of them is never
    proposed (minus infinity).

    The reference point is that of :func:`ax_anasod.fronts.reference_point` or
    :func:`ax_anasod.fronts.wide_reference`, with the outlier fences of the modelled quantities
    (:func:`ax_anasod.fronts.winsorized`): otherwise a fast cell that fails to train would make the
    search look for others like it.

    Args:
        history: The run so far, with observed rows.
        log_targets: Whether logarithms are modelled where values have them.
        fit: Fits a model to targets with mean 0 and variance 1 of the rows that have ended, and
            NaN of those that are pending.
        reference: Gives the reference point of a front from points, thresholds and fences.

    Attributes:
        models: The model of each modelled quantity by its number; objectives are counted first,
            then limits.
    """

    def __init__(
        self,
        history: History,
        log_targets: bool,
        fit: Callable[[Values], _S],
        reference: Reference = reference_point,
    ) -> None:
        self._history, self._reference = history, reference
        rows = history.ended_then_pending
        codes, pending = history.rows[rows], np.full(int(history.pending.sum()), np.nan)

        def quantity(
            metric: str, sign: float, column: Values, bound: float | None
        ) -> _Known | _Modelled[_S]:
            if metric in history.known:
                return _Known(history.known[metric], sign, codes)
            values = np.append(history.imputed(column)[1], pending)
            return _Modelled(fit, values, log_targets, bound)

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
        self._quantities = [*self._objectives, *self._limits]
        self.models: dict[int, _S] = {
            i: quantity.model
            for i, quantity in enumerate(self._quantities)
            if isinstance(quantity, _Modelled)
        }
        self._set_goal(usable, feasible)

    def _set_goal(self, usable: Mask, feasible: Mask) -> None:
        """Set the values to improve on, from masks of the rows that count and that keep limits."""
        points = np.stack([quantity.believed for quantity in self._objectives], axis=1)
        self._ranks = _ranks(points, feasible)
        found = feasible.any()
        modelled = any(isinstance(limit, _Modelled) for limit in self._limits)
        self._only_feasibility = modelled and not found
        # As long as no row keeps the limits, the worst value seen is to be improved on.
        kept = feasible if found else usable
        self._front: ExpectedHypervolumeImprovement | None = None
        if len(self._objectives) > 1:
            fences = [quantity.fence for quantity in self._objectives]
            reference = self._reference(points[kept], self._history.thresholds, fences)
            self._front = ExpectedHypervolumeImprovement(points[feasible], reference)
        targets = self._objectives[0].targets[kept]
        self._best = float(targets.min() if found else targets.max())

    @property
    def believed(self) -> Values:
        """The rank of each row: the best front first, rows that break limits last."""
        return self._ranks

    @property
    def percent(self) -> float:
        """A growth by 1, in percent of the best value or of the front's volume."""
        if self._front is not None:
            return 100.0 / (self._front.volume or math.inf)
        return self._objectives[0].scale.percent(self._best)

    @property
    def shares(self) -> list[float]:
        """The share of each feature in the prior variance, on average over the models."""
        shares = [model.shares for model in self.models.values()]
        return list(np.mean(shares, axis=0).tolist()) if shares else []

    def beliefs(
        self,
        codes: Codes,
        told: Mapping[int, tuple[Values, Values]],
    ) -> list[Belief]:
        """The belief about each quantity of ``m`` candidates.

        Args:
            codes: Their codes ``m x d``.
            told: The mean ``m`` and standard deviation ``m`` that each of :attr:`models` predicts.
        """
        return [
            quantity.belief(codes)
            if isinstance(quantity, _Known)
            else Belief(*told[i], quantity.scale)
            for i, quantity in enumerate(self._quantities)
        ]

    def promise(self, beliefs: Sequence[Belief]) -> FloatArray:
        """Log acquisition values ``m`` of candidates that break no limit on a known quantity."""
        objectives = beliefs[: len(self._objectives)]
        limits = beliefs[len(self._objectives) :]
        only = self._only_feasibility
        values = np.zeros(len(beliefs[0].mean)) if only else self._growth(objectives)
        for limit, belief in zip(self._history.limits, limits, strict=True):
            values = values + belief.log_probability_below(limit.bound)
        # If no candidate is expected to improve anything, prefer the most uncertain one.
        doubt = sum(belief.deviation for belief in beliefs)
        return np.where(values > _NOTHING, values, _NOTHING + doubt)

    def slopes(self, beliefs: Sequence[Belief]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values of :meth:`promise`, and how they change with the beliefs, by central differences.

        Returns:
            Values ``m``; their derivatives by the mean, and by the deviation, of each of ``q``
            quantities, ``q x m``.
        """
        q = len(beliefs)
        moves = _STEP * np.concatenate([np.zeros((1, 2 * q)), np.eye(2 * q), -np.eye(2 * q)])
        moved = [
            Belief(
                (b.mean + moves[:, i, None] * b.deviation).ravel(),
                (b.deviation * (1.0 + moves[:, q + i, None])).ravel(),
                b.scale,
            )
            for i, b in enumerate(beliefs)
        ]
        values = self.promise(moved).reshape(len(moves), -1)
        # Known quantities have deviation 0; their slopes are never used.
        deviations = np.stack([np.where(b.deviation > 0, b.deviation, math.inf) for b in beliefs])
        slopes = (values[1 : 1 + 2 * q] - values[1 + 2 * q :]) / (2.0 * _STEP)
        return values[0], slopes[:q] / deviations, slopes[q:] / deviations

    def _growth(self, beliefs: Sequence[Belief]) -> FloatArray:
        """Log expected growth of what is found, ``m``."""
        if self._front is None:
            return log_expected_improvement(beliefs[0].mean, beliefs[0].deviation, self._best)
        lucky = np.stack([belief.lucky(_LUCK) for belief in beliefs], axis=1)
        rows = np.flatnonzero(~self._front.hopeless(lucky))
        values = np.full(len(lucky), -math.inf)
        with np.errstate(divide="ignore"):
            values[rows] = np.log(self._front([belief[rows] for belief in beliefs]))
        return values


def _ranks(points: FloatArray, feasible: Mask) -> FloatArray:
    """The number of feasible points that beat each of ``n x m``; infeasible ones come last."""
    no_worse = (points[None, feasible] <= points[:, None]).all(axis=2)
    better = (points[None, feasible] < points[:, None]).any(axis=2)
    beaten = (no_worse & better).sum(axis=1, dtype=np.float64)
    ranks: FloatArray = np.where(feasible, beaten, beaten + len(points))
    return ranks


_AS_IT_IS: Final = Scale("identity", 1.0, 0.0, 1.0)


@dataclass(frozen=True)
class _Known:
    """An objective or limited quantity that is computed."""

    metric: KnownMetric
    sign: float
    codes: Codes
    scale: Scale = _AS_IT_IS
    fence: float = math.inf

    @property
    def believed(self) -> Values:
        """The values of the ``n`` ended and pending rows, with the sign."""
        return self.sign * self.metric.checked_values(self.codes)

    targets = believed

    def belief(self, codes: Codes) -> Belief:
        """The exact belief about ``m`` architectures, with deviation 0."""
        values = self.sign * self.metric.checked_values(codes)
        return Belief(values, np.zeros(len(values)), self.scale)


class _Modelled(Generic[_S]):
    """An objective or limited quantity that has a model.

    Args:
        fit: Fits the model.
        values: Values of the ended and pending rows with the sign; NaN where pending.
        log_targets: Whether logarithms are modelled.
        bound: A value that the model must tell from better and worse ones, infinite if there is
            none; None for an only objective, of which only the better values matter.
    """

    def __init__(
        self,
        fit: Callable[[Values], _S],
        values: Values,
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
        self.model = fit(targets)
        self.targets = self.model.targets
        self.believed = np.where(pending, self.scale.values(self.targets), values)
