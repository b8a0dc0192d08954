"""From an encoding to architectures: shuffle and categorical decoding.

Both are described in Section 3.1 of the paper. *Shuffle* takes the counts literally and
permutes them over the blocks; *categorical* draws each block from the fractions (Eq. 2).
Where a cell has invalid codes, or several codes of the same architecture, draws that are
not the one valid representative are rejected, which leaves the accepted ones uniform over
the distinct valid architectures of the encoding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ax_anasod.cells.definition import CellDefinition
from ax_anasod.exceptions import EncodingError, OptionError, UnknownNameError
from ax_anasod.typing import AnyArray, Codes, Counts, Fractions, Indices, Mask

METHODS = ("shuffle", "categorical")

# A few rows that are hard to satisfy get up to this many candidates at a time, so that they
# do not cost one round of array operations for each draw.
_BATCH = 4096
_MAX_REJECTED = 1_000_000

Draw = Callable[[Indices], Codes]
Accept = Callable[[Codes], Mask]


def check_method(method: str) -> None:
    """Raises an `UnknownNameError` if there is no such way to decode."""
    if method not in METHODS:
        raise UnknownNameError("decoding method", str(method), METHODS)


def check_generator(rng: object) -> None:
    """Raises an `OptionError` if ``rng`` is no NumPy generator."""
    if not isinstance(rng, np.random.Generator):
        raise OptionError(
            f"rng must be a numpy.random.Generator, got {rng!r}",
            "numpy.random.default_rng(seed) makes one",
        )


def shuffle(cell: CellDefinition, counts: Counts, rng: np.random.Generator) -> Codes:
    """Architectures with exactly these counts, uniform over the distinct valid ones.

    Args:
        cell: The cell.
        counts: ``n x k``, checked, each with a valid architecture; of one part, which every
            part gets, or of all blocks together.
        rng: The source of randomness.

    Returns:
        ``n x d`` codes.
    """
    return draw_valid(cell, len(counts), lambda rows: _shuffle(cell, counts[rows], rng))


def categorical(cell: CellDefinition, fractions: Fractions, rng: np.random.Generator) -> Codes:
    """Architectures whose blocks are independent draws (Eq. 2), given that they are valid.

    Args:
        cell: The cell.
        fractions: ``n x k``, checked.
        rng: The source of randomness.

    Returns:
        ``n x d`` codes.
    """
    return draw_valid(cell, len(fractions), lambda rows: _categorical(cell, fractions[rows], rng))


def uniform(cell: CellDefinition, n: int, rng: np.random.Generator) -> Codes:
    """``n`` architectures uniformly over the distinct valid ones, ``n x d``."""
    sizes = np.array(cell.code_sizes)

    def draw(rows: Indices) -> Codes:
        return rng.integers(0, sizes, size=(len(rows), len(sizes)), dtype=np.int64)

    return draw_valid(cell, n, draw)


def draw_valid(cell: CellDefinition, n: int, draw: Draw) -> Codes:
    """Draws until each of ``n`` rows is a valid representative.

    Args:
        cell: The cell that says what is valid.
        n: Number of rows.
        draw: Takes the numbers of the rows to draw (repeats allowed) and returns one
            independent code for each.

    Returns:
        ``n x d`` codes.

    Raises:
        EncodingError: If a million draws in a row are all rejected.
    """
    if cell.accepts_all_codes:
        return draw(np.arange(n))
    return draw_accepted(cell, n, draw, cell.is_representative)


def draw_accepted(cell: CellDefinition, n: int, draw: Draw, accept: Accept) -> Codes:
    """Draws until each of ``n`` rows is accepted.

    Args:
        cell: The cell of the codes.
        n: Number of rows.
        draw: As in `draw_valid`.
        accept: Says of ``m x d`` codes which ones may stay, ``m`` booleans.

    Returns:
        ``n x d`` codes.

    Raises:
        EncodingError: If a million draws in a row are all rejected.
    """
    codes = np.empty((n, len(cell.code_sizes)), dtype=np.int64)
    pending, rejected, repeat = np.arange(n), 0, 1
    while len(pending):
        if rejected > _MAX_REJECTED:
            raise EncodingError(
                f"cell {cell.name!r} found no valid architecture for encoding number "
                f"{pending[0]} in {rejected} draws"
            )
        candidates = draw(np.repeat(pending, repeat))
        good = accept(candidates).reshape(len(pending), repeat)
        found, first = good.any(axis=1), good.argmax(axis=1)
        chosen = (np.arange(len(pending)) * repeat + first)[found]
        codes[pending[found]] = candidates[chosen]
        pending, rejected = pending[~found], 0 if found.any() else rejected + len(candidates)
        repeat = min(2 * repeat, max(1, _BATCH // (len(pending) + 1)))
    return codes


def _shuffle(cell: CellDefinition, counts: Counts, rng: np.random.Generator) -> Codes:
    """A random arrangement of the counts over the blocks, ``n x d``."""
    n = len(counts)
    # Encodings of one part are dealt to every part; those of all blocks are dealt once.
    blocks_dealt = int(counts[0].sum()) if n else cell.num_blocks
    codes = np.empty((n, len(cell.code_sizes)), dtype=np.int64)
    for first in range(0, cell.num_blocks, blocks_dealt):
        blocks = multiset(counts, blocks_dealt)
        _permute(blocks, rng)
        codes[:, first : first + blocks_dealt] = blocks.T
    choose_wiring(cell, codes, rng)
    return codes


def multiset(counts: Counts, total: int) -> AnyArray:
    """Operations in ascending order, as often as counted: ``n x k`` to ``total x n``.

    Blocks are rows here, so that every step works on contiguous memory.
    """
    ends = np.cumsum(counts.T, axis=0)  # k x n
    columns = np.arange(len(counts))
    blocks = np.zeros((total + 1, len(counts)), dtype=np.min_scalar_type(counts.shape[1]))
    for end in ends[:-1]:
        blocks[end, columns] += 1  # the next operation starts here
    for position in range(1, total):
        blocks[position] += blocks[position - 1]
    return blocks[:total]


def _permute(blocks: AnyArray, rng: np.random.Generator) -> None:
    """Permutes each column of ``blocks`` in place (Fisher-Yates, all columns at once)."""
    total, n = blocks.shape
    flat = blocks.reshape(-1)
    columns = np.arange(n)
    for last in range(total - 1, 0, -1):
        other = rng.integers(0, last + 1, size=n, dtype=np.uint32) * np.int64(n) + columns
        kept = flat.take(other)
        flat[other] = blocks[last]
        blocks[last] = kept


def _categorical(cell: CellDefinition, fractions: Fractions, rng: np.random.Generator) -> Codes:
    """Each block an independent draw from the fractions (Eq. 2), ``n x d``."""
    ends = np.cumsum(fractions, axis=1)
    # Exactly 1 from the last operation with a positive fraction on, so that rounding
    # errors never select an operation whose fraction is 0.
    ends = (ends / ends[:, -1:]).T  # k x n
    codes = np.empty((len(fractions), len(cell.code_sizes)), dtype=np.int64)
    # A few columns at a time stay in the processor's cache over all k comparisons.
    for start in range(0, len(fractions), _BATCH):
        chunk = ends[:, start : start + _BATCH]
        draws = rng.random((cell.num_blocks, chunk.shape[1]))
        blocks = np.zeros(draws.shape, dtype=np.min_scalar_type(cell.num_operations))
        for end in chunk[:-1]:
            blocks += draws >= end
        codes[start : start + _BATCH, : cell.num_blocks] = blocks.T
    choose_wiring(cell, codes, rng)
    return codes


def choose_wiring(cell: CellDefinition, codes: Codes, rng: np.random.Generator) -> None:
    """Draws the wiring of ``n x d`` codes uniformly, in place."""
    for column, alternatives in enumerate(cell.wiring, start=cell.num_blocks):
        codes[:, column] = rng.integers(0, alternatives, size=len(codes))
