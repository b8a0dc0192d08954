"""Local search on architectures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ax_anasod.core.history import History
from ax_anasod.core.seeding import restart_rng
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.climbing import ClimbState, architectures_around, climb
from ax_anasod.generators.evaluations import Evaluations
from ax_anasod.generators.fixed import forms_with_fixed
from ax_anasod.settings import PositiveInt, checked
from ax_anasod.typing import Codes, Values

# This many climbs in a row need nothing new only if almost everything is known.
_MAX_RESTARTS: Final = 100
_DRAWS: Final = 64


@checked
class LocalSearchGenerator(ArchitectureGenerator):
    """Local search (paper, Algorithm 3 without the blue lines, and App. A.1).

    From the best of some random architectures, all neighbours (one operation or one wiring
    choice different) are evaluated; the best of them is next, until none is better; then it
    starts again. Nothing is evaluated twice.

    The search keeps no state. Each proposal replays it from the start against what the
    history knows, and proposes the first architecture whose value is missing. A failed
    trial counts as the worst. The last neighbours count as the worst, too, while they are
    pending, so that no worker waits. Once a small space is known entirely, proposals
    are random repeats.

    Sources: White, Nolen and Savani, "Exploring the loss landscape in neural architecture
    search" (UAI 2021), whose implementation also starts from 10 random architectures.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random architectures of which the best starts a climb; the first ones
            are the first trials of the run, of any origin.

    Raises:
        OptionError: ``num_initial`` is below 1.
    """

    def __init__(
        self, cell: Mapping[str, Any], seed: int = 0, num_initial: PositiveInt = NUM_INITIAL
    ) -> None:
        super().__init__(cell=cell, seed=seed)
        self.num_initial = num_initial

    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose the first architecture that the replay misses, a code ``d``."""
        seen = Evaluations(self.cell, history)
        if len(history.rows) < self.num_initial:
            return seen.first_unknown(self.draw_starts(_DRAWS, self.rng(history), fixed))
        # Each trial is new to one climb at most.
        for restart in range(len(history.rows) + _MAX_RESTARTS):
            starts = (
                self.draw_starts(self.num_initial, restart_rng(self.seed, restart), fixed)
                if restart
                else history.rows[: self.num_initial]
            )
            found = seen.look_up(starts)
            if not found.known.all():
                return np.asarray(starts[~found.known][0])
            if np.isfinite(found.values).any():
                query = self.climb_from(found.values, starts, restart, seen, fixed)
                if query is not None:
                    return query
        return self.draw_new(seen, self.rng(history), fixed)

    def draw_starts(self, n: int, rng: np.random.Generator, fixed: Mapping[int, int]) -> Codes:
        """Draw architectures to start from, codes ``n x d``."""
        return self.draw(n, rng, fixed)

    def climb_from(
        self,
        values: Values,
        starts: Codes,
        restart: int,
        seen: Evaluations,
        fixed: Mapping[int, int],
    ) -> Codes | None:
        """Climb from the best start until a value is missing.

        Args:
            values: Values of the starts ``m``, infinite where there is none.
            starts: Codes ``m x d``.
            restart: The number of the climb.
            seen: The evaluations of the run so far.
            fixed: Column -> value that a proposal must have.

        Returns:
            The architecture to query, a code ``d``; None at an optimum.
        """
        best = starts[int(values.argmin())]
        return self.climb_architectures(best, seen, fixed)

    def climb_architectures(
        self, code: Codes, seen: Evaluations, fixed: Mapping[int, int]
    ) -> Codes | None:
        """Climb on architectures from a code ``d`` that has a value."""

        def around(place: ClimbState) -> tuple[Codes, Codes]:
            codes = architectures_around(self.cell, tuple(place.code.tolist()))
            if fixed:
                codes = forms_with_fixed(self.cell, codes, fixed)
            return codes, codes

        return climb(ClimbState(code, code), around, seen, self.seed).query
