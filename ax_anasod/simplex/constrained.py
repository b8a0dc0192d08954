"""Linear constraints on counts, and the part of the grid that keeps them.

The grid is never listed: its points are the paths through a graph whose layers are the operations
and whose nodes are the blocks that are left and the sums of the constraints so far. What
constraints cannot tell apart any more is one node. Points are counted, drawn and looked for by one
pass over its edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ax_anasod.exceptions import EncodingError, OptionError
from ax_anasod.typing import Counts

# Edges of the graph, those counted that lead nowhere: some 100 bytes each while it is built.
_MOST_EDGES: Final = 2_000_000
# Points times edges that are looked at together.
_CHUNK: Final = 4_000_000
_TOLERANCE: Final = 1e-9


@dataclass(frozen=True)
class CountConstraint:
    """A weighted sum of counts that is at most a bound, or equal to it.

    Args:
        weights: The weight of each of ``k`` operations.
        bound: The bound.
        equality: Whether the sum is the bound.
        text: How a person writes it.
    """

    weights: tuple[float, ...]
    bound: float
    equality: bool = False
    text: str = ""

    def __str__(self) -> str:
        return self.text

    def keeps(self, counts: Counts) -> npt.NDArray[np.bool_]:
        """Which of ``... x k`` counts keep it."""
        sums = counts @ np.array(self.weights)
        if self.equality:
            return np.asarray(np.abs(sums - self.bound) <= _TOLERANCE)
        return np.asarray(sums <= self.bound + _TOLERANCE)


@dataclass(frozen=True)
class _Layer:
    """The edges of one operation, sorted by the node they start at: ``E`` each.

    Args:
        first: The first edge of each node, ``V``.
        sources: The node that it starts at.
        values: The count of the operation.
        targets: The node of the next layer.
    """

    first: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int64]
    values: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]


class ConstrainedGrid:
    """The encodings of ``N`` blocks and ``k`` operations that keep linear constraints.

    Args:
        total: Number of blocks N.
        num_operations: Number of operations k.
        constraints: The constraints.

    Raises:
        OptionError: No encoding keeps them (the constraint that leaves none is named), or they
            are too many to be looked at together.

    Example:
        >>> grid = ConstrainedGrid(4, 3, [CountConstraint((1.0, 0.0, 0.0), 1.0, text="n_a <= 1")])
        >>> grid.size
        9
        >>> grid.nearest(np.array([[4.0, 0.0, 0.0]])).tolist()
        [[1, 1, 2]]
    """

    def __init__(
        self, total: int, num_operations: int, constraints: Sequence[CountConstraint]
    ) -> None:
        self.total, self.num_operations = total, num_operations
        self.constraints = tuple(constraints)
        layers = self._built(self.constraints)
        if layers is None:
            raise self._none_left()
        self._layers = layers

    @property
    def size(self) -> int:
        """How many encodings there are; exact below 2^53."""
        return int(self._ways(self._weights({}))[0][0])

    def contains(self, counts: Counts) -> npt.NDArray[np.bool_]:
        """Which of ``... x k`` counts keep all constraints; their sum is not looked at."""
        kept = np.ones(counts.shape[:-1], dtype=np.bool_)
        for constraint in self.constraints:
            kept &= constraint.keeps(counts)
        return kept

    def enumerate(self) -> Counts:
        """All encodings in lexicographic order, ``M x k``."""
        prefixes = np.zeros((1, 0), dtype=np.int64)
        nodes = np.zeros(1, dtype=np.int64)
        for layer in self._layers:
            ends = np.append(layer.first[1:], len(layer.values))
            width = (ends - layer.first)[nodes]
            rows = np.repeat(np.arange(len(nodes)), width)
            edges = np.arange(len(rows)) - np.repeat(np.cumsum(width) - width, width)
            edges += layer.first[nodes][rows]
            prefixes = np.column_stack([prefixes[rows], layer.values[edges]])
            nodes = layer.targets[edges]
        return prefixes

    def sample(
        self,
        n: int,
        rng: np.random.Generator,
        log_weights: npt.NDArray[np.float64] | None = None,
        fixed: Mapping[int, int] | None = None,
    ) -> Counts:
        """Draw encodings, uniformly or with probabilities that are products over operations.

        Args:
            n: How many.
            rng: Source of randomness.
            log_weights: The logarithm of the factor of each operation (row) and count (column),
                ``k x (N + 1)``; None draws uniformly.
            fixed: Operation -> count that all have.

        Returns:
            Counts ``n x k``.

        Raises:
            EncodingError: No encoding has the fixed counts.
        """
        weights = self._weights(fixed or {}, log_weights)
        ways = self._ways(weights, scaled=True)
        if not ways[0][0] > 0:
            raise self._none_with(fixed or {})
        counts = np.empty((n, self.num_operations), dtype=np.int64)
        nodes = np.zeros(n, dtype=np.int64)
        for i, layer in enumerate(self._layers):
            shares = weights[i] * ways[i + 1][layer.targets]
            # Edges of weight 0 must not be met by rounding, either.
            kept = np.flatnonzero(shares > 0)
            sources = layer.sources[kept]
            # Of each node the shares sum to 1, so that those of one cannot drown another's.
            sums = np.bincount(sources, shares[kept], minlength=len(layer.first))
            ends = np.append(0.0, np.cumsum(shares[kept] / sums[sources]))
            numbers = np.arange(len(layer.first))
            first = np.searchsorted(sources, numbers)
            last = np.searchsorted(sources, numbers, side="right")
            low, high = ends[first][nodes], ends[last][nodes]
            edges = np.searchsorted(ends[1:], low + rng.random(n) * (high - low), side="right")
            chosen = kept[np.clip(edges, first[nodes], last[nodes] - 1)]
            counts[:, i] = layer.values[chosen]
            nodes = layer.targets[chosen]
        return counts

    def nearest(
        self, points: npt.NDArray[np.float64], fixed: Mapping[int, int] | None = None
    ) -> Counts:
        """The encodings nearest to points, by the sum of squared differences.

        Of several the first in lexicographic order is taken.

        Args:
            points: ``n x k`` points; rows sum to N.
            fixed: Operation -> count that all have.

        Returns:
            Counts ``n x k``.

        Raises:
            EncodingError: No encoding has the fixed counts.
        """
        edges = sum(len(layer.values) for layer in self._layers)
        size = max(1, _CHUNK // edges)
        chunks = [
            self._nearest(points[start : start + size], fixed or {})
            for start in range(0, len(points), size)
        ]
        return np.concatenate([np.empty((0, self.num_operations), dtype=np.int64), *chunks])

    def _nearest(self, points: npt.NDArray[np.float64], fixed: Mapping[int, int]) -> Counts:
        n = len(points)
        costs = [np.zeros((n, 1))]
        by_edge: list[npt.NDArray[np.float64]] = []
        for i, layer in reversed([*enumerate(self._layers)]):
            cost = (points[:, i, None] - layer.values) ** 2 + costs[0][:, layer.targets]
            if i in fixed:
                cost[:, layer.values != fixed[i]] = np.inf
            # Ties are decided by the order, not by noise.
            cost = cost.round(9)
            by_edge.insert(0, cost)
            costs.insert(0, np.minimum.reduceat(cost, layer.first, axis=1))
        if not np.isfinite(costs[0]).all():
            raise self._none_with(fixed)
        counts = np.empty((n, self.num_operations), dtype=np.int64)
        nodes, rows = np.zeros(n, dtype=np.int64), np.arange(n)
        for i, layer in enumerate(self._layers):
            ends = np.append(layer.first[1:], len(layer.values))
            for node in np.unique(nodes):
                here = rows[nodes == node]
                own = by_edge[i][here, layer.first[node] : ends[node]]
                edges = layer.first[node] + own.argmin(axis=1)
                counts[here, i] = layer.values[edges]
                nodes[here] = -1 - layer.targets[edges]
            nodes = -1 - nodes
        return counts

    # The graph

    def _weights(
        self, fixed: Mapping[int, int], log_weights: npt.NDArray[np.float64] | None = None
    ) -> list[npt.NDArray[np.float64]]:
        """The factor of each edge, of each layer."""
        weights = []
        for i, layer in enumerate(self._layers):
            own = np.ones(len(layer.values))
            if log_weights is not None:
                # Scaled, so that products over the layers neither vanish nor overflow.
                highest = log_weights[i][layer.values].max()
                if highest > -np.inf:
                    own = np.exp(log_weights[i] - highest)[layer.values]
                else:
                    own = np.zeros(len(layer.values))
            if i in fixed:
                own = np.where(layer.values == fixed[i], own, 0.0)
            weights.append(own)
        return weights

    def _ways(
        self, weights: list[npt.NDArray[np.float64]], *, scaled: bool = False
    ) -> list[npt.NDArray[np.float64]]:
        """The sum over all paths from each node to the end, of each layer.

        Args:
            weights: The factor of each edge.
            scaled: Whether the largest of each layer is 1, so that none underflows.
        """
        ways = [np.ones(1)]
        for layer, own in zip(reversed(self._layers), reversed(weights), strict=True):
            sums = np.add.reduceat(own * ways[0][layer.targets], layer.first)
            ways.insert(0, sums / (sums.max() or 1.0) if scaled else sums)
        return ways

    def _built(self, constraints: Sequence[CountConstraint]) -> list[_Layer] | None:
        """The graph; None where no path goes through."""
        k, total = self.num_operations, self.total
        weights = np.array([c.weights for c in constraints]).reshape(len(constraints), k)
        bounds = np.array([c.bound for c in constraints])
        equal = np.array([c.equality for c in constraints], dtype=bool)
        # A node: blocks that are left, and what each constraint has left of its bound.
        nodes = np.column_stack([[[float(total)]], bounds[None]]).reshape(1, -1)
        forward: list[tuple[npt.NDArray[np.int64], ...]] = []
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

    def _none_left(self) -> OptionError:
        for number in range(1, len(self.constraints) + 1):
            if self._built(self.constraints[:number]) is None:
                break
        own = self.constraints[number - 1]
        others = " and ".join(map(str, self.constraints[: number - 1]))
        return OptionError(
            f"no encoding of {self.total} blocks keeps {str(own)!r}"
            + (f" together with {others}" if others else ""),
            "change or leave out one of them",
        )

    def _none_with(self, fixed: Mapping[int, int]) -> EncodingError:
        return EncodingError(
            f"no encoding with the fixed counts {dict(fixed)} (operation -> count) keeps "
            + " and ".join(map(str, self.constraints))
        )


def _simplified(
    nodes: npt.NDArray[np.float64],
    later: npt.NDArray[np.float64],
    equal: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Nodes without what no longer matters, and which of them can lead to the end.

    Args:
        nodes: ``m x (1 + c)``: blocks left, and what is left of each bound.
        later: The weights ``c x r`` of the operations that follow.
        equal: Which constraints are equalities, ``c``.
    """
    nodes = nodes.round(9)
    rest, left = nodes[:, :1], nodes[:, 1:]
    if later.shape[1]:
        least, most = rest * later.min(axis=1), rest * later.max(axis=1)
    else:
        least = most = np.zeros_like(left)
    possible = (left >= least - _TOLERANCE) & (~equal | (left <= most + _TOLERANCE))
    possible |= np.isinf(left)
    # One that the rest keeps in any case, or that is decided, is the same in all nodes.
    settled = np.where(equal, least == most, left >= most - _TOLERANCE)
    nodes[:, 1:] = np.where(settled, np.inf, left)
    kept = possible.all(axis=1)
    if later.shape[1] == 0:
        kept &= nodes[:, 0] == 0
    return nodes, kept


def _distinct(
    nodes: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    if not len(nodes):
        return nodes, np.empty(0, dtype=np.int64)
    distinct, inverse = np.unique(nodes, axis=0, return_inverse=True)
    return distinct, inverse.reshape(-1)


def _pruned(forward: list[tuple[npt.NDArray[np.int64], ...]]) -> list[_Layer] | None:
    """The layers, with those edges only from which the end is reached."""
    layers: list[_Layer] = []
    alive: npt.NDArray[np.int64] | None = None
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
        layers.insert(0, _Layer(first, alive[sources], values, targets))
    return layers
