"""Encodings of a cell: what is one, which have an architecture, which is the nearest.

A cell of several parts has one encoding for all of them (paper, Appendix D), so counts
are of one part (they sum to ``total``), and each part gets exactly these. Counts that
sum to ``num_blocks`` instead describe all blocks together, however they are spread.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ax_anasod.cells import keys
from ax_anasod.exceptions import EncodingError
from ax_anasod.simplex import bomze_round, validate_counts

if TYPE_CHECKING:
    from ax_anasod.cells.cell import Cell

_TOLERANCE = 1e-6
_CHUNK = 1024  # rows compared with all feasible encodings at a time


def describe(cell: Cell, counts: NDArray[np.int64]) -> str:
    """Counts of one encoding in words, operations without a block left out."""
    named = zip(cell.operations, counts.tolist(), strict=True)
    return ", ".join(f"{count} {name}" for name, count in named if count)


def check_counts(cell: Cell, counts: ArrayLike) -> NDArray[np.int64]:
    """Returns counts as an ``n x k`` array whose rows all sum to one of the two totals.

    Raises:
        EncodingError: If they are no counts of this cell; names the first wrong row.
    """
    rows = _check_shape(cell, counts)
    if cell.parts > 1 and rows.dtype.kind in "iu" and len(rows):
        sums = rows.sum(axis=1)
        if (sums == cell.num_blocks).all():
            return validate_counts(rows, cell.num_blocks)
    return validate_counts(rows, cell.total)


def as_counts(cell: Cell, encodings: ArrayLike) -> NDArray[np.int64]:
    """Counts from counts (integer type) or from fractions (floating type), ``n x k``.

    Raises:
        EncodingError: If they are no encodings of this cell, or fractions off its grid.
    """
    rows = _check_shape(cell, encodings)
    if rows.dtype.kind != "f":
        return check_counts(cell, rows)
    blocks = _check_fractions(rows) * cell.total
    counts = np.rint(blocks)
    off = np.abs(blocks - counts).max(axis=1, initial=0.0) > _TOLERANCE
    if off.any():
        row = int(np.argmax(off))
        raise EncodingError(
            f"fractions {rows[row].tolist()} (row {row}) are not on the grid: times "
            f"{cell.total} blocks they give {np.round(blocks[row], 6).tolist()}",
            "snap gives the nearest encoding; categorical decoding takes any fractions",
        )
    return validate_counts(counts.astype(np.int64), cell.total)


def as_fractions(cell: Cell, encodings: ArrayLike) -> NDArray[np.float64]:
    """Fractions from counts (integer type) or from fractions (floating type), ``n x k``.

    Raises:
        EncodingError: If they are no encodings of this cell.
    """
    rows = _check_shape(cell, encodings)
    if rows.dtype.kind == "f":
        return _check_fractions(rows)
    counts = check_counts(cell, rows)
    fractions: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return fractions


def sized_encodings(
    cell: Cell, codes: NDArray[np.int64], total: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The encodings that some of the given architectures have, and how many have each.

    Args:
        cell: The cell.
        codes: ``n x d`` valid architectures, all that there are.
        total: ``cell.total`` for encodings of one part, which all parts must share, or
            ``cell.num_blocks`` for those of all blocks.

    Returns:
        ``M x k`` counts, unique, in lexicographic order, and ``M`` numbers of architectures.
    """
    if total == cell.num_blocks:
        counts = cell.encode(codes)
    else:
        by_part = part_counts(cell, codes)
        counts = by_part[(by_part == by_part[:, :1]).all(axis=(1, 2)), 0]
    _, first, sizes = np.unique(count_keys(counts, total), return_index=True, return_counts=True)
    return counts[first], sizes


