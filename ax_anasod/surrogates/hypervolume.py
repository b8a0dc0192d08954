"""The expected growth of the hypervolume behind a Pareto front, exactly and in users' units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from scipy.special import log_ndtr, ndtr

FloatArray = npt.NDArray[np.float64]

Link = Literal["identity", "log", "negative_log"]

# Products of boxes and points in memory at a time.
_CHUNK: Final = 2_000_000
# A deviation of 0 would be divided by.
_SMALLEST: Final = 1e-12


@dataclass(frozen=True)
class Scale:
    r"""How the values of a quantity became targets of a model.

    A value is :math:`y = unit \cdot link(location + width \cdot target)`, where a larger target
    is a larger value.

    Args:
        link: ``"identity"``; ``"log"``: targets are logarithms, :math:`link(z) = e^z`; or
            ``"negative_log"``: values are negative, :math:`link(z) = -e^{-z}`.
        unit: Positive factor.
        location: What was subtracted from the linked values.
        width: What they were divided by.
    """

    link: Link
    unit: float
    location: float
    width: float

    def targets(self, values: FloatArray) -> FloatArray:
        """Values as targets; infinite where the link has no such value."""
        scaled = values / self.unit
        with np.errstate(divide="ignore"):
            if self.link == "log":
                scaled = np.log(np.maximum(scaled, 0.0))
            elif self.link == "negative_log":
                scaled = -np.log(np.maximum(-scaled, 0.0))
        return (scaled - self.location) / self.width

    def values(self, targets: FloatArray) -> FloatArray:
        """Targets as values."""
        linked = self.location + self.width * targets
        if self.link == "log":
            linked = np.exp(linked)
        elif self.link == "negative_log":
            linked = -np.exp(-linked)
        return self.unit * linked

    def percent(self, target: float) -> float:
        """How many percent of the value of a target a difference of one target is."""
        if self.link != "identity":
            return 100.0 * self.width
        return 100.0 * self.width * self.unit / (abs(self.values(np.array(target)).item()) or 1.0)


@dataclass(frozen=True)
class Belief:
    """What a model believes of one quantity of ``m`` candidates, each by itself.

    Args:
        mean: Means of the targets ``m``.
        deviation: Standard deviations of the targets ``m``; 0 for what is known.
        scale: What the targets are in the user's units.
    """

    mean: FloatArray
    deviation: FloatArray
    scale: Scale

    def __getitem__(self, rows: npt.NDArray[np.intp] | slice) -> Belief:
        """Of some of the candidates."""
        return Belief(self.mean[rows], self.deviation[rows], self.scale)

    def lucky(self, deviations: float) -> FloatArray:
        """The values ``m`` that lie so many standard deviations below the means."""
        return self.scale.values(self.mean - deviations * self.deviation)

    def log_probability_below(self, bound: float) -> FloatArray:
        """Logarithms ``m`` of the probabilities that a value is at most a bound."""
        target = self.scale.targets(np.array([bound]))[0]
        certain = np.where(self.mean <= target, 0.0, -math.inf)
        uncertain = self.deviation > 0
        deviation = np.where(uncertain, self.deviation, 1.0)
        return np.where(uncertain, log_ndtr((target - self.mean) / deviation), certain)

    def expected_gap(self, bounds: FloatArray) -> FloatArray:
        r"""How far values are expected below bounds: :math:`E[\max(b - y, 0)]`.

        In closed form, as for the price of an option (Black & Scholes 1973) where the targets
        are logarithms: the integral of :math:`P(y \le t)` up to the bound.

        Args:
            bounds: ``b`` bounds; minus infinity gives 0.

        Returns:
            Expected gaps ``m x b``.
        """
        scale = self.scale
        mean = (scale.location + scale.width * self.mean)[:, None]
        s = np.maximum(scale.width * self.deviation, _SMALLEST)[:, None]
        finite = np.isfinite(bounds)
        b = np.where(finite, bounds, 0.0) / scale.unit
        if scale.link == "identity":
            u = (b - mean) / s
            gaps = s * (u * ndtr(u) + np.exp(-0.5 * u**2) / math.sqrt(2.0 * math.pi))
        else:
            size = np.maximum(np.abs(b), np.finfo(np.float64).tiny)
            if scale.link == "log":
                d = (np.log(size) - mean) / s
                gaps = np.where(b > 0, b * ndtr(d) - np.exp(mean + 0.5 * s**2) * ndtr(d - s), 0.0)
            else:
                expected = np.exp(0.5 * s**2 - mean)
                d = (-mean - np.log(size)) / s
                gaps = np.where(b < 0, expected * ndtr(d + s) + b * ndtr(d), expected + b)
        return np.where(finite, scale.unit * np.maximum(gaps, 0.0), 0.0)


def pareto_front(points: FloatArray) -> FloatArray:
    """The distinct ones of ``n x m`` points that no other beats, ``f x m``; less is better."""
    points = np.unique(points, axis=0)
    kept = np.empty((0, points.shape[1]))
    # In lexicographic order whatever beats a point stands before it.
    for point in points:
        if not (kept <= point).all(axis=1).any():
            kept = np.concatenate([kept, point[None]])
    return kept


def reference_point(
    points: FloatArray, thresholds: Sequence[float], fences: Sequence[float]
) -> FloatArray:
    """Before which point the hypervolume of ``n x m`` points is measured, ``m``.

    In each objective the threshold where one is given, else the worst value of the front plus a
    tenth of the front's range
    (:func:`botorch.utils.multi_objective.hypervolume.infer_reference_point`), but no value beyond
    the fence: what fails, and is fast, is on the front.

    Args:
        points: At least one point; less is better.
        thresholds: The worst values ``m`` that count, infinite where none is given.
        fences: The worst values ``m`` that are no outliers.
    """
    bounds = np.array(thresholds)
    within = points[(points <= bounds).all(axis=1)]
    front = pareto_front(within if len(within) else points)
    inferred = -infer_reference_point(-torch.from_numpy(front)).numpy()
    return np.where(np.isfinite(bounds), bounds, np.minimum(inferred, fences))


def hypervolumes(points: FloatArray, reference: FloatArray) -> list[float]:
    """The hypervolumes of the first 1, 2, ... ``n`` of ``n x m`` points; less is better.

    Args:
        points: The points; infinite ones count nothing.
        reference: The reference point ``m``.

    Returns:
        ``n`` volumes, in the product of the units.
    """
    front = ExpectedHypervolumeImprovement(points[:0], reference)
    volumes = []
    for point in points:
        if not front.hopeless(point[None])[0]:
            front = ExpectedHypervolumeImprovement(np.vstack([front.front, point]), reference)
        volumes.append(front.volume)
    return volumes


def nondominated_boxes(front: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Disjoint boxes that fill what lies before a reference point and behind no front point.

    The last objective is swept from the best value to the reference; a box of the others
    that stays the same between two values is one box. With two objectives there is one box
    more than points, with three at most two more than twice as many.

    Args:
        front: ``f x m`` points, none of which need be better than the reference; less is better.
        reference: The reference point ``m``.

    Returns:
        Lower corners ``b x m`` (minus infinity where a box is unbounded) and upper corners.
    """
    inside = front[(front < reference).all(axis=1)]
    boxes = _boxes(inside, tuple(reference.tolist()))
    corners = np.array(boxes, dtype=np.float64).reshape(len(boxes), 2, len(reference))
    return corners[:, 0], corners[:, 1]


