"""Ax's ``fixed_parameters`` on architectures: some columns of a code given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.cells.keys import LIMIT, all_codes
from ax_anasod.exceptions import ArchitectureError

_BATCH: Final = 4096
_MAX_DRAWS: Final = 1_000_000


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
    return _listed_with_fixed(cell, tuple(sorted(fixed.items())))[0]


def forms_with_fixed(
    cell: Cell, codes: npt.NDArray[np.int64], fixed: Mapping[int, int]
) -> npt.NDArray[np.int64]:
    """Those architectures that have a code with given columns, such a code of each.

    In cells too large to list, those that have the given columns as they are.

    Args:
        cell: The cell.
        codes: ``n x d`` codes of different architectures.
        fixed: Column -> value.

    Returns:
        ``m x d`` codes.
    """
    own = (codes[:, list(fixed)] == list(fixed.values())).all(axis=1)
    if own.all() or cell.accepts_all_codes or cell.num_listed > LIMIT:
        present: npt.NDArray[np.int64] = codes[own]
        return present
    forms, known = _listed_with_fixed(cell, tuple(sorted(fixed.items())))
    wanted = cell.keys(cell.canonical(codes))
    wanted = wanted[np.isin(wanted, known)]
    order = np.argsort(known, kind="stable")
    found: npt.NDArray[np.int64] = forms[order[np.searchsorted(known, wanted, sorter=order)]]
    return found


@lru_cache(maxsize=4)
def _listed_with_fixed(
    cell: Cell, fixed: tuple[tuple[int, int], ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """The codes of :func:`list_with_fixed`, and the keys of their representatives."""
    columns, values = [column for column, _ in fixed], [value for _, value in fixed]
    # Another form of an architecture than its representative may have the fixed values.
    is_listed = isinstance(cell, RestrictedCell)
    codes = cell.enumerate() if is_listed else all_codes(cell.name, cell.code_sizes)
    codes = codes[(codes[:, columns] == values).all(axis=1)]
    codes = codes[cell.is_valid(codes)]
    keys = cell.keys(cell.canonical(codes))
    first = np.sort(np.unique(keys, return_index=True)[1])
    listed: npt.NDArray[np.int64] = codes[first]
    listed.flags.writeable = False
    return listed, keys[first]


def _none_found(cell: Cell, fixed: Mapping[int, int]) -> ArchitectureError:
    return ArchitectureError(
        f"no valid architecture of cell {cell.name!r} was found with the fixed values "
        f"{dict(fixed)} (column -> value)"
    )
