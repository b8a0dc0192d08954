"""The regular grid of encodings on the simplex.

An encoding of a cell with N blocks (`total`) and k operations (`num_operations`)
is a row of k non-negative counts that sum to N (paper, Section 3.1). The grid of
all of them is ordered lexicographically throughout: enumeration, rank and unrank
agree row by row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from ax_anasod.exceptions import EncodingError, OptionError
from ax_anasod.simplex.counts import validate_counts, whole_number
from ax_anasod.typing import Indices

_INT64_MAX = np.iinfo(np.int64).max
_LARGEST_SIZE = 1_000_000  # blocks or operations; keeps the tables of binomials small


def num_encodings(total: int, num_operations: int) -> int:
    """Number of encodings, C(N + k - 1, k - 1), as an exact Python int.

    Source: paper, Section 3.1.

    Args:
        total: Number of blocks N, from 1 to 10^6.
        num_operations: Number of operations k, from 1 to 10^6.

    Raises:
        OptionError: If one of them is no whole number, or out of range.

    Example:
        >>> num_encodings(6, 5), num_encodings(14, 8)
        (210, 116280)
    """
    total, num_operations = _check_size(total, num_operations)
    return math.comb(total + num_operations - 1, num_operations - 1)


def iterate_grid(total: int, num_operations: int) -> Iterator[tuple[int, ...]]:
    """Walks the grid in lexicographic order without ever holding more than one encoding.

    Args:
        total: Number of blocks N, from 1 to 10^6.
        num_operations: Number of operations k, from 1 to 10^6.

    Raises:
        OptionError: If one of them is no whole number, or out of range.

    Example:
        >>> list(iterate_grid(1, 3))
        [(0, 0, 1), (0, 1, 0), (1, 0, 0)]
    """
    return _walk(*_check_size(total, num_operations))


def _walk(total: int, num_operations: int) -> Iterator[tuple[int, ...]]:
    counts = [0] * num_operations
    counts[-1] = total
    last = num_operations - 1  # the last operation with a block
    while True:
        yield tuple(counts)
        if last == 0:
            return
        # The lexicographic successor moves one block to the left of the last block,
        # and all others of its operation to the far right.
        moved = counts[last]
        counts[last] = 0
        counts[last - 1] += 1
        counts[-1] = moved - 1
        last = num_operations - 1 if moved > 1 else last - 1


def enumerate_grid(total: int, num_operations: int, *, limit: int = 1_000_000) -> Indices:
    """All encodings as one array, in lexicographic order.

    Args:
        total: Number of blocks N, from 1 to 10^6.
        num_operations: Number of operations k, from 1 to 10^6.
        limit: Largest number of rows that is built. The default holds the grids that
            fit in memory beside a model (96 MB at k = 12).

    Returns:
        ``M x k`` counts, M = `num_encodings(total, num_operations)`.

    Raises:
        OptionError: If the grid has more than ``limit`` rows, or the size is invalid.

    Example:
        >>> enumerate_grid(2, 2)
        array([[0, 2],
               [1, 1],
               [2, 0]])
    """
    total, num_operations = _check_size(total, num_operations)
    size = num_encodings(total, num_operations)
    if size > whole_number("limit", limit, 0):
        raise OptionError(
            f"a grid of {size} encodings (total {total}, {num_operations} operations) is above "
            f"the limit of {limit}",
            "walk it with iterate_grid, draw from it, or raise the limit",
        )
    table = _suffix_table(total, num_operations)
    grid = np.empty((size, num_operations), dtype=np.int64)
    rest = np.array([total], dtype=np.int64)  # blocks left in each distinct prefix
    for column in range(num_operations - 1):
        width = rest + 1
        ends = np.cumsum(width)
        value = np.arange(ends[-1]) - np.repeat(ends - width, width)
        rest = np.repeat(rest, width) - value
        # Each prefix is repeated as often as it can be completed.
        grid[:, column] = np.repeat(value, table[num_operations - column - 2, rest])
    grid[:, -1] = rest
    return grid


def rank(counts: ArrayLike) -> Indices:
    """Position of each encoding in the lexicographic order of its grid.

    Args:
        counts: ``n x k`` counts, all rows with the same sum; ``k`` is one row.

    Returns:
        ``n`` ranks from 0 to `num_encodings` - 1.

    Raises:
        EncodingError: If the counts are invalid, or the rows have different sums.
        OptionError: If the grid has more encodings than an int64 can number.

    Example:
        >>> rank([[0, 0, 5], [1, 1, 3], [5, 0, 0]])
        array([ 0,  7, 20])
    """
    rows = validate_counts(counts)
    if len(rows) == 0:
        return np.zeros(0, dtype=np.int64)
    total, num_operations = int(rows[0].sum()), rows.shape[1]
    rows = validate_counts(rows, total)
    _check_rankable(total, num_operations)
    table = _suffix_table(total, num_operations)
    ranks = np.zeros(len(rows), dtype=np.int64)
    rest = np.full(len(rows), total, dtype=np.int64)
    for column in range(num_operations - 1):
        # Encodings with the same prefix and fewer blocks here, by the hockey-stick
        # identity: C(r + m, m) - C(r - c + m, m) with m operations to the right.
        to_the_right = table[num_operations - column - 1]
        ranks += to_the_right[rest]
        rest -= rows[:, column]
        ranks -= to_the_right[rest]
    return ranks


def unrank(ranks: ArrayLike, total: int, num_operations: int) -> Indices:
    """The encodings at the given positions of the lexicographic order; inverse of `rank`.

    Args:
        ranks: ``n`` integers from 0 to `num_encodings` - 1; a scalar is one rank.
        total: Number of blocks N, from 1 to 10^6.
        num_operations: Number of operations k, from 1 to 10^6.

    Returns:
        ``n x k`` counts.

    Raises:
        OptionError: If a rank is no integer or outside the grid, the size is invalid,
            or the grid has more encodings than an int64 can number.

    Example:
        >>> unrank([0, 7, 20], total=5, num_operations=3)
        array([[0, 0, 5],
               [1, 1, 3],
               [5, 0, 0]])
    """
    total, num_operations = _check_size(total, num_operations)
    size = _check_rankable(total, num_operations)
    left = _check_ranks(ranks, size)  # encodings still to skip, those before this prefix gone
    table = _suffix_table(total, num_operations)
    counts = np.empty((len(left), num_operations), dtype=np.int64)
    rest = np.full(len(left), total, dtype=np.int64)
    for column in range(num_operations - 1):
        to_the_right = table[num_operations - column - 1]
        ahead = to_the_right[rest] - left
        after = np.searchsorted(to_the_right, ahead, side="left")
        counts[:, column] = rest - after
        left = to_the_right[after] - ahead
        rest = after
    counts[:, -1] = rest
    return counts


def neighbours(counts: ArrayLike) -> Indices:
    """Adjacent grid points: one block moved from one operation to another.

    Source: paper, Appendix A.1 (local search).

    Args:
        counts: ``k`` counts of one encoding.

    Returns:
        ``m x k`` counts, m = (operations with a block) x (k - 1), ordered by the
        operation that gives the block, then by the one that takes it.

    Raises:
        EncodingError: If ``counts`` is no encoding, or more than one.

    Example:
        >>> neighbours([1, 1, 3]).tolist()
        [[0, 2, 3], [0, 1, 4], [2, 0, 3], [1, 0, 4], [2, 1, 2], [1, 2, 2]]
    """
    rows = validate_counts(counts)
    if len(rows) != 1:
        raise EncodingError(f"neighbours takes the counts of one encoding, got {len(rows)}")
    row = rows[0]
    giver, taker = np.nonzero((row > 0)[:, None] & ~np.eye(len(row), dtype=bool))
    moved = np.repeat(rows, len(giver), axis=0)
    which = np.arange(len(giver))
    moved[which, giver] -= 1
    moved[which, taker] += 1
    return moved


def _check_size(total: int, num_operations: int) -> tuple[int, int]:
    return (
        whole_number("total", total, 1, _LARGEST_SIZE),
        whole_number("num_operations", num_operations, 1, _LARGEST_SIZE),
    )


def _check_rankable(total: int, num_operations: int) -> int:
    """Size of the grid; raises an error if an int64 cannot number it."""
    size = num_encodings(total, num_operations)
    if size > _INT64_MAX:
        raise OptionError(
            f"a grid of {size} encodings (total {total}, {num_operations} operations) has no "
            f"64-bit ranks, which end at {_INT64_MAX}"
        )
    return size


def _check_ranks(ranks: ArrayLike, size: int) -> Indices:
    array = np.atleast_1d(np.asarray(ranks))
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise OptionError(f"ranks must be a row of integers, got {ranks!r}")
    outside = (array < 0) | (array >= size)
    if outside.any():
        raise OptionError(
            f"rank {array[outside][0]} is outside the grid, whose ranks are 0 to {size - 1}"
        )
    return array.astype(np.int64, copy=False)


def _suffix_table(total: int, num_operations: int) -> Indices:
    """``k x (N + 1)`` table of C(s + m, m): encodings of s blocks in m + 1 operations."""
    table = np.ones((num_operations, total + 1), dtype=np.int64)
    for row in range(1, num_operations):
        np.cumsum(table[row - 1], out=table[row])
    return table
