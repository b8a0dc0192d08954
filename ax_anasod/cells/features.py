"""Exact encodings of architectures as numbers, for surrogates that are given no graph.

Both are those of White et al., "A study on encodings for neural architecture search"
(NeurIPS 2020): the one-hot adjacency encoding and the truncated path encoding, the latter
from White et al., "BANANAS" (AAAI 2021). The paper compares with them in Section 4.1.
"""

from __future__ import annotations

import numpy as np

from ax_anasod.cells.definition import CellDefinition
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.exceptions import CellError, OptionError
from ax_anasod.typing import ArrayLike, Codes, FloatArray, Indices, Mask

_CHUNK = 1024  # architectures whose paths are followed at a time


def one_hot_adjacency(cell: CellDefinition, codes: ArrayLike) -> FloatArray:
    """The operation on each edge of the cell's graph, one-hot.

    One group of k features for each pair of states that some architecture joins by a block,
    part after part, in the order of `BlockGraph.edges`; the group is all zero where this
    architecture has no block there. Where the graph does not show the wiring (a user's plain
    cell), one group for each wiring choice follows.

    Args:
        cell: The cell.
        codes: ``n x d`` codes.

    Returns:
        ``n x D`` zeros and ones, different for different codes.

    Raises:
        ArchitectureError: If a code is malformed.

    Example:
        >>> from ax_anasod import cells
        >>> cell = cells.Cell("mine", operations=["conv", "skip"], num_blocks=2, wiring=[3])
        >>> one_hot_adjacency(cell, [[0, 1, 2]]).tolist()
        [[1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]]
    """
    codes = cell.validate_codes(codes)
    static = cell.block_graph
    edges, k = static.edges, cell.num_operations
    column = np.zeros((static.num_states, static.num_states), dtype=np.int64)
    for i, (source, target) in enumerate(edges):
        column[source, target] = i
    parts = len(static.part_names)
    targets = np.array(static.targets * parts)
    part = np.repeat(np.arange(parts), static.blocks_per_part)
    edge = part * len(edges) + column[cell.sources(codes), targets]  # n x num_blocks
    features = np.zeros((len(codes), parts * len(edges) * k))
    rows = np.arange(len(codes))[:, None]
    features[rows, edge * k + codes[:, : cell.num_blocks]] = 1.0
    return np.concatenate([features, *_hidden_wiring(cell, codes)], axis=1)


def path_features(
    cell: CellDefinition, codes: ArrayLike, *, max_features: int = 10_000
) -> FloatArray:
    """The sequences of operations that lead from an input to the output of the cell.

    There is one feature for each part, input and sequence, short sequences first, from the
    length of the shortest path on. Long ones are left out altogether (the truncation of White et
    al.): the features are all sequences up to the greatest length for which they are at most
    ``max_features``. Operations are taken by their names; ``none`` and ``skip_connect`` are
    operations like any other. Where the graph does not show the wiring (a user's plain cell),
    one group for each wiring choice follows.

    Args:
        cell: The cell.
        codes: ``n x d`` codes.
        max_features: The most features for sequences.

    Returns:
        ``n x P`` zeros and ones.

    Raises:
        ArchitectureError: If a code is malformed.
        CellError: If even the shortest sequence that can occur is left out.
        OptionError: If ``max_features`` is below 1.

    Example:
        >>> from ax_anasod import cells
        >>> cell = cells.get("nas-bench-201")
        >>> features = path_features(cell, cell.enumerate())
        >>> features.shape, int(features.sum(axis=1).max())
        ((15625, 155), 4)
    """
    if max_features < 1:
        raise OptionError(f"max_features must be at least 1, got {max_features!r}")
    codes = cell.validate_codes(codes)
    longest = _longest_path(cell, max_features)
    chunks = [
        _paths(cell, codes[start : start + _CHUNK], longest)
        for start in range(0, max(len(codes), 1), _CHUNK)
    ]
    features = np.concatenate(chunks).astype(np.float64)
    return np.concatenate([features, *_hidden_wiring(cell, codes)], axis=1)


def _hidden_wiring(cell: CellDefinition, codes: Codes) -> list[FloatArray]:
    """One-hot wiring choices, one ``n x alternatives`` array each, where no block shows them."""
    if cell.graph_shows_wiring:
        return []
    return [
        np.eye(alternatives)[codes[:, cell.num_blocks + choice]]
        for choice, alternatives in enumerate(cell.wiring)
    ]


def _longest_path(cell: CellDefinition, max_features: int) -> int:
    """Number of operations of the longest sequences that are features."""
    static = cell.block_graph
    starts = len(static.part_names) * static.num_inputs
    longest, features = 0, 0
    for length in range(static.shortest_path, static.longest_path + 1):
        features += starts * cell.num_operations**length
        if features > max_features:
            break
        longest = length
    if longest < static.shortest_path:
        raise CellError(
            f"the shortest path through cell {cell.name!r} has {static.shortest_path} "
            f"operations: more sequences than {max_features} features",
            "take features or a strategy without paths, raise max_features, or give the cell a "
            "graph (block_graph) with short paths",
        )
    return longest


def _paths(cell: CellDefinition, codes: Codes, longest: int) -> Mask:
    """The features of sequences of up to ``longest`` operations, ``n x P``."""
    static = cell.block_graph
    sources, outputs = cell.sources(codes), cell.outputs(codes)
    features = []
    for part in range(len(static.part_names)):
        own = slice(part * static.blocks_per_part, (part + 1) * static.blocks_per_part)
        reached = _follow(static, codes[:, own], sources[:, own], cell.num_operations, longest)
        features += [
            (by_state & outputs[:, part].T[:, :, None]).any(axis=0)
            for by_state in reached[static.shortest_path - 1 :]
        ]
    return np.concatenate(features, axis=1)


def _follow(
    static: BlockGraph,
    operations: Indices,
    sources: Indices,
    num_operations: int,
    longest: int,
) -> list[Mask]:
    """The sequences that lead to each state of one part.

    Args:
        static: The graph.
        operations: ``n x blocks_per_part`` operations.
        sources: ``n x blocks_per_part`` states that the blocks read.
        num_operations: Number of operations k.
        longest: Length L of the longest sequences.

    Returns:
        For each length l from 1 to L, ``num_states x n x (num_inputs * k^l)`` booleans.
    """
    n = len(operations)
    rows = np.arange(n)
    starts = np.zeros((static.num_states, n, static.num_inputs), dtype=bool)
    for state in range(static.num_inputs):
        starts[state, :, state] = True
    reached = [starts]
    for _ in range(longest):
        shorter = reached[-1]
        longer = np.zeros((*shorter.shape, num_operations), dtype=bool)
        for block, target in enumerate(static.targets):
            longer[target, rows, :, operations[:, block]] |= shorter[sources[:, block], rows]
        reached.append(longer.reshape(static.num_states, n, shorter.shape[2] * num_operations))
    return reached[1:]
