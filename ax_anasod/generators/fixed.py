"""Ax's ``fixed_parameters`` on encodings: some counts given, the rest still on the simplex."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ax_anasod.cells import Cell
from ax_anasod.exceptions import EncodingError
from ax_anasod.simplex import bomze_round

_CHUNK = 1024  # encodings compared with all feasible ones at a time


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
        raise EncodingError(
            f"fixed counts {_named(cell, columns, values)} cannot be part of an encoding: counts "
            f"must be >= 0 and all {cell.num_operations} of them sum to {cell.total}"
        )
    points = np.zeros(fractions.shape)
    points[:, columns] = values
    counts = points.astype(np.int64)
    if free.size and remaining:
        shares = fractions[:, free] + np.finfo(np.float64).tiny
        points[:, free] = remaining * shares / shares.sum(axis=1, keepdims=True)
        counts[:, free] = bomze_round(points[:, free], remaining)
    return _nearest_feasible(points, counts, cell, columns, values)


def _nearest_feasible(
    points: npt.NDArray[np.float64],
    counts: npt.NDArray[np.int64],
    cell: Cell,
    columns: npt.NDArray[np.int64],
    values: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Replace encodings without valid architecture by those nearest to their points."""
    feasible = cell.feasible_encodings(cell.total)
    if feasible is None:
        return counts
    allowed = feasible[(feasible[:, columns] == values).all(axis=1)]
    if not len(allowed):
        raise EncodingError(
            f"no architecture of cell {cell.name!r} has the fixed counts "
            f"{_named(cell, columns, values)}"
        )
    wrong = np.flatnonzero(~cell.is_feasible(counts))
    for start in range(0, len(wrong), _CHUNK):
        chunk = wrong[start : start + _CHUNK]
        # Of whole counts several would be equally near, the first ones always the same.
        distance = ((points[chunk, None] - allowed) ** 2).sum(axis=2)
        counts[chunk] = allowed[distance.argmin(axis=1)]
    return counts


def _named(
    cell: Cell, columns: npt.NDArray[np.int64], values: npt.NDArray[np.int64]
) -> dict[str, int]:
    return {cell.operations[int(c)]: int(v) for c, v in zip(columns, values, strict=True)}
