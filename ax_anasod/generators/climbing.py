"""One climb of a local search, replayed from the history of the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.core.seeding import neighbour_rng
from ax_anasod.generators.evaluations import Evaluations
from ax_anasod.typing import Codes


@dataclass(frozen=True)
class ClimbState:
    """The current place of a climb.

    Args:
        row: The row of the place, a code ``d`` or counts ``k``.
        code: The architecture that was evaluated for it, ``d``.
    """

    row: Codes
    code: Codes


@dataclass(frozen=True)
class Climb:
    """The progress of a climb.

    Args:
        top: The place it has reached.
        query: The architecture that it needs the value of next, ``d``; None at an optimum.
    """

    top: ClimbState
    query: Codes | None


Neighbourhood = Callable[[ClimbState], tuple[Codes, Codes]]
"""The neighbours of a place: rows ``m x r`` and the architecture of each, ``m x d``."""


def climb(start: ClimbState, neighbourhood: Neighbourhood, seen: Evaluations, seed: int) -> Climb:
    """Replay a climb by best improvement (paper, Algorithm 3 and App. A.1).

    All neighbours are queried, in an order drawn for the trial they surround; the best of
    them (the first of several in this order) is next if it is no worse than the place itself
    (``y_i <= y_{i-1}`` in Algorithm 3).
    No place is entered twice, so that a plateau is crossed but not circled.

    Neighbours whose trial is pending or failed count as worse. While a value is awaited the
    climb thus goes on as if it would not change anything; once it is there, the replay
    follows it, and finds everything evaluated in between in the history.

    Args:
        start: The place to start from; its architecture has a value.
        neighbourhood: The neighbours of a place.
        seen: The evaluations of the run so far.
        seed: The seed of the run.
    """
    place, found = start, seen.look_up(start.code[None])
    value, trial = found.values[0], found.trials[0]
    entered = {start.row.tobytes()}
    while True:
        rows, codes = neighbourhood(place)
        found = seen.look_up(codes)
        order = neighbour_rng(seed, int(trial)).permutation(len(codes))
        if not found.known.all():
            return Climb(place, codes[order[~found.known[order]][0]])
        fresh = np.array([row.tobytes() not in entered for row in rows], dtype=bool)
        values = np.where(fresh, found.values, np.inf)
        if not len(values) or values.min() > value:
            return Climb(place, None)
        best = int(order[values[order].argmin()])
        place, value = ClimbState(rows[best], codes[best]), values[best]
        trial = found.trials[best]
        entered.add(place.row.tobytes())


@lru_cache(maxsize=4096)
def architectures_around(cell: Cell, code: tuple[int, ...]) -> Codes:
    """``cell.neighbours(code)``, ``m x d``, kept: a replay asks for the same ones again."""
    around = cell.neighbours(np.array(code))
    around.flags.writeable = False
    return around
