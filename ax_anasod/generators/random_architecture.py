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

    With fixed parameters, it draws uniformly over the valid codes that have them. With a start,
    it proposes the cells of the start and then draws around its distribution.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        scope: The scope of the model that follows, see `DrawGenerator`.
        above: A bound that all objectives must be above, see `DrawGenerator`.
        start: The start of :class:`ax_anasod.generators.starting_draws.StartingDraws`; None for
            uniform draws.
        hyperparameters: Hyperparameters, which are drawn uniformly; None for none.
    """

    space = "architecture"

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        """Draw ``n`` architectures, codes ``n x d``.

        Raises:
            ArchitectureError: No valid architecture with the fixed values was found.
            ObservationError: The model that follows could not take a value.
            OptionError: No architecture was found that keeps the limits on known quantities,
                which the model that follows obeys.
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
