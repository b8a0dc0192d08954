"""Codes as single sortable values, for lookups without a Python dictionary; and all codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ax_anasod.exceptions import CellError
from ax_anasod.typing import AnyArray, Codes, Indices

# Cells with more codes than this are never listed, only drawn from.
LIMIT = 10_000_000

LISTED = 100_000
"""Most codes of a cell for which known quantities are computed for all architectures."""

_INT64_MAX = np.iinfo(np.int64).max


def fits_int64(code_sizes: Sequence[int]) -> bool:
    """Return True if all codes of these sizes have different int64 keys."""
    return math.prod(code_sizes) - 1 <= _INT64_MAX


def pack(codes: Codes, code_sizes: Sequence[int]) -> Indices:
    """Mixed-radix value of each code; the order of the values is that of the codes.

    Args:
        codes: ``n x d`` codes.
        code_sizes: Number of alternatives of each of the ``d`` columns, whose product
            fits an int64 (see `fits_int64`).

    Returns:
        ``n`` keys from 0 to the product of ``code_sizes`` - 1.
    """
    # Horner's rule by columns: int64 matrix products are not vectorised by NumPy.
    value = np.zeros(len(codes), dtype=np.int64)
    for column, size in enumerate(code_sizes):
        value *= size
        value += codes[:, column]
    return value


def unpack(packed: Indices, code_sizes: Sequence[int]) -> Codes:
    """Inverse of `pack`: ``n`` keys to ``n x d`` codes."""
    codes = np.empty((len(packed), len(code_sizes)), dtype=np.int64)
    rest = packed
    for column in range(len(code_sizes) - 1, -1, -1):
        rest, codes[:, column] = np.divmod(rest, code_sizes[column])
    return codes


def compact_dtype(code_sizes: Sequence[int]) -> np.dtype[Any]:
    """Smallest unsigned big-endian type that holds every column of a code."""
    largest = max(code_sizes) - 1
    return np.dtype(np.min_scalar_type(largest)).newbyteorder(">")


def byte_keys(codes: Codes, code_sizes: Sequence[int]) -> AnyArray:
    """Byte string of each code, for cells too large for `pack`.

    Big-endian columns side by side, so that the bytes sort as the codes do. All keys have
    the same width; NumPy drops zero bytes at the end when it prints or returns one, and
    ignores them in comparisons, which therefore stay exact.

    Args:
        codes: ``n x d`` codes.
        code_sizes: Number of alternatives of each of the ``d`` columns.

    Returns:
        ``n`` keys of a bytes type (``S``).
    """
    compact = np.ascontiguousarray(codes, dtype=compact_dtype(code_sizes))
    return compact.view(f"S{compact.itemsize * compact.shape[1]}")[:, 0]


def all_codes(name: str, code_sizes: Sequence[int]) -> Codes:
    """All codes of a cell in order, valid or not, ``num_codes x d``.

    Args:
        name: The name of the cell.
        code_sizes: Number of alternatives of each of the ``d`` columns.

    Raises:
        CellError: If the cell has more than 10^7 codes.
    """
    number = math.prod(code_sizes)
    if number > LIMIT:
        raise CellError(
            f"cell {name!r} has about 10^{math.log10(number):.1f} codes, too many to list (the "
            f"limit is {LIMIT})",
            "draw some with sample",
        )
    return unpack(np.arange(number), code_sizes)
