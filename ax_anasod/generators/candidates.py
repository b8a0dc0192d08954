"""The encodings that the acquisition function is evaluated on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ax_anasod.cells import Cell, ConstrainedCell
from ax_anasod.cells.encodings import count_keys
from ax_anasod.exceptions import OptionError
from ax_anasod.generators.fixed import apply_fixed_counts
from ax_anasod.simplex import concentration, enumerate_grid, rank, sample_biased, sample_uniform
from ax_anasod.typing import Counts, Fractions

# Beyond this an exhaustive evaluation takes longer than training most networks.
_EXHAUSTIVE_LIMIT = 1_000_000
_RANKABLE = 2**63 - 1


def unique_counts(counts: Counts, cell: Cell) -> Counts:
    """The distinct rows of ``m x k`` counts, in lexicographic order."""
    if cell.num_encodings <= _RANKABLE:
        # Sorting one integer a row is many times faster than sorting rows.
        _, first = np.unique(rank(counts), return_index=True)
        distinct: Counts = counts[first]
        return distinct
    return np.unique(counts, axis=0)


def exhaustive(cell: Cell) -> Counts:
    """Every encoding of the cell that some valid architecture has, ``m x k``.

    Raises:
        OptionError: The cell has too many encodings.
    """
    check_exhaustive(cell)
    return _feasible_grid(cell)


def check_exhaustive(cell: Cell) -> None:
    """Check that a cell has few enough encodings to evaluate all of them.

    Raises:
        OptionError: The cell has too many encodings.
    """
    if cell.num_encodings > _EXHAUSTIVE_LIMIT:
        raise OptionError(
            f"cell {cell.name!r} has {cell.num_encodings} encodings, more than the "
            f"{_EXHAUSTIVE_LIMIT} that optimizer='exhaustive' evaluates",
            "use optimizer='pool'",
        )


@lru_cache(maxsize=4)
def _feasible_grid(cell: Cell) -> Counts:
    grid = enumerate_grid(cell.total, cell.num_operations, limit=_EXHAUSTIVE_LIMIT)
    return grid[cell.is_feasible(grid)]


def pool_fractions(
    cell: Cell,
    size: int,
    beta: float,
    incumbent: Counts | None,
    rng: np.random.Generator,
) -> Fractions:
    """Draw from the encoding generating distribution (Algorithm 2, lines 5 and 9).

    Args:
        cell: The cell.
        size: The number of points.
        beta: Concentration around the incumbent; 0 draws uniformly.
        incumbent: The best counts seen, ``k``, of all blocks or of one part; None draws
            uniformly.
        rng: Source of randomness.

    Returns:
        Points of the simplex, ``size x k``.
    """
    if incumbent is None or beta == 0:
        return sample_uniform(cell.num_operations, size, rng)
    return sample_biased(incumbent / incumbent.sum(), beta, size, rng)


def draw_counts(
    cell: Cell,
    size: int,
    beta: float,
    incumbent: Counts | None,
    fixed: Mapping[int, int],
    rng: np.random.Generator,
) -> Counts:
    """Draw encodings from the generating distribution (:func:`pool_fractions`).

    Points are snapped to encodings. In a cell with constraints, encodings are drawn directly:
    uniformly, or with the density of the Dirichlet distribution (Eq. 3) at
    ``(n + 1/2) / (N + k/2)``, which counts of 0 do not make 0.

    Args:
        cell: The cell.
        size: The number of draws.
        beta: Concentration around the incumbent; 0 draws uniformly.
        incumbent: The best counts seen, ``k``; None draws uniformly.
        fixed: Operation index -> count that all have.
        rng: Source of randomness.

    Returns:
        Counts ``size x k``.

    Raises:
        EncodingError: The fixed counts cannot be part of an encoding.
    """
    if not isinstance(cell, ConstrainedCell):
        fractions = pool_fractions(cell, size, beta, incumbent, rng)
        return apply_fixed_counts(fractions, cell, fixed)
    weights = None
    if incumbent is not None and beta > 0:
        shares = (np.arange(cell.total + 1) + 0.5) / (cell.total + 0.5 * cell.num_operations)
        powers = concentration(incumbent / cell.total, beta) - 1
        weights = powers[:, None] * np.log(shares)
    return cell.draw_counts(size, rng, weights, fixed)


def draw_candidates(
    cell: Cell,
    size: int,
    beta: float,
    incumbent: Counts | None,
    fixed: Mapping[int, int],
    trials: Counts | None,
    rng: np.random.Generator,
) -> Counts:
    """The pool of a proposal: encodings from the generating distribution, each once.

    If all of them are exhausted (:func:`not_exhausted`), uniform draws replace them; if all of
    these are exhausted, too, an encoding may be repeated.

    Args:
        cell: The cell.
        size: The number of draws.
        beta: Concentration around the incumbent; 0 draws uniformly.
        incumbent: The best counts seen, ``k``; None draws uniformly.
        fixed: Operation index -> count that every candidate has.
        trials: Counts of all trials so far, ``n x k``; None lets every encoding be repeated
            for ever.
        rng: Source of randomness.

    Returns:
        Counts ``m x k``, m >= 1, in lexicographic order.

    Raises:
        EncodingError: The fixed counts cannot be part of an encoding.
    """
    counts = np.empty((0, cell.num_operations), dtype=np.int64)
    for bias in (beta, 0.0):
        counts = unique_counts(draw_counts(cell, size, bias, incumbent, fixed, rng), cell)
        left = counts if trials is None else not_exhausted(counts, trials, cell)
        if len(left):
            return left
    return counts


def not_exhausted(counts: Counts, trials: Counts, cell: Cell) -> Counts:
    """The encodings that have had fewer trials than they have architectures.

    Each further trial of an encoding should evaluate another of its architectures. But an
    encoding with the same operation in all blocks has only one architecture. Once it is the
    best, the trust region closes around it: without this filter, the search would evaluate it
    again and again.

    Args:
        counts: ``m x k`` encodings.
        trials: Counts of all trials so far, ``n x k``.
        cell: The cell.

    Returns:
        The encodings that are left, in their order.
    """
    seen, times = np.unique(count_keys(trials, cell.total), return_counts=True)
    if not len(seen):
        return counts
    keys = count_keys(counts, cell.total)
    place = np.minimum(np.searchsorted(seen, keys), len(seen) - 1)
    tried = np.where(seen[place] == keys, times[place], 0)
    left: Counts = counts[tried < cell.num_architectures(counts)]
    return left
