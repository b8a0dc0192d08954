"""Random search on architectures, the baseline of everything."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ax_anasod.core.history import History
from ax_anasod.exceptions import ArchitectureError
from ax_anasod.generators.base import HistoryGenerator


class RandomArchitectureGenerator(HistoryGenerator):
    """Uniform draws over all distinct valid architectures (paper, Table 2, "RS")."""

    space = "architecture"

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        """Draw ``n`` architectures, codes ``n x d``."""
        codes = self.cell.sample(n, self.rng(history))
        if not fixed:
            return codes
        for column, value in fixed.items():
            codes[:, column] = value
        if not self.cell.is_valid(codes).all():
            raise ArchitectureError(
                f"an architecture with the fixed values {dict(fixed)} (column -> value) is not "
                f"valid in cell {self.cell.name!r}"
            )
        return codes
