"""Which encodings the acquisition function is evaluated on."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError
from ax_anasod.simplex import enumerate_grid, rank, sample_biased, sample_uniform

# Beyond this an exhaustive evaluation takes longer than training most networks.
_EXHAUSTIVE_LIMIT = 1_000_000
_RANKABLE = 2**63 - 1


def unique_counts(counts: npt.NDArray[np.int64], cell: Cell) -> npt.NDArray[np.int64]:
    """The distinct rows of ``m x k`` counts, in lexicographic order."""
    if cell.num_encodings <= _RANKABLE:
        # Sorting one integer a row is many times faster than sorting rows.
        _, first = np.unique(rank(counts), return_index=True)
        distinct: npt.NDArray[np.int64] = counts[first]
        return distinct
    return np.unique(counts, axis=0)


def exhaustive(cell: Cell) -> npt.NDArray[np.int64]:
    """Every encoding of the cell that some valid architecture has, ``m x k``.

    Raises:
        OptionError: There are too many.
    """
    check_exhaustive(cell)
    return _feasible_grid(cell)


def check_exhaustive(cell: Cell) -> None:
    """Refuse a cell with too many encodings to evaluate all of them.

    Raises:
        OptionError: There are too many.
    """
    if cell.num_encodings > _EXHAUSTIVE_LIMIT:
        raise OptionError(
            f"cell {cell.name!r} has {cell.num_encodings} encodings, more than the "
            f"{_EXHAUSTIVE_LIMIT} that optimizer='exhaustive' evaluates",
            "use optimizer='pool'",
        )


@lru_cache(maxsize=4)
def _feasible_grid(cell: Cell) -> npt.NDArray[np.int64]:
    grid = enumerate_grid(cell.total, cell.num_operations, limit=_EXHAUSTIVE_LIMIT)
    return grid[cell.is_feasible(grid)]


def pool_fractions(
    cell: Cell,
    size: int,
    beta: float,
    incumbent: npt.NDArray[np.int64] | None,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Draw from the encoding generating distribution (Algorithm 2, lines 5 and 9).

    Args:
        cell: The cell.
        size: How many points.
        beta: Concentration around the incumbent; 0 draws uniformly.
        incumbent: The best counts seen, ``k``; None draws uniformly.
        rng: Source of randomness.

    Returns:
        Points of the simplex, ``size x k``.
    """
    if incumbent is None or beta == 0:
        return sample_uniform(cell.num_operations, size, rng)
    return sample_biased(incumbent / cell.total, beta, size, rng)
