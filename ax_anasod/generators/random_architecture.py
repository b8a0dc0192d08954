"""Random search on architectures, the baseline of everything."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ax_anasod.core.history import History
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.generators.fixed_codes import draw_with_fixed


class RandomArchitectureGenerator(HistoryGenerator):
    """Uniform draws over all distinct valid architectures (paper, Table 2, "RS").

    With fixed parameters, uniform draws over the valid codes that have them.
    """

    space = "architecture"

    @property
    def reads_values(self) -> bool:
        """They are uniform whatever the values."""
        return False

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        """Draw ``n`` architectures, codes ``n x d``.

        Raises:
            ArchitectureError: No valid architecture with the fixed values was found.
        """
        rng = self.rng(history)
        return draw_with_fixed(self.cell, n, fixed, rng) if fixed else self.cell.sample(n, rng)
