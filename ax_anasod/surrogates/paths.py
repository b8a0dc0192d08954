"""The functions that the paths through an architecture compute."""

from __future__ import annotations

from typing import Final

import numpy as np

from ax_anasod.cells import BlockGraph, Cell, full_cell
from ax_anasod.cells.graph import IDENTITY_OPERATIONS, ZERO_OPERATIONS
from ax_anasod.typing import Codes, Indices

# Cells with more paths are not compared by them: the number grows exponentially with depth.
_MOST_PATHS: Final = 128
PATH_BASE: Final = 4096
"""Larger than any number of an operation or input of a path."""
# So many digits fit 64 bits.
_EXACT: Final = 5
_ODD: Final = 0x1E3779B97F4A7C15


def num_paths(cell: Cell) -> int | None:
    """The most paths that an architecture can have, over all parts.

    None where there are more than 128, or where the cell does not say which block reads
    which: a user's plain cell, whose blocks need not be the chain that `Cell` draws. None, too,
    where every block reads all before it: any of its blocks then make a path, in their order.
    """
    base = full_cell(cell)
    if type(base).block_graph is Cell.block_graph:
        return None
    static = base.block_graph
    if static.residual:
        return None
    widths = _widths(static)
    total = len(static.part_names) * sum(widths[state] for state in static.possible_outputs)
    return total if total <= _MOST_PATHS else None


def effective_paths(cell: Cell, codes: Codes) -> Indices:
    """The function that each path from an input to an output computes.

    A path is its input and the sequence of its operations; those that pass their input on
    unchanged are left out, and a path with an operation that passes nothing on does not
    exist. Two architectures that compute the same function have the same paths, each as
    often, whichever blocks the operations lie on (the converse does not hold).

    Args:
        cell: A cell for which :func:`num_paths` is a number W; operations are recognised by
            their names (:data:`ZERO_OPERATIONS`, :data:`IDENTITY_OPERATIONS`).
        codes: ``n x d`` codes.

    Returns:
        ``n x W x L``, the paths in no particular order; L is one more than the operations of
        the longest. A path is a row of positive numbers, the last operation first and the
        input at its end, then zeros; a row of zeros is no path. Inputs of different parts
        have different numbers.

    Example:
        >>> from ax_anasod import cells
        >>> cell = cells.get("nas-bench-201")
        >>> none, skip, conv = 0, 1, 3
        >>> effective_paths(cell, np.array([[conv, none, skip, skip, none, conv]])).tolist()
        [[[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [5, 5, 1, 0]]]
    """
    static = cell.block_graph
    sources, outputs = cell.sources(codes), cell.outputs(codes)
    parts, blocks = len(static.part_names), static.blocks_per_part
    found = []
    for part in range(parts):
        own = slice(part * blocks, (part + 1) * blocks)
        states = _follow(cell, codes[:, own], sources[:, own], first=part * static.num_inputs + 1)
        found += [
            np.where(outputs[:, part, state, None, None], states[state], 0)
            for state in static.possible_outputs
        ]
    return np.concatenate(found, axis=1)


def path_numbers(paths: Indices) -> Indices:
    """One number for each path, ``n x W x L`` to ``n x W``: equal where the paths are.

    Exact where the digits fit 64 bits; longer ones are hashed to 64 bits. 0 where there is no
    path.
    """
    # A power of two would push the first digits of a long path out of the number.
    base = np.int64(PATH_BASE if paths.shape[2] <= _EXACT else _ODD)
    numbers = np.zeros(paths.shape[:2], dtype=np.int64)
    for column in range(paths.shape[2]):
        numbers = numbers * base + paths[:, :, column]
    return numbers


def _widths(static: BlockGraph) -> list[int]:
    """The most paths that lead to each state."""
    widths = [1] * static.num_inputs + [0] * (static.num_states - static.num_inputs)
    for block in np.argsort(static.targets, kind="stable"):
        widths[static.targets[block]] += max(widths[s] for s in static.possible_sources[block])
    return widths


def _follow(cell: Cell, operations: Indices, sources: Indices, first: int) -> list[Indices]:
    """The paths to each state of one part, ``n x (most paths to it) x L`` each.

    Args:
        cell: The cell.
        operations: ``n x blocks_per_part`` operations.
        sources: ``n x blocks_per_part`` states that they read.
        first: The number of the first input.
    """
    static, n = cell.block_graph, len(operations)
    zero, identity = (
        np.array([name in names for name in cell.operations])
        for names in (ZERO_OPERATIONS, IDENTITY_OPERATIONS)
    )
    # Operations come after the inputs of all parts.
    first_operation = 1 + len(static.part_names) * static.num_inputs
    length = 1 + static.longest_path
    states = [np.zeros((n, 1, length), dtype=np.int64) for _ in range(static.num_inputs)]
    for i, state in enumerate(states):
        state[:, 0, 0] = first + i
    empty = np.zeros((n, 0, length), dtype=np.int64)
    states += [empty] * (static.num_states - static.num_inputs)
    for block in np.argsort(static.targets, kind="stable"):
        read = _read(states, static.possible_sources[block], sources[:, block])
        operation = operations[:, block]
        longer = np.roll(read, 1, axis=2)
        longer[:, :, 0] = np.where(read[:, :, 0] > 0, first_operation + operation[:, None], 0)
        path = np.where(identity[operation, None, None], read, longer)
        path[zero[operation]] = 0
        states[static.targets[block]] = np.concatenate(
            [states[static.targets[block]], path], axis=1
        )
    return states


def _read(
    states: list[Indices],
    possible: tuple[int, ...],
    sources: Indices,
) -> Indices:
    """The paths to the state that each of ``n`` blocks reads, padded with zeros."""
    if len(possible) == 1:
        return states[possible[0]]
    most, length = max(states[s].shape[1] for s in possible), states[0].shape[2]
    read = np.zeros((len(sources), most, length), dtype=np.int64)
    for state in possible:
        rows = sources == state
        read[rows, : states[state].shape[1]] = states[state][rows]
    return read
