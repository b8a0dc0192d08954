"""From an encoding to architectures: shuffle and categorical decoding.

Both are described in Section 3.1 of the paper. *Shuffle* takes the counts literally and
permutes them over the blocks; *categorical* draws each block from the fractions (Eq. 2).
Where a cell has invalid codes, or several codes of the same architecture, draws that are
not the one valid representative are rejected, which leaves the accepted ones uniform over
the distinct valid architectures of the encoding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ax_anasod.cells.encodings import as_counts, as_fractions, require_feasible
from ax_anasod.exceptions import EncodingError, OptionError, UnknownNameError

if TYPE_CHECKING:
    from ax_anasod.cells.cell import Cell

METHODS = ("shuffle", "categorical")

# A few rows that are hard to satisfy get up to this many candidates at a time, so that they
# do not cost one round of array operations for each draw.
_BATCH = 4096
_MAX_REJECTED = 1_000_000

Draw = Callable[[NDArray[np.int64]], NDArray[np.int64]]
Accept = Callable[[NDArray[np.int64]], NDArray[np.bool_]]


def decode(
    cell: Cell, encodings: ArrayLike, rng: np.random.Generator, method: str = "shuffle"
) -> NDArray[np.int64]:
    """Draws one architecture for each encoding; see `Cell.decode`."""
    check_method(method)
    check_generator(rng)
    if method == "shuffle":
        counts = as_counts(cell, encodings)
        require_feasible(cell, counts)
        return draw_valid(cell, len(counts), lambda rows: _shuffle(cell, counts[rows], rng))
    fractions = as_fractions(cell, encodings)
    return draw_valid(cell, len(fractions), lambda rows: _categorical(cell, fractions[rows], rng))


def sample(cell: Cell, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draws ``n`` architectures uniformly over the distinct valid ones, ``n x d``."""
    check_generator(rng)
    sizes = np.array(cell.code_sizes)

    def draw(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return rng.integers(0, sizes, size=(len(rows), len(sizes)), dtype=np.int64)

    return draw_valid(cell, n, draw)


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


def draw_valid(cell: Cell, n: int, draw: Draw) -> NDArray[np.int64]:
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


def draw_accepted(cell: Cell, n: int, draw: Draw, accept: Accept) -> NDArray[np.int64]:
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


def _shuffle(cell: Cell, counts: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A random arrangement of the counts over the blocks, ``n x d``."""
    n = len(counts)
    # Encodings of one part are dealt to every part; those of all blocks are dealt once.
    blocks_dealt = int(counts[0].sum()) if n else cell.num_blocks
    codes = np.empty((n, len(cell.code_sizes)), dtype=np.int64)
    for first in range(0, cell.num_blocks, blocks_dealt):
        blocks = _multiset(counts, blocks_dealt)
        _permute(blocks, rng)
        codes[:, first : first + blocks_dealt] = blocks.T
    _choose_wiring(cell, codes, rng)
    return codes


def _multiset(counts: NDArray[np.int64], total: int) -> NDArray[Any]:
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


def _permute(blocks: NDArray[Any], rng: np.random.Generator) -> None:
    """Permutes each column of ``blocks`` in place (Fisher-Yates, all columns at once)."""
    total, n = blocks.shape
    flat = blocks.reshape(-1)
    columns = np.arange(n)
    for last in range(total - 1, 0, -1):
        other = rng.integers(0, last + 1, size=n, dtype=np.uint32) * np.int64(n) + columns
        kept = flat.take(other)
        flat[other] = blocks[last]
        blocks[last] = kept


def _categorical(
    cell: Cell, fractions: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
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
    _choose_wiring(cell, codes, rng)
    return codes


def _choose_wiring(cell: Cell, codes: NDArray[np.int64], rng: np.random.Generator) -> None:
    for column, alternatives in enumerate(cell.wiring, start=cell.num_blocks):
        codes[:, column] = rng.integers(0, alternatives, size=len(codes))