def part_counts(cell: Cell, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The counts of each part of ``n x d`` codes, ``n x parts x k``."""
    parts = codes[:, : cell.num_blocks].reshape(len(codes), cell.parts, cell.total)
    counts: NDArray[np.int64] = (parts[..., None] == np.arange(cell.num_operations)).sum(axis=2)
    return counts


def num_architectures(cell: Cell, counts: ArrayLike) -> NDArray[np.float64]:
    """How many architectures each encoding has; see `Cell.num_architectures`."""
    rows = check_counts(cell, counts)
    total = int(rows[0].sum()) if len(rows) else cell.total
    listed = cell.sized_encodings(total)
    if listed is None:
        factorials = np.array([math.lgamma(n + 1) for n in range(total + 1)])
        logarithms = factorials[total] - factorials[rows].sum(axis=1)
        with np.errstate(over="ignore"):
            arrangements = np.rint(np.exp(logarithms)) ** (cell.num_blocks // total)
            # More wirings than a float can hold are as good as infinitely many.
            return np.asarray(arrangements * float(min(math.prod(cell.wiring), 10**300)))
    known, keys_of_rows = count_keys(listed[0], total), count_keys(rows, total)
    numbers = np.zeros(len(rows))
    present = np.isin(keys_of_rows, known)
    numbers[present] = listed[1][np.searchsorted(known, keys_of_rows[present])]
    return numbers


def require_feasible(cell: Cell, counts: NDArray[np.int64]) -> None:
    """Raises an `EncodingError` that names the first encoding without valid architecture."""
    feasible = cell.is_feasible(counts)
    if not feasible.all():
        named = describe(cell, counts[int(np.argmin(feasible))])
        raise EncodingError(
            f"cell {cell.name!r} has no valid architecture with the operations {named}",
            "snap gives the nearest encoding that has one",
        )


def is_feasible(cell: Cell, counts: ArrayLike) -> NDArray[np.bool_]:
    """Whether each encoding has a valid architecture; see `Cell.is_feasible`."""
    rows = check_counts(cell, counts)
    total = int(rows[0].sum()) if len(rows) else cell.total
    feasible = cell.feasible_encodings(total)
    if feasible is None:
        return np.ones(len(rows), dtype=bool)
    return np.isin(count_keys(rows, total), count_keys(feasible, total))


def snap(cell: Cell, fractions: ArrayLike) -> NDArray[np.int64]:
    """The nearest encodings with a valid architecture; see `Cell.snap`."""
    rows = _check_shape(cell, fractions)
    points = _check_fractions(rows.astype(np.float64)) * cell.total
    counts = bomze_round(points, cell.total)
    feasible = cell.feasible_encodings(cell.total)
    if feasible is None or not len(counts):
        return counts
    if not len(feasible):
        raise EncodingError(f"cell {cell.name!r} has no valid architecture at all")
    wrong = np.flatnonzero(~is_feasible(cell, counts))
    for start in range(0, len(wrong), _CHUNK):
        chunk = wrong[start : start + _CHUNK]
        distance = ((points[chunk, None] - feasible) ** 2).sum(axis=2)
        # Rounded, so that ties are decided by the order of the encodings, not by noise.
        counts[chunk] = feasible[distance.round(9).argmin(axis=1)]
    return counts


def count_keys(counts: NDArray[np.int64], total: int) -> NDArray[Any]:
    """A sortable key for each row of ``n x k`` counts that sum to ``total``, ``n``."""
    sizes = (total + 1,) * counts.shape[1]
    return (keys.pack if keys.fits_int64(sizes) else keys.byte_keys)(counts, sizes)


def _check_shape(cell: Cell, encodings: ArrayLike) -> NDArray[Any]:
    try:
        rows = np.asarray(encodings)
    except ValueError:
        raise EncodingError(
            "encodings must form an n x k array, got rows of unequal length"
        ) from None
    if rows.dtype.kind not in "iuf":
        raise EncodingError(f"encodings must be numbers, got {encodings!r}")
    if rows.ndim != 2 or rows.shape[1] != cell.num_operations:
        raise EncodingError(
            f"encodings of cell {cell.name!r} must form an n x {cell.num_operations} array "
            f"(one column for each of {', '.join(cell.operations)}), got shape {rows.shape}"
        )
    return rows


def _check_fractions(rows: NDArray[Any]) -> NDArray[np.float64]:
    fractions = rows.astype(np.float64)
    # Written so that NaN fails.
    good = (np.abs(fractions.sum(axis=1) - 1.0) <= _TOLERANCE) & (
        fractions.min(axis=1, initial=0.0) >= -_TOLERANCE
    )
    if not good.all():
        row = int(np.argmin(good))
        raise EncodingError(
            f"fractions must be non-negative and sum to 1, but row {row} "
            f"{rows[row].tolist()} sums to {fractions[row].sum():.10g}",
            "counts are given as an integer array",
        )
    return np.maximum(fractions, 0.0)
