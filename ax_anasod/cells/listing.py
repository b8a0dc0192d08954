"""Architectures one by one: all of a cell, all codes of one, and those beside one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ax_anasod.cells import keys
from ax_anasod.exceptions import CellError

if TYPE_CHECKING:
    from ax_anasod.cells.cell import Cell

# Cells with more codes than this are never listed, only drawn from.
LIMIT = 10_000_000


def all_codes(cell: Cell) -> NDArray[np.int64]:
    """All codes of a cell in order, valid or not, ``num_codes x d``.

    Raises:
        CellError: If there are more than 10^7.
    """
    if cell.num_codes > LIMIT:
        raise CellError(
            f"cell {cell.name!r} has about 10^{math.log10(cell.num_codes):.1f} codes, too many "
            f"to list (the limit is {LIMIT})",
            "draw some with sample",
        )
    return keys.unpack(np.arange(cell.num_codes), cell.code_sizes)


def representatives(cell: Cell) -> NDArray[np.int64]:
    """One code for each distinct valid architecture; see `Cell.enumerate`."""
    codes = all_codes(cell)
    if cell.accepts_all_codes:
        return codes
    return codes.compress(cell.is_representative(codes), axis=0)


def neighbours(cell: Cell, own: NDArray[np.int64]) -> NDArray[np.int64]:
    """The architectures at edit distance 1; see `Cell.neighbours`.

    Args:
        cell: The cell.
        own: ``1 x d``, the representative of one architecture.

    Returns:
        ``m x d`` representatives.
    """
    # From every code of the architecture: what is one step from any of them is a neighbour,
    # or else a could be a neighbour of b but not b one of a.
    edited = np.concatenate([cell.edits(member) for member in cell.members(own[0])])
    edited = cell.canonical(edited[cell.is_valid(edited)])
    edited = edited[np.unique(cell.keys(edited), return_index=True)[1]]
    return edited.compress((edited != own).any(axis=1), axis=0)


def one_column_edits(code: NDArray[np.int64], code_sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """All codes that differ from ``code`` in one column, column by column.

    Args:
        code: ``d``.
        code_sizes: Number of alternatives of each column.

    Returns:
        ``m x d`` codes, m = sum of (alternatives - 1).
    """
    sizes = np.array(code_sizes)
    columns = np.repeat(np.arange(len(sizes)), sizes - 1)
    steps = np.concatenate([np.arange(1, size) for size in code_sizes])
    edited = np.tile(code, (len(columns), 1))
    edited[np.arange(len(columns)), columns] = (code[columns] + steps) % sizes[columns]
    return edited
