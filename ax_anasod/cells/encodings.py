"""Encodings of a cell: what is one, which have an architecture, which is the nearest.

A cell of several parts has one encoding for all of them (paper, Appendix D), so counts
are of one part (they sum to ``total``), and each part gets exactly these. Counts that
sum to ``num_blocks`` instead describe all blocks together, however they are spread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ax_anasod.cells import keys
from ax_anasod.cells.definition import CellDefinition
from ax_anasod.exceptions import EncodingError
from ax_anasod.simplex import bomze_round, validate_counts
from ax_anasod.typing import (
    AnyArray,
    ArrayLike,
    Codes,
    Counts,
    FloatArray,
    Fractions,
    Indices,
    Mask,
)

_TOLERANCE = 1e-6
_CHUNK = 1024  # rows compared with all feasible encodings at a time


def check_counts(cell: CellDefinition, counts: ArrayLike) -> Counts:
    """Returns counts as an ``n x k`` array whose rows all sum to one of the two totals.

    Raises:
        EncodingError: If a row has no counts of this cell; the message names the first such row.
    """
    rows = _check_shape(cell, counts)
    if cell.parts > 1 and rows.dtype.kind in "iu" and len(rows):
        sums = rows.sum(axis=1)
        if (sums == cell.num_blocks).all():
            return validate_counts(rows, cell.num_blocks)
    return validate_counts(rows, cell.total)


def check_fractions(cell: CellDefinition, fractions: ArrayLike) -> Fractions:
    """Returns fractions as an ``n x k`` array without negative rounding errors.

    Raises:
        EncodingError: If a row is off the simplex; the message names the first such row.
    """
    rows = _check_shape(cell, fractions).astype(np.float64)
    # Written so that NaN fails.
    good = (np.abs(rows.sum(axis=1) - 1.0) <= _TOLERANCE) & (
        rows.min(axis=1, initial=0.0) >= -_TOLERANCE
    )
    if not good.all():
        row = int(np.argmin(good))
        raise EncodingError(
            f"fractions must be non-negative and sum to 1, but row {row} "
            f"{rows[row].tolist()} sums to {rows[row].sum():.10g}",
            "counts are given as an integer array",
        )
    return np.maximum(rows, 0.0)


def as_counts(cell: CellDefinition, encodings: ArrayLike) -> Counts:
    """Counts from counts (integer type) or from fractions (floating type), ``n x k``.

    Raises:
        EncodingError: If a row is no encoding of this cell, or has fractions off its grid.
    """
    rows = _check_shape(cell, encodings)
    if rows.dtype.kind != "f":
        return check_counts(cell, rows)
    blocks = check_fractions(cell, rows) * cell.total
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


def as_fractions(cell: CellDefinition, encodings: ArrayLike) -> Fractions:
    """Fractions from counts (integer type) or from fractions (floating type), ``n x k``.

    Raises:
        EncodingError: If a row is no encoding of this cell.
    """
    rows = _check_shape(cell, encodings)
    if rows.dtype.kind == "f":
        return check_fractions(cell, rows)
    counts = check_counts(cell, rows)
    fractions: Fractions = counts / counts.sum(axis=1, keepdims=True)
    return fractions


def shared_encodings(cell: CellDefinition, codes: Codes, total: int) -> tuple[Counts, Indices]:
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


def part_counts(cell: CellDefinition, codes: Codes) -> Counts:
    """The counts of each part of ``n x d`` codes, ``n x parts x k``."""
    parts = codes[:, : cell.num_blocks].reshape(len(codes), cell.parts, cell.total)
    counts: Counts = (parts[..., None] == np.arange(cell.num_operations)).sum(axis=2)
    return counts


def bound_of_architectures(cell: CellDefinition, counts: Counts) -> FloatArray:
    """The number of codes with each of ``n x k`` checked counts; infinite beyond a float."""
    total = int(counts[0].sum()) if len(counts) else cell.total
    factorials = np.array([math.lgamma(n + 1) for n in range(total + 1)])
    logarithms = factorials[total] - factorials[counts].sum(axis=1)
    with np.errstate(over="ignore"):
        arrangements = np.rint(np.exp(logarithms)) ** (cell.num_blocks // total)
        # More wirings than a float can hold are as good as infinitely many.
        return np.asarray(arrangements * float(min(math.prod(cell.wiring), 10**300)))


def rows_among(counts: Counts, listed: Counts) -> Indices:
    """The place of each of ``n x k`` counts in a sorted list of counts; -1 if it is not there."""
    if not len(listed):
        return np.full(len(counts), -1)
    total = int(listed[0].sum())
    known, wanted = count_keys(listed, total), count_keys(counts, total)
    place = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    return np.where(known[place] == wanted, place, -1)


def refuse_infeasible(cell: CellDefinition, counts: Counts, feasible: Mask) -> None:
    """Raises an `EncodingError` that names the first encoding without valid architecture."""
    if not feasible.all():
        first = counts[int(np.argmin(feasible))].tolist()
        named = zip(cell.operations, first, strict=True)
        raise EncodingError(
            f"cell {cell.name!r} has no valid architecture with the operations "
            f"{', '.join(f'{count} {name}' for name, count in named if count)}",
            "snap gives the nearest encoding that has one",
        )


def nearest(cell: CellDefinition, fractions: Fractions, feasible: Counts | None) -> Counts:
    """The nearest encodings: Bomze rounding (Eq. 1), then the nearest feasible ones.

    Args:
        cell: The cell.
        fractions: ``n x k``, checked.
        feasible: The encodings of one part that have a valid architecture, ``M x k``; None
            where all have one.

    Returns:
        ``n x k`` counts whose rows sum to ``cell.total``.

    Raises:
        EncodingError: If no encoding is feasible.
    """
    points = fractions * cell.total
    counts = bomze_round(points, cell.total)
    if feasible is None or not len(counts):
        return counts
    if not len(feasible):
        raise EncodingError(f"cell {cell.name!r} has no valid architecture at all")
    wrong = np.flatnonzero(rows_among(counts, feasible) < 0)
    counts[wrong] = nearest_of(points[wrong], feasible)
    return counts


def nearest_of(points: FloatArray, listed: Counts) -> Counts:
    """The nearest of ``M x k`` listed encodings to each of ``n x k`` points, ``n x k``."""
    counts = np.empty(points.shape, dtype=np.int64)
    for start in range(0, len(points), _CHUNK):
        chunk = points[start : start + _CHUNK]
        distance = ((chunk[:, None] - listed) ** 2).sum(axis=2)
        # Rounded, so that ties are decided by the order of the encodings, not by noise.
        counts[start : start + _CHUNK] = listed[distance.round(9).argmin(axis=1)]
    return counts


def none_with(cell: CellDefinition, fixed: Mapping[int, int]) -> EncodingError:
    """The error where no architecture has fixed counts, operation -> count."""
    named = {cell.operations[column]: value for column, value in sorted(fixed.items())}
    return EncodingError(f"no architecture of cell {cell.name!r} has the fixed counts {named}")


def count_keys(counts: Counts, total: int) -> AnyArray:
    """A sortable key for each row of ``n x k`` counts that sum to ``total``, ``n``."""
    sizes = (total + 1,) * counts.shape[1]
    return (keys.pack if keys.fits_int64(sizes) else keys.byte_keys)(counts, sizes)


def _check_shape(cell: CellDefinition, encodings: ArrayLike) -> AnyArray:
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
