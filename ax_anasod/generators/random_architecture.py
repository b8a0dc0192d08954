"""Random search on architectures, the baseline of everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.cells.listing import all_codes
from ax_anasod.core.history import History
from ax_anasod.exceptions import ArchitectureError
from ax_anasod.generators.base import HistoryGenerator

_BATCH: Final = 4096
_MAX_DRAWS: Final = 1_000_000


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


def draw_with_fixed(
    cell: Cell, n: int, fixed: Mapping[int, int], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw valid codes of which some columns are given.

    Args:
        cell: The cell.
        n: How many.
        fixed: Column -> value.
        rng: Source of randomness.

    Returns:
        Codes ``n x d``.

    Raises:
        ArchitectureError: There are none, or a million draws found none.
    """
    columns, values = list(fixed), list(fixed.values())
    if isinstance(cell, RestrictedCell):
        # Few of all codes may be left, so that drawing from all might find none.
        present = cell.enumerate()
        present = present[(present[:, columns] == values).all(axis=1)]
        if not len(present):
            raise _none_found(cell, fixed)
        drawn: npt.NDArray[np.int64] = present[rng.integers(len(present), size=n)]
        return drawn
    found = np.empty((0, len(cell.code_sizes)), dtype=np.int64)
    for _ in range(0, _MAX_DRAWS, _BATCH):
        codes = rng.integers(0, cell.code_sizes, size=(_BATCH, len(cell.code_sizes)))
        codes[:, columns] = values
        found = np.concatenate([found, codes[cell.is_valid(codes)]])
        if len(found) >= n:
            return found[:n]
    raise _none_found(cell, fixed)


def list_with_fixed(cell: Cell, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
    """All architectures that have a code with given columns, such a code of each, ``m x d``.

    Args:
        cell: A cell that can be listed.
        fixed: Column -> value.
    """
    # Another form of an architecture than its representative may have the fixed values.
    codes = cell.enumerate() if isinstance(cell, RestrictedCell) else all_codes(cell)
    codes = codes[(codes[:, list(fixed)] == list(fixed.values())).all(axis=1)]
    codes = codes[cell.is_valid(codes)]
    _, first = np.unique(cell.keys(cell.canonical(codes)), return_index=True)
    listed: npt.NDArray[np.int64] = codes[np.sort(first)]
    return listed


def _none_found(cell: Cell, fixed: Mapping[int, int]) -> ArchitectureError:
    return ArchitectureError(
        f"no valid architecture of cell {cell.name!r} was found with the fixed values "
        f"{dict(fixed)} (column -> value)"
    )
