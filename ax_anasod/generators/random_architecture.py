"""Random search on architectures, the baseline of everything."""

from __future__ import annotations

from collections.abc import Mapping

from ax_anasod.core.history import History
from ax_anasod.generators.base import DrawGenerator
from ax_anasod.generators.fixed import draw_with_fixed
from ax_anasod.generators.known_limits import draw_allowed
from ax_anasod.settings import checked
from ax_anasod.typing import Codes


@checked
class RandomArchitectureGenerator(DrawGenerator):
    """Uniform draws over all distinct valid architectures (paper, Table 2, "RS").

    With fixed parameters, uniform draws over the valid codes that have them. With a start, its
    cells and then draws around its distribution instead.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        scope: What the model that follows needs, see `DrawGenerator`, as for the next.
        above: What values must be above.
        start: What :class:`ax_anasod.generators.starting_draws.StartingDraws` proposes; None for
            uniform draws.
        hyperparameters: What is searched beside the cell, drawn uniformly; None for nothing.
    """

    space = "architecture"

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        """Draw ``n`` architectures, codes ``n x d``.

        Raises:
            ArchitectureError: No valid architecture with the fixed values was found.
            ObservationError: The model that follows could not take a value.
            OptionError: None was found that keeps the limits on known quantities, which the
                model that follows obeys.
        """
        self.check(history)
        if self.start is not None:
            return self.start.propose(n, history, fixed)
        rng = self.rng(history)

        def draw(number: int) -> Codes:
            if fixed:
                return draw_with_fixed(self.cell, number, fixed, rng)
            return self.cell.sample(number, rng)

        return draw_allowed(self.cell, n, history, draw, fixed, rng)[:n]