_Box = tuple[tuple[float, ...], tuple[float, ...]]


def _boxes(points: FloatArray, reference: tuple[float, ...]) -> list[_Box]:
    if len(reference) == 1:
        return [((-math.inf,), (min([reference[0], *points[:, 0].tolist()]),))]
    done: list[_Box] = []
    open_since: dict[_Box, float] = dict.fromkeys(
        _boxes(points[:0, :-1], reference[:-1]), -math.inf
    )
    active = points[:0, :-1]
    for value in [*np.unique(points[:, -1]).tolist(), reference[-1]]:
        if value < reference[-1]:
            active = pareto_front(np.concatenate([active, points[points[:, -1] == value, :-1]]))
            present = _boxes(active, reference[:-1])
        else:
            present = []
        kept = set(present)
        for (lower, upper), since in open_since.items():
            if (lower, upper) not in kept:
                done.append(((*lower, since), (*upper, value)))
        open_since = {box: open_since.get(box, value) for box in present}
    return done


class ExpectedHypervolumeImprovement:
    """How much the volume between a front and a reference point is expected to grow.

    The volume is that of the users' units, whatever scale the models have: over each box that
    no front point dominates the expected gaps to its two ends are subtracted, and multiplied
    over the objectives, whose models are independent. This is exact.

    Source: Emmerich, Yang, Deutz, Wang & Fonseca 2016, "A multicriteria generalization of
    Bayesian global optimization"; Yang, Emmerich, Deutz & Baeck 2019, "Efficient computation
    of expected hypervolume improvement using box decomposition algorithms".

    Args:
        points: ``n x m`` values of what was evaluated, in the users' units; less is better.
        reference: The reference point ``m``: the worst values that count.
    """

    def __init__(self, points: FloatArray, reference: FloatArray) -> None:
        self.front = pareto_front(points[(points < reference).all(axis=1)])
        self.reference = reference
        self._lower, self._upper = nondominated_boxes(self.front, reference)

    @property
    def volume(self) -> float:
        """The volume that the front dominates now, in the product of the units."""
        if not len(self.front):
            return 0.0
        ideal = self.front.min(axis=0)
        free = np.maximum(self._upper - np.maximum(self._lower, ideal), 0.0)
        return float(np.prod(self.reference - ideal) - np.prod(free, axis=1).sum())

    def hopeless(self, points: FloatArray) -> npt.NDArray[np.bool_]:
        """Which of ``k x m`` points would add nothing, ``k``."""
        hopeless = np.asarray((points >= self.reference).any(axis=1))
        for point in self.front:
            hopeless |= (point <= points).all(axis=1)
        return hopeless

    def __call__(self, beliefs: Sequence[Belief]) -> FloatArray:
        """The expected growth.

        Args:
            beliefs: Those of each of ``m`` objectives, of the same ``k`` candidates.

        Returns:
            ``k`` volumes, in the product of the units.
        """
        k = len(beliefs[0].mean)
        total = np.zeros(k)
        step = max(1, _CHUNK // len(self._lower))
        for start in range(0, k, step):
            rows = slice(start, start + step)
            volumes: FloatArray | None = None
            for column, belief in enumerate(beliefs):
                corners = [self._lower[:, column], self._upper[:, column]]
                ends, at = np.unique(corners, return_inverse=True)
                at = at.reshape(2, len(self._lower))
                gaps = belief[rows].expected_gap(ends)
                sides = np.maximum(gaps[:, at[1]] - gaps[:, at[0]], 0.0)
                volumes = sides if volumes is None else np.multiply(volumes, sides, out=volumes)
            assert volumes is not None  # there is an objective
            total[rows] = volumes.sum(axis=1)
        return total
