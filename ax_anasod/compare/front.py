"""The judgement of fronts in a comparison: by their share of a hypervolume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np

from ax_anasod.fronts import Front, hypervolumes, pareto_front, usual_reference
from ax_anasod.objectives import PERCENT, Limit, Objective, point_of
from ax_anasod.truth import KnowsAllValues, all_points
from ax_anasod.typing import FloatArray

HYPERVOLUME: Final = "hypervolume"
"""Name of the share of the hypervolume, in percent."""

QUANTILE: Final = 0.95
"""The quantile of each objective, over all architectures, that is the reference point."""


@dataclass(frozen=True)
class JudgedFront:
    """The scale that fronts are judged by.

    Args:
        objectives: What is searched.
        recorded: What the results have of each trial: objectives and reported quantities.
        reference: The reference point, objective -> value; empty before anything is known.
        volume: The hypervolume of which shares are taken, in the product of the units.
        is_true: Whether that is the volume of the true front, which the benchmark knows; else it
            is that of the front of all runs together.
    """

    objectives: tuple[Objective, ...]
    recorded: tuple[Objective, ...]
    reference: dict[str, float] = field(default_factory=dict)
    volume: float = 0.0
    is_true: bool = False

    @classmethod
    def of(
        cls,
        benchmark: KnowsAllValues | None,
        objectives: Sequence[Objective],
        reported: Sequence[Objective],
        limits: Sequence[Limit],
    ) -> Self:
        """The scale for the fronts of a benchmark, before the first trial.

        Where the benchmark has all values at hand, the reference point is a limit on an
        objective, else the 95 % quantile of the objective over all architectures, and shares are
        those of the true front's hypervolume.

        Args:
            benchmark: The benchmark; None where it does not know the front that is searched.
            objectives: What is searched.
            reported: What is recorded besides.
            limits: What trials must keep.
        """
        front = cls(tuple(objectives), (*objectives, *reported))
        if benchmark is None:
            return front
        everything = all_points(benchmark, objectives)
        kept = all_points(benchmark, objectives, limits)
        if everything is None or kept is None or not len(kept):
            return front
        quantiles = np.quantile(everything, QUANTILE, axis=0)
        reference = np.minimum(quantiles, front._thresholds(limits))
        return front._with(kept, reference, is_true=True)

    def fitted(self, points: FloatArray, limits: Sequence[Limit]) -> Self:
        """This scale where the benchmark knows the front, else one that is fitted to the trials.

        Args:
            points: ``n x m`` values of all runs that count, with the sign that makes less better.
            limits: The limits.
        """
        if self.is_true or not len(points):
            return self
        thresholds = self._thresholds(limits)
        reference = usual_reference(points, thresholds.tolist())
        return self._with(points, reference, is_true=False)

    @property
    def judged(self) -> Objective:
        """The share of the hypervolume, which is what runs are compared by."""
        return Objective(
            HYPERVOLUME, PERCENT, minimize=False, optimum=100.0 if self.is_true else None
        )

    def point(self, values: Mapping[str, float]) -> tuple[float, ...]:
        """The objectives of a trial, with the sign that makes less better."""
        return point_of(values, self.objectives)

    def shares(self, points: Sequence[tuple[float, ...]]) -> FloatArray:
        """The shares after each of ``n`` points, in percent; infinite points count nothing."""
        if not self.volume:
            return np.zeros(len(points))
        before = np.array([o.sign * self.reference[o.name] for o in self.objectives])
        array = np.array(points, dtype=np.float64).reshape(len(points), len(before))
        return 100.0 * np.array(hypervolumes(array, before)) / self.volume

    def _thresholds(self, limits: Sequence[Limit]) -> FloatArray:
        """The worst values that count, with the sign; infinite where there is no limit."""
        bounds = {limit.name: limit.bound for limit in limits}
        return np.array([bounds.get(o.name, np.inf) for o in self.objectives])

    def _with(self, points: FloatArray, reference: FloatArray, *, is_true: bool) -> Self:
        values = zip(self.objectives, reference.tolist(), strict=True)
        return replace(
            self,
            reference={o.name: o.sign * value for o, value in values},
            volume=Front(pareto_front(points), reference).volume,
            is_true=is_true,
        )
