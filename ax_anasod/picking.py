"""Rules that pick a point of a Pareto front."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ax_anasod.exceptions import OptionError
from ax_anasod.objectives import Limit, Objective, find_quantity
from ax_anasod.typing import FloatArray

KNEE: Final = "knee"

Point = Mapping[str, float]
"""Quantity -> value."""


@dataclass(frozen=True)
class Pick(ABC):
    """A rule that picks one point of a front.

    Args:
        objectives: What is searched.
    """

    objectives: tuple[Objective, ...]

    @property
    @abstractmethod
    def words(self) -> str:
        """The rule in words."""

    @abstractmethod
    def choose(self, front: Sequence[Point], reference: Point | None = None) -> int | None:
        """Pick a point; the earliest of equally good ones.

        Args:
            front: The points of a front.
            reference: The reference point of its hypervolume, where there is one.

        Returns:
            Its position; None where the front has no such point.
        """

    def costs(self, front: Sequence[Point]) -> FloatArray:
        """The values ``n x m`` of the objectives, so that less is better."""
        rows = [[o.sign * point[o.name] for o in self.objectives] for point in front]
        return np.array(rows, dtype=np.float64).reshape(len(front), len(self.objectives))


@dataclass(frozen=True)
class BestFirst(Pick):
    """The best value of the first objective; where several tie, the others decide in order."""

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"the {self.objectives[0].extreme} {self.objectives[0].name}"

    def choose(self, front: Sequence[Point], reference: Point | None = None) -> int | None:
        """Pick a point, as in the base."""
        return int(np.lexsort(self.costs(front).T[::-1])[0]) if front else None


@dataclass(frozen=True)
class Knee(Pick):
    """The point that lies furthest before the plane through the ends of the front.

    The objectives are scaled to 0 to 1 over the front; of it, only what counts for the
    hypervolume is looked at, so that outliers do not decide the scale.

    Source: Das 1999, "On characterizing the 'knee' of the Pareto curve based on normal-boundary
    intersection".
    """

    @property
    def words(self) -> str:
        """The rule in words."""
        return "the knee of the front"

    def choose(self, front: Sequence[Point], reference: Point | None = None) -> int | None:
        """Pick a point, as in the base."""
        if not front:
            return None
        costs = self.costs(front)
        rows = np.arange(len(front))
        if reference is not None:
            counts = (costs < self.costs([reference])).all(axis=1)
            rows = np.flatnonzero(counts) if counts.any() else rows
        best, spread = costs[rows].min(axis=0), np.ptp(costs[rows], axis=0)
        scaled = (costs[rows] - best) / np.where(spread > 0, spread, 1.0)
        return int(rows[scaled.sum(axis=1).argmin()])


@dataclass(frozen=True)
class BestWithinLimit(Pick):
    """The best first objective among the points that keep a limit.

    Where the limit is on the first objective, the next one is taken.

    Args:
        objectives: What is searched.
        limit: The limit, on an objective or on another quantity.
    """

    limit: Limit

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{BestFirst(self._ordered).words} with {self.limit}"

    @property
    def _ordered(self) -> tuple[Objective, ...]:
        """The objectives, that with the limit last."""
        return tuple(sorted(self.objectives, key=lambda o: o.name == self.limit.name))

    def choose(self, front: Sequence[Point], reference: Point | None = None) -> int | None:
        """Pick a point, as in the base."""
        rows = [row for row, p in enumerate(front) if self.limit.keeps(p[self.limit.name])]
        best = BestFirst(self._ordered).choose([front[row] for row in rows])
        return None if best is None else rows[best]


@dataclass(frozen=True)
class Weighted(Pick):
    """The smallest weighted sum of the objectives, in their own units.

    Args:
        objectives: What is searched.
        weights: One for each objective, at least 0: what one unit of it is worth.
    """

    weights: tuple[float, ...]

    @property
    def words(self) -> str:
        """The rule in words."""
        terms = [
            f"{'-' if o.sign < 0 else '+'} {weight:g} {o.name}"
            for o, weight in zip(self.objectives, self.weights, strict=True)
            if weight
        ]
        return f"the smallest {' '.join(terms).removeprefix('+ ')}"

    def choose(self, front: Sequence[Point], reference: Point | None = None) -> int | None:
        """Pick a point, as in the base."""
        return int((self.costs(front) @ np.array(self.weights)).argmin()) if front else None


def parse_pick(
    text: str, objectives: Sequence[Objective], reported: Sequence[Objective] = ()
) -> Pick:
    """Read a rule.

    Args:
        text: ``"knee"``; a limit such as ``"latency<=5"``; weights such as
            ``"error=1,latency=0.2"``; or empty for the best value of the first objective.
        objectives: What is searched.
        reported: Further quantities that a limit may be on.

    Raises:
        OptionError: ``text`` is none of these, a weight is negative, all are 0, a limit is against
            the direction of the search, or there is one objective and so no front.
        UnknownNameError: There is no quantity of a name.
    """
    searched = tuple(objectives)
    if not text:
        return BestFirst(searched)
    if len(searched) == 1:
        raise OptionError(
            f"there is no front to pick {text!r} from: {searched[0].name} is the only objective",
            f"without a rule the {searched[0].extreme} {searched[0].name} is taken",
        )
    if text.strip() == KNEE:
        return Knee(searched)
    if "<=" in text or ">=" in text:
        limit = Limit.parse(text)
        on = find_quantity(limit.name, (*searched, *reported))
        if on in searched and limit.sign != on.sign:
            raise OptionError(
                f"{text!r} keeps only bad values of {on.name!r}, which is "
                f"{'minimised' if on.minimize else 'maximised'}",
                f"write it as '{on.name} {'<=' if on.minimize else '>='} X'",
            )
        return BestWithinLimit(searched, limit)
    if "=" in text:
        return Weighted(searched, _weights(text, searched))
    raise OptionError(
        f"{text!r} picks no point of a front",
        "give knee, a limit such as 'latency<=5', or weights such as 'error=1,latency=0.2'",
    )


def _weights(text: str, objectives: Sequence[Objective]) -> tuple[float, ...]:
    given: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.rpartition("="))
        find_quantity(name, objectives)
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not 0 <= weight < math.inf:
            raise OptionError(f"the weight {number!r} of {name!r} must be a number of at least 0")
        if name in given:
            raise OptionError(f"{text!r} weighs {name!r} twice")
        given[name] = weight
    if not any(given.values()):
        raise OptionError(f"{text!r} weighs nothing", "give an objective a weight above 0")
    return tuple(given.get(objective.name, 0.0) for objective in objectives)
