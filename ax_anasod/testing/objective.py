"""An objective on any cell that costs nothing."""

from __future__ import annotations

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.typing import FloatArray, IntArray


class SyntheticObjective:
    """A seeded "error in percent" of architectures, with the structure of real ones.

    Each operation is worth something in each block, more or less the same in all of them,
    and each wiring choice something of its own; so the operation counts explain part of the
    error, and the architecture the rest.

    Args:
        cell: The cell.
        seed: Which of these objectives it is.

    Example:
        >>> from ax_anasod import cells
        >>> cell = cells.get("nas-bench-201")
        >>> error = SyntheticObjective(cell, seed=1)
        >>> bool((error(cell.enumerate()) > 0).all())
        True
    """

    def __init__(self, cell: Cell, seed: int = 0) -> None:
        self.cell = cell
        rng = np.random.default_rng(seed)
        width = len(cell.code_sizes)
        self._worth = rng.normal(size=(width, max(cell.code_sizes))) / np.sqrt(width)
        # What an operation is worth in every block.
        self._worth[: cell.num_blocks] += rng.normal(size=max(cell.code_sizes)) / np.sqrt(width)

    def __call__(self, codes: IntArray) -> FloatArray:
        """The errors of ``n x d`` codes in percent, ``n``, all above 0 and below 100.

        Raises:
            ArchitectureError: A code is malformed.
        """
        codes = self.cell.canonical(codes)
        score = self._worth[np.arange(codes.shape[1]), codes].sum(axis=1)
        return np.asarray(100 / (1 + np.exp(score)))
