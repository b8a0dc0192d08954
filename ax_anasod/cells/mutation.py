"""Small changes of architectures, many at once: some at random, or all of one column."""

from __future__ import annotations

import numpy as np

from ax_anasod.cells.decoding import check_generator
from ax_anasod.cells.definition import CellDefinition
from ax_anasod.exceptions import OptionError
from ax_anasod.typing import ArrayLike, Codes


def mutate(
    cell: CellDefinition, codes: ArrayLike, rng: np.random.Generator, rate: float = 1.0
) -> Codes:
    """Draws one mutant of each code, leaving out those that are no other architecture.

    Each of the ``d`` columns (operations and wiring choices) takes another value with
    probability ``rate / d``, all others being equally likely, independently of the rest.
    Repeat a code to get several mutants.

    Source: the mutation of White et al., "BANANAS" (AAAI 2021).

    Args:
        cell: The cell.
        codes: ``n x d`` codes.
        rng: The source of randomness.
        rate: Expected number of changes, above 0 and at most ``d``.

    Returns:
        ``m x d`` valid representatives (m <= n), in the order of ``codes``, each a different
        architecture from the one it was made of.

    Raises:
        ArchitectureError: If a code is malformed.
        OptionError: If ``rate`` is out of range, or ``rng`` is no generator.

    Example:
        >>> from ax_anasod import cells
        >>> cell = cells.Cell("mine", operations=["conv", "skip"], num_blocks=3)
        >>> mutate(cell, [[0, 0, 0]] * 4, np.random.default_rng(1), rate=3.0).tolist()
        [[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]]
    """
    check_generator(rng)
    own = cell.canonical(codes)
    sizes = np.array(cell.code_sizes)
    n, d = len(own), len(sizes)
    if not 0 < rate <= d:  # written so that NaN fails
        raise OptionError(f"rate must be above 0 and at most {d} (the columns), got {rate}")
    changed = rng.random((n, d)) < rate / d
    steps = rng.integers(1, sizes, size=(n, d))
    mutants = np.where(changed, (own + steps) % sizes, own)
    valid = cell.is_valid(mutants)
    mutants, own = cell.canonical(mutants[valid]), own[valid]
    return mutants.compress((mutants != own).any(axis=1), axis=0)


def one_column_edits(code: Codes, code_sizes: tuple[int, ...]) -> Codes:
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
