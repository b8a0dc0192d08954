"""Pareto fronts and their hypervolumes: points ``n x m``, of which less is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ax_anasod.typing import FloatArray, Mask

# How many median absolute deviations from the median an outlier is away.
_FENCE: Final = 3.0
# The reference point lies so many ranges of the front behind its worst values, as in BoTorch.
_MARGIN: Final = 0.1
_LEAST_RANGE: Final = 1e-7


def winsorized(values: FloatArray, within: float) -> tuple[FloatArray, float]:
    """Bring outliers of ``n`` values back to a fence: the median and three MAD to either side.

    A few cells that fail to train, or compute nothing in no time, would otherwise decide the
    scale of all others (MAD: the median absolute deviation from the median).

    Args:
        values: The values; where half or more are equal, they stay as they are.
        within: A value that stays inside of the fence, one MAD away from it; infinite for none.

    Returns:
        The values, and the upper fence.

    Example:
        >>> winsorized(np.array([1.0, 2.0, 3.0, 4.0, 90.0]), np.inf)
        (array([1., 2., 3., 4., 6.]), 6.0)
    """
    median = float(np.median(values))
    deviation = float(np.median(np.abs(values - median)))
    if not deviation:
        return values, math.inf
    lower, upper = median - _FENCE * deviation, median + _FENCE * deviation
    if math.isfinite(within):
        lower, upper = min(lower, within - deviation), max(upper, within + deviation)
    return np.clip(values, lower, upper), upper


def pareto_front(points: FloatArray) -> FloatArray:
    """The distinct ones of ``n x m`` points that no other beats, ``f x m``; less is better."""
    rest = np.unique(points, axis=0)
    kept = [rest[:0]]
    # In lexicographic order whatever beats a point stands before it.
    while len(rest):
        kept.append(rest[:1])
        rest = rest[(rest < rest[0]).any(axis=1)]
    return np.concatenate(kept)


def reference_point(
    points: FloatArray, thresholds: Sequence[float], fences: Sequence[float]
) -> FloatArray:
    """The reference point of the hypervolume of ``n x m`` points, ``m``.

    In each objective the threshold where one is given, else the worst value of the front plus a
    tenth of the front's range, as in BoTorch's ``infer_reference_point``, but no value beyond the
    fence: a failed but fast architecture can be on the front.

    Source: Ishibuchi, Akedo & Nojima 2011, "A many-objective test problem for visually examining
    diversity maintenance behavior in a decision space".

    Args:
        points: At least one point; less is better.
        thresholds: The worst values ``m`` that count, infinite where none is given.
        fences: The worst values ``m`` that are no outliers.
    """
    bounds = np.array(thresholds)
    within = points[(points <= bounds).all(axis=1)]
    front = pareto_front(within if len(within) else points)
    worst = front.max(axis=0)
    spread = worst - front.min(axis=0) if len(front) > 1 else np.abs(worst)
    inferred = worst + _MARGIN * np.maximum(spread, _LEAST_RANGE)
    return np.where(np.isfinite(bounds), bounds, np.minimum(inferred, fences))


def wide_reference(
    points: FloatArray, thresholds: Sequence[float], fences: Sequence[float]
) -> FloatArray:
    """The :func:`reference_point`, but not before the worst values that are no outliers.

    Where hyperparameters decide how good an architecture is, the first good ones beat all that was
    drawn: the front has one or two points, and a reference point a tenth of its range behind it
    leaves no room for a gain at its other end.
    """
    seen = np.minimum(points.max(axis=0), fences)
    bounds = np.array(thresholds)
    usual = reference_point(points, thresholds, fences)
    return np.where(np.isfinite(bounds), bounds, np.maximum(usual, seen))


def usual_reference(points: FloatArray, thresholds: Sequence[float]) -> FloatArray:
    """The :func:`reference_point` with the outlier fences of the points (:func:`winsorized`)."""
    fences = [winsorized(v, t)[1] for v, t in zip(points.T, thresholds, strict=True)]
    return reference_point(points, thresholds, fences)


def hypervolumes(points: FloatArray, reference: FloatArray) -> list[float]:
    """The hypervolumes of the first 1, 2, ... ``n`` of ``n x m`` points; less is better.

    Args:
        points: The points; infinite ones count nothing.
        reference: The reference point ``m``.

    Returns:
        ``n`` volumes, in the product of the units.
    """
    front = Front(points[:0], reference)
    volumes = []
    for point in points:
        if not front.hopeless(point[None])[0]:
            front = Front(np.vstack([front.points, point]), reference)
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


class Front:
    """A Pareto front before a reference point.

    Args:
        points: ``n x m`` values of what was evaluated; less is better.
        reference: The reference point ``m``: the worst values that count.

    Attributes:
        points: Those on the front, ``f x m``.
        reference: The reference point.
    """

    def __init__(self, points: FloatArray, reference: FloatArray) -> None:
        self.points = pareto_front(points[(points < reference).all(axis=1)])
        self.reference = reference
        self._lower, self._upper = nondominated_boxes(self.points, reference)

    @property
    def volume(self) -> float:
        """The volume that the front dominates, in the product of the units."""
        if not len(self.points):
            return 0.0
        ideal = self.points.min(axis=0)
        free = np.maximum(self._upper - np.maximum(self._lower, ideal), 0.0)
        return float(np.prod(self.reference - ideal) - np.prod(free, axis=1).sum())

    def hopeless(self, points: FloatArray) -> Mask:
        """Mask ``k`` of ``k x m`` points that would add nothing."""
        hopeless = np.asarray((points >= self.reference).any(axis=1))
        for point in self.points:
            hopeless |= (point <= points).all(axis=1)
        return hopeless
