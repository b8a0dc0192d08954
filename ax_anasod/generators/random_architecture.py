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


class RandomArchitectureGenerator(HistoryGenerator):
    """Uniform draws over all distinct valid architectures (paper, Table 2, "RS").

    With fixed parameters, uniform draws over the valid codes that have them.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        scope: What the model that follows can search, so that an experiment which asks for
            more is refused at the first draw.
    """

    space = "architecture"

    def __init__(self, cell: Mapping[str, Any], seed: int = 0, scope: Scope = "any") -> None:
        super().__init__(cell=cell, seed=seed)
        self._scope = scope

    @property
    def scope(self) -> Scope:
        """Whatever is asked for, since draws read no values; or what the model can search."""
        return self._scope

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        """Draw ``n`` architectures, codes ``n x d``.

        Raises:
            ArchitectureError: No valid architecture with the fixed values was found.
        """
        rng = self.rng(history)
        return draw_with_fixed(self.cell, n, fixed, rng) if fixed else self.cell.sample(n, rng)
