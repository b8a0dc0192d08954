"""Linear constraints on counts, and the part of the grid that keeps them.

The grid is never listed: its points are the paths through a graph
(:mod:`ax_anasod.simplex.grid_graph`), and are counted, drawn and looked for by one pass over its
edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ax_anasod.exceptions import EncodingError, OptionError
from ax_anasod.simplex.grid_graph import CountConstraint, layers_of
from ax_anasod.typing import Counts, FloatArray, Mask

# Points times edges that are looked at together.
_CHUNK: Final = 4_000_000


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
        layers = layers_of(total, num_operations, self.constraints)
        if layers is None:
            raise self._none_left()
        self._layers = layers

    @property
    def size(self) -> int:
        """The number of encodings; exact below 2^53."""
        return int(self._ways(self._weights({}))[0][0])

    def contains(self, counts: Counts) -> Mask:
        """Mask of the ``... x k`` counts that keep all constraints; their sum is not checked."""
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
        log_weights: FloatArray | None = None,
        fixed: Mapping[int, int] | None = None,
    ) -> Counts:
        """Draw encodings, uniformly or with probabilities that are products over operations.

        Args:
            n: The number of draws.
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
            # The shares of each node sum to 1, so that those of one cannot drown another's.
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

    def nearest(self, points: FloatArray, fixed: Mapping[int, int] | None = None) -> Counts:
        """The encodings nearest to points, by the sum of squared differences.

        If several are equally near, the first in lexicographic order is taken.

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

    def _nearest(self, points: FloatArray, fixed: Mapping[int, int]) -> Counts:
        n = len(points)
        costs = [np.zeros((n, 1))]
        by_edge: list[FloatArray] = []
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

    def _weights(
        self, fixed: Mapping[int, int], log_weights: FloatArray | None = None
    ) -> list[FloatArray]:
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

    def _ways(self, weights: list[FloatArray], *, scaled: bool = False) -> list[FloatArray]:
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

    def _none_left(self) -> OptionError:
        for number in range(1, len(self.constraints) + 1):
            if layers_of(self.total, self.num_operations, self.constraints[:number]) is None:
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
