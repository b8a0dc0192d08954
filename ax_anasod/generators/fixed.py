"""Ax's ``fixed_parameters``: some counts of an encoding or columns of a code are given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np

from ax_anasod.cells import Cell, ConstrainedCell, RestrictedCell
from ax_anasod.cells.keys import LIMIT, all_codes
from ax_anasod.exceptions import ArchitectureError, EncodingError
from ax_anasod.simplex import bomze_round
from ax_anasod.typing import AnyArray, Codes, Counts, Fractions, Indices

_CHUNK: Final = 1024  # encodings compared with all feasible ones at a time
_BATCH: Final = 4096
_MAX_DRAWS: Final = 1_000_000


def apply_fixed_counts(fractions: Fractions, cell: Cell, fixed: Mapping[int, int]) -> Counts:
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
    if isinstance(cell, ConstrainedCell):
        return cell.nearest(points, fixed)
    return _nearest_feasible(points, counts, cell, columns, values)


def _nearest_feasible(
    points: Fractions,
    counts: Counts,
    cell: Cell,
    columns: Indices,
    values: Indices,
) -> Counts:
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
        # Several encodings are equally near to whole counts, and the first would always win.
        distance = ((points[chunk, None] - allowed) ** 2).sum(axis=2)
        counts[chunk] = allowed[distance.argmin(axis=1)]
    return counts


def _named(cell: Cell, columns: Indices, values: Indices) -> dict[str, int]:
    return {cell.operations[int(c)]: int(v) for c, v in zip(columns, values, strict=True)}


def draw_with_fixed(
    cell: Cell, n: int, fixed: Mapping[int, int], rng: np.random.Generator
) -> Codes:
    """Draw valid codes with given columns.

    Args:
        cell: The cell.
        n: The number of codes.
        fixed: Column -> value.
        rng: Source of randomness.

    Returns:
        Codes ``n x d``.

    Raises:
        ArchitectureError: There are no such codes, or a million draws found none.
    """
    columns, values = list(fixed), list(fixed.values())
    if isinstance(cell, RestrictedCell):
        # Few of all codes may be left, so that drawing from all might find none.
        present = cell.enumerate()
        present = present[(present[:, columns] == values).all(axis=1)]
        if not len(present):
            raise _none_found(cell, fixed)
        drawn: Codes = present[rng.integers(len(present), size=n)]
        return drawn
    if isinstance(cell, ConstrainedCell):
        try:
            return cell.sample_with(n, fixed, rng)
        except EncodingError:
            raise _none_found(cell, fixed) from None
    found = np.empty((0, len(cell.code_sizes)), dtype=np.int64)
    for _ in range(0, _MAX_DRAWS, _BATCH):
        codes = rng.integers(0, cell.code_sizes, size=(_BATCH, len(cell.code_sizes)))
        codes[:, columns] = values
        found = np.concatenate([found, codes[cell.is_valid(codes)]])
        if len(found) >= n:
            return found[:n]
    raise _none_found(cell, fixed)


def list_with_fixed(cell: Cell, fixed: Mapping[int, int]) -> Codes:
    """A code with given columns of each architecture that has such a code, ``m x d``.

    Args:
        cell: A cell that can be listed.
        fixed: Column -> value.
    """
    return _listed_with_fixed(cell, tuple(sorted(fixed.items())))[0]


def forms_with_fixed(cell: Cell, codes: Codes, fixed: Mapping[int, int]) -> Codes:
    """A code with given columns of each given architecture that has such a code.

    In cells too large to list, only codes that already have the given columns are found.

    Args:
        cell: The cell.
        codes: ``n x d`` codes of different architectures.
        fixed: Column -> value.

    Returns:
        ``m x d`` codes.
    """
    own = (codes[:, list(fixed)] == list(fixed.values())).all(axis=1)
    if own.all() or cell.accepts_all_codes or cell.num_listed > LIMIT:
        present: Codes = codes[own]
        return present
    forms, known = _listed_with_fixed(cell, tuple(sorted(fixed.items())))
    wanted = cell.keys(cell.canonical(codes))
    wanted = wanted[np.isin(wanted, known)]
    order = np.argsort(known, kind="stable")
    found: Codes = forms[order[np.searchsorted(known, wanted, sorter=order)]]
    return found


@lru_cache(maxsize=4)
def _listed_with_fixed(cell: Cell, fixed: tuple[tuple[int, int], ...]) -> tuple[Codes, AnyArray]:
    """The codes of :func:`list_with_fixed`, and the keys of their representatives."""
    columns, values = [column for column, _ in fixed], [value for _, value in fixed]
    # A form of an architecture other than its representative may have the fixed values.
    is_listed = isinstance(cell, RestrictedCell)
    codes = cell.enumerate() if is_listed else all_codes(cell.name, cell.code_sizes)
    codes = codes[(codes[:, columns] == values).all(axis=1)]
    codes = codes[cell.is_valid(codes)]
    keys = cell.keys(cell.canonical(codes))
    first = np.sort(np.unique(keys, return_index=True)[1])
    listed: Codes = codes[first]
    listed.flags.writeable = False
    return listed, keys[first]


def _none_found(cell: Cell, fixed: Mapping[int, int]) -> ArchitectureError:
    return ArchitectureError(
        f"no valid architecture of cell {cell.name!r} was found with the fixed values "
        f"{dict(fixed)} (column -> value)"
    )
