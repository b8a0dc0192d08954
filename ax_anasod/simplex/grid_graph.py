"""The graph whose paths are the encodings that keep constraints.

Its layers are the operations; its nodes are the blocks that are left and the sums of the
constraints so far. States that constraints cannot tell apart any more are one node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ax_anasod.exceptions import OptionError
from ax_anasod.typing import Counts, FloatArray, Indices, Mask

# Edges of the graph, including those that lead nowhere: some 100 bytes each while it is built.
_MOST_EDGES: Final = 2_000_000
_TOLERANCE: Final = 1e-9


@dataclass(frozen=True)
class CountConstraint:
    """A weighted sum of counts that is at most a bound, or equal to it.

    Args:
        weights: The weight of each of ``k`` operations.
        bound: The bound.
        equality: Whether the sum must equal the bound.
        text: The constraint as a person writes it.
    """

    weights: tuple[float, ...]
    bound: float
    equality: bool = False
    text: str = ""

    def __str__(self) -> str:
        return self.text

    def keeps(self, counts: Counts) -> Mask:
        """Mask of the ``... x k`` counts that keep the constraint."""
        sums = counts @ np.array(self.weights)
        if self.equality:
            return np.asarray(np.abs(sums - self.bound) <= _TOLERANCE)
        return np.asarray(sums <= self.bound + _TOLERANCE)


@dataclass(frozen=True)
class Layer:
    """The edges of one operation, sorted by the node they start at: ``E`` each.

    Args:
        first: The first edge of each node, ``V``.
        sources: The node that it starts at.
        values: The count of the operation.
        targets: The node of the next layer.
    """

    first: Indices
    sources: Indices
    values: Indices
    targets: Indices


def layers_of(
    total: int, num_operations: int, constraints: Sequence[CountConstraint]
) -> list[Layer] | None:
    """The graph of the encodings that keep constraints, a layer for each operation.

    Args:
        total: Number of blocks N.
        num_operations: Number of operations k.
        constraints: The constraints.

    Returns:
        The layers; None if no path reaches the end.

    Raises:
        OptionError: The graph has too many edges.
    """
    k = num_operations
    weights = np.array([c.weights for c in constraints]).reshape(len(constraints), k)
    bounds = np.array([c.bound for c in constraints])
    equal = np.array([c.equality for c in constraints], dtype=bool)
    # A node: blocks that are left, and what each constraint has left of its bound.
    nodes = np.column_stack([[[float(total)]], bounds[None]]).reshape(1, -1)
    forward: list[tuple[Indices, ...]] = []
    num_edges = 0
    for i in range(k):
        rest = nodes[:, 0].astype(np.int64)
        width = rest + 1 if i < k - 1 else np.ones_like(rest)
        num_edges += int(width.sum())
        if num_edges > _MOST_EDGES:
            raise OptionError(
                f"{len(constraints)} constraints on the counts of {k} operations and {total} "
                "blocks are too many to be kept together",
                "leave some out, or give constraints on fewer operations each",
            )
        sources = np.repeat(np.arange(len(nodes)), width)
        values = np.arange(len(sources)) - np.repeat(np.cumsum(width) - width, width)
        if i == k - 1:
            values = rest[sources]
        reached = nodes[sources]
        reached[:, 0] -= values
        reached[:, 1:] -= values[:, None] * weights[:, i]
        reached, possible = _simplified(reached, weights[:, i + 1 :], equal)
        nodes, targets = _distinct(reached[possible])
        forward.append((sources[possible], values[possible], targets))
        if not len(nodes):
            return None
    return _pruned(forward)


def _simplified(
    nodes: FloatArray,
    later: FloatArray,
    equal: Mask,
) -> tuple[FloatArray, Mask]:
    """Nodes without bounds that no longer matter, and a mask of those that can reach the end.

    Args:
        nodes: ``m x (1 + c)``: blocks left, and what is left of each bound.
        later: The weights ``c x r`` of the operations that follow.
        equal: Mask of the constraints that are equalities, ``c``.
    """
    nodes = nodes.round(9)
    rest, left = nodes[:, :1], nodes[:, 1:]
    if later.shape[1]:
        least, most = rest * later.min(axis=1), rest * later.max(axis=1)
    else:
        least = most = np.zeros_like(left)
    possible = (left >= least - _TOLERANCE) & (~equal | (left <= most + _TOLERANCE))
    possible |= np.isinf(left)
    # A constraint that the rest keeps in any case, or that is decided, is equal in all nodes.
    settled = np.where(equal, least == most, left >= most - _TOLERANCE)
    nodes[:, 1:] = np.where(settled, np.inf, left)
    kept = possible.all(axis=1)
    if later.shape[1] == 0:
        kept &= nodes[:, 0] == 0
    return nodes, kept


def _distinct(
    nodes: FloatArray,
) -> tuple[FloatArray, Indices]:
    if not len(nodes):
        return nodes, np.empty(0, dtype=np.int64)
    distinct, inverse = np.unique(nodes, axis=0, return_inverse=True)
    return distinct, inverse.reshape(-1)


def _pruned(forward: list[tuple[Indices, ...]]) -> list[Layer] | None:
    """The layers, with only the edges from which the end is reached."""
    layers: list[Layer] = []
    alive: Indices | None = None
    for sources, values, targets in reversed(forward):
        if alive is not None:
            # Nodes that no edge starts at have the last numbers, or are -1.
            alive = np.append(alive, np.full(int(targets.max(initial=0)) + 1, -1))
            kept = alive[targets] >= 0
            sources, values, targets = sources[kept], values[kept], alive[targets[kept]]
        if not len(sources):
            return None
        known, first = np.unique(sources, return_index=True)
        alive = np.full(int(sources.max()) + 1, -1, dtype=np.int64)
        alive[known] = np.arange(len(known))
        layers.insert(0, Layer(first, alive[sources], values, targets))
    return layers
