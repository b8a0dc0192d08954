"""The best values of a benchmark in memory over all its architectures, under limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from ax_anasod.exceptions import OptionError
from ax_anasod.objectives import Limit, Objective
from ax_anasod.typing import FloatArray


class KnowsAllValues(Protocol):
    """The part of a benchmark, or of a task that trains, that knows all architectures."""

    def optimum(self, objective: str) -> float | None:
        """The best value of an objective, None where unknown."""
        ...

    def all_values(self) -> Mapping[str, FloatArray] | None:
        """Name -> the values of all architectures, None where they are not at hand."""
        ...


def all_points(
    benchmark: KnowsAllValues, objectives: Sequence[Objective], limits: Sequence[Limit] = ()
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
    benchmark: KnowsAllValues, objective: Objective, limits: Sequence[Limit] = ()
) -> float | None:
    """The best value of an objective under limits; None if unknown, or none keeps the limits.

    Raises:
        UnknownNameError: The benchmark has no such quantity.
    """
    best = benchmark.optimum(objective.name)
    if best is None or not limits:
        return best
    points = all_points(benchmark, [objective], limits)
    return None if points is None or not len(points) else objective.sign * float(points.min())


def refuse_hopeless_limits(
    benchmark: KnowsAllValues, objectives: Sequence[Objective], limits: Sequence[Limit]
) -> None:
    """Raise an error for limits that no architecture keeps, where all of them are known.

    Args:
        benchmark: The benchmark.
        objectives: What is searched; an architecture without a value does not count, and a limit on
            one of them is a threshold, which the front need not reach.
        limits: What its quantities may be.

    Raises:
        OptionError: No architecture keeps the limits.
    """
    searched = {objective.name for objective in objectives}
    limits = [limit for limit in limits if limit.name not in searched]
    points = all_points(benchmark, objectives, limits)
    values = benchmark.all_values()
    if not limits or points is None or len(points) or values is None:
        return
    raise OptionError(
        "no architecture keeps " + " and ".join(map(str, limits)),
        best_in_words(limits, values),
    )


def best_in_words(limits: Sequence[Limit], values: Mapping[str, FloatArray]) -> str:
    """The best values of the limited quantities: the hint where no architecture keeps all limits.

    Args:
        limits: The limits.
        values: Name -> the values of all architectures that there are, or were tried.
    """
    best = (
        f"{limit.name} = {limit.sign * float(np.nanmin(limit.sign * values[limit.name])):g}"
        for limit in limits
    )
    return "by itself each can be as good as " + ", ".join(best)
