"""What a benchmark that lies in memory knows of all its architectures, under limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from ax_anasod.objectives import Limit, Objective
from ax_anasod.typing import FloatArray


class Answers(Protocol):
    """The part of a benchmark, or of a task that trains, that knows all architectures."""

    def optimum(self, objective: str) -> float | None:
        """The best value of an objective, None where unknown."""
        ...

    def all_values(self) -> Mapping[str, FloatArray] | None:
        """Name -> the values of all architectures, None where they are not at hand."""
        ...


def all_points(
    benchmark: Answers, objectives: Sequence[Objective], limits: Sequence[Limit] = ()
) -> FloatArray | None:
    """The values of all architectures that have them and keep limits.

    Args:
        benchmark: The benchmark.
        objectives: ``m`` of its quantities.
        limits: What its quantities may be.

    Returns:
        ``n x m`` values, with the sign that makes less better; None where the benchmark does not
        have them at hand.
    """
    values = benchmark.all_values()
    if values is None:
        return None
    points = np.stack([o.sign * values[o.name] for o in objectives], axis=1)
    kept = np.isfinite(points).all(axis=1)
    for limit in limits:
        kept &= limit.sign * values[limit.name] <= limit.bound
    return points[kept]


def best_value(
    benchmark: Answers, objective: Objective, limits: Sequence[Limit] = ()
) -> float | None:
    """The best value of an objective under limits; None where nobody knows it, or can keep them.

    Raises:
        UnknownNameError: The benchmark has no such quantity.
    """
    best = benchmark.optimum(objective.name)
    if best is None or not limits:
        return best
    points = all_points(benchmark, [objective], limits)
    return None if points is None or not len(points) else objective.sign * float(points.min())
