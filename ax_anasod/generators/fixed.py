"""Ax's ``fixed_parameters`` on encodings: some counts given, the rest still on the simplex."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ax_anasod.cells import Cell
from ax_anasod.exceptions import EncodingError
from ax_anasod.simplex import bomze_round


def apply_fixed_counts(
    fractions: npt.NDArray[np.float64], cell: Cell, fixed: Mapping[int, int]
) -> npt.NDArray[np.int64]:
    """Snap points of the simplex to encodings that have the fixed counts.

    The free operations keep their proportions and share the blocks that the fixed ones
    leave.

    Args:
        fractions: Points ``n x k`` of the simplex.
        cell: The cell.
        fixed: Operation index -> count.

    Returns:
        Counts ``n x k``.

    Raises:
        EncodingError: The fixed counts are negative, exceed N, leave nothing to the free
            operations although they do not sum to N, or allow no valid architecture.
    """
    if not fixed:
        return cell.snap(fractions)
    columns = np.array(sorted(fixed))
    values = np.array([fixed[int(c)] for c in columns], dtype=np.int64)
    free = np.setdiff1d(np.arange(cell.num_operations), columns)
    remaining = cell.total - int(values.sum())
    if (values < 0).any() or remaining < 0 or (free.size == 0 and remaining > 0):
        named = {cell.operations[int(c)]: int(v) for c, v in zip(columns, values, strict=True)}
        raise EncodingError(
            f"fixed counts {named} cannot be part of an encoding: counts must be >= 0 and "
            f"all {cell.num_operations} of them sum to {cell.total}"
        )
    counts = np.zeros(fractions.shape, dtype=np.int64)
    counts[:, columns] = values
    if free.size and remaining:
        shares = fractions[:, free] + np.finfo(np.float64).tiny
        shares = shares / shares.sum(axis=1, keepdims=True)
        counts[:, free] = bomze_round(shares * remaining, remaining)
    feasible = cell.is_feasible(counts)
    if not feasible.any():
        raise EncodingError(
            f"no drawn encoding with the fixed counts allows an architecture of cell {cell.name!r}"
        )
    # Rows that allow none take the place of the first that does: dropping them would
    # change how many proposals come back.
    counts[~feasible] = counts[np.flatnonzero(feasible)[0]]
    return counts
