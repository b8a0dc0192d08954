"""Random search on architectures, the baseline of everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ax_anasod.core.history import History
from ax_anasod.core.objectives import Scope
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.generators.fixed_codes import draw_with_fixed
from ax_anasod.generators.start import StartingDraws


class RandomArchitectureGenerator(HistoryGenerator):
    """Uniform draws over all distinct valid architectures (paper, Table 2, "RS").

    With fixed parameters, uniform draws over the valid codes that have them. With a start, its
    cells and then draws around its distribution instead.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        scope: What the model that follows can search, so that an experiment which asks for
            more is refused at the first draw.
        start: What :class:`ax_anasod.generators.start.StartingDraws` proposes; None for
            uniform draws.
    """

    space = "architecture"

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        scope: Scope = "any",
        start: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(cell=cell, seed=seed)
        self._scope = scope
        self._start = None if start is None else StartingDraws(self.coding, seed, start)

    @property
    def scope(self) -> Scope:
        """Whatever is asked for, since draws read no values; or what the model can search."""
        return self._scope

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        """Draw ``n`` architectures, codes ``n x d``.

        Raises:
            ArchitectureError: No valid architecture with the fixed values was found.
        """
        if self._start is not None:
            return self._start.propose(n, history, fixed)
        rng = self.rng(history)
        return draw_with_fixed(self.cell, n, fixed, rng) if fixed else self.cell.sample(n, rng)
