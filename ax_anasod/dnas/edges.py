"""The edges of a cell, where operations can stand, and distributions over its architectures.

An *edge* is a place of an operation: a block whose input is fixed, or, where the wiring
decides, each input that a block of a node may read (as in DARTS, whose cell has 14 edges for
8 blocks). A mixed operation lies on every edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from ax_anasod.cells import Cell, decoding
from ax_anasod.cells.graph import ZERO_OPERATIONS
from ax_anasod.exceptions import CellError
from ax_anasod.typing import ArrayLike, Codes, FloatArray, Indices, Mask

Probabilities = FloatArray

# Up to this many wirings are all looked at; of more, so many are drawn.
_MOST_WIRINGS: Final = 100_000
_DRAWN_WIRINGS: Final = 4096


@dataclass(frozen=True)
class Edge:
    """A place of an operation.

    Args:
        part: The number of its part, such as 1 for the reduction cell.
        source: The state that it reads; states are numbered as in `BlockGraph`.
        target: The state that it adds its result to.
        copy: Its number among the edges with the same ends, for blocks side by side.
    """

    part: int
    source: int
    target: int
    copy: int = 0


class CellEdges:
    """The edges of a cell.

    Args:
        cell: A cell that is built as a network (see `ax_anasod.networks.build_network`).

    Raises:
        CellError: If its outputs depend on the wiring, so that one network cannot hold all
            of its architectures.

    Attributes:
        edges: The E edges, part after part, ordered by target.
        usage: ``E``: in which share of the wirings a block lies on the edge.

    Example:
        >>> from ax_anasod import cells
        >>> [len(CellEdges(cells.get(name)).edges) for name in ("nas-bench-201", "darts")]
        [6, 28]
    """

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        graph = cell.block_graph
        self._targets = np.tile(np.array(graph.targets), len(graph.part_names))
        self._parts = np.repeat(np.arange(len(graph.part_names)), graph.blocks_per_part)
        wirings = self._wirings()
        outputs = cell.outputs(wirings)
        if (outputs != outputs[:1]).any():
            raise CellError(
                f"the outputs of cell {cell.name!r} depend on its wiring, so that one network "
                "cannot hold all of its architectures",
                "search it with a strategy: ax-anasod train",
            )
        # Sorted by part and target, so that a state is complete before it is read.
        every = self._ends(wirings).reshape(-1, 4)
        self._keys, first = np.unique(self._key(every), return_index=True)
        ends = every[first]
        self.edges = tuple(
            Edge(part, source, target, copy) for part, target, source, copy in ends.tolist()
        )
        self.usage: Probabilities = np.bincount(
            self.of(wirings).ravel(), minlength=len(ends)
        ) / len(wirings)

    @property
    def num_edges(self) -> int:
        """Number of edges, E."""
        return len(self.edges)

    @cached_property
    def zeros(self) -> tuple[int, ...]:
        """The operations that pass nothing on."""
        names = self.cell.operations
        return tuple(i for i, name in enumerate(names) if name in ZERO_OPERATIONS)

    def of(self, codes: Codes) -> Indices:
        """The edge of each block of ``n x d`` codes, ``n x num_blocks``."""
        found: Indices = np.searchsorted(self._keys, self._key(self._ends(codes)))
        return found

    def spread(self, rows: ArrayLike) -> Probabilities:
        """The probabilities on each edge, ``E x k``, of ``1 x k`` shared or ``E x k`` own ones."""
        array = np.asarray(rows, dtype=np.float64)
        return np.broadcast_to(array, (self.num_edges, array.shape[1]))

    def log_probability(self, probabilities: Probabilities, codes: Codes) -> Probabilities:
        """The logarithm of the probability that blocks drawn independently are these.

        Source: paper, Eq. 2; the wiring, which is drawn uniformly, is left out.

        Args:
            probabilities: ``E x k``; rows sum to 1.
            codes: ``n x d``.
        """
        blocks = codes[:, : self.cell.num_blocks]
        with np.errstate(divide="ignore"):
            logarithms = np.log(probabilities)
        total: Probabilities = logarithms[self.of(codes), blocks].sum(axis=1)
        return total

    def draw(self, probabilities: Probabilities, n: int, rng: np.random.Generator) -> Codes:
        """Draw architectures whose output depends on their input.

        Each block is drawn from the distribution of its edge and the wiring uniformly (paper,
        Eq. 2); an architecture through which nothing passes is drawn again.

        Args:
            probabilities: ``E x k``; rows sum to 1.
            n: How many.
            rng: The source of randomness.

        Returns:
            ``n x d`` codes.

        Raises:
            EncodingError: If a million draws in a row pass nothing on, or are invalid.
        """
        cell = self.cell
        ends = np.cumsum(probabilities, axis=1)
        # Exactly 1 from the last operation with a share on: rounding never selects others.
        ends /= ends[:, -1:]

        def draw(rows: Indices) -> Codes:
            codes = np.zeros((len(rows), len(cell.code_sizes)), dtype=np.int64)
            for column, alternatives in enumerate(cell.wiring, start=cell.num_blocks):
                codes[:, column] = rng.integers(0, alternatives, size=len(rows))
            uniform = rng.random((len(rows), cell.num_blocks, 1))
            codes[:, : cell.num_blocks] = (uniform >= ends[self.of(codes), :-1]).sum(axis=2)
            return codes

        def accept(codes: Codes) -> Mask:
            return cell.is_representative(codes) & self.passes(codes)

        return decoding.draw_accepted(cell, n, draw, accept)

    def passes(self, codes: Codes) -> Mask:
        """Mask ``n x d`` codes that have a path from an input to an output, in all parts."""
        cell, graph = self.cell, self.cell.block_graph
        sources, outputs = cell.sources(codes), cell.outputs(codes)
        open_blocks = ~np.isin(codes[:, : cell.num_blocks], self.zeros)
        rows = np.arange(len(codes))
        passing = np.ones(len(codes), dtype=bool)
        for part in range(len(graph.part_names)):
            reached = np.zeros((len(codes), graph.num_states), dtype=bool)
            reached[:, : graph.num_inputs] = True
            for block in sorted(np.flatnonzero(self._parts == part), key=self._targets.__getitem__):
                read = reached[rows, sources[:, block]] & open_blocks[:, block]
                reached[:, self._targets[block]] |= read
            passing &= (reached & outputs[:, part]).any(axis=1)
        return passing

    def most_likely(self, probabilities: Probabilities, exclude: tuple[int, ...] = ()) -> Codes:
        """The architecture that takes the likeliest operation on every edge, a code ``d``.

        Where the wiring decides, the one whose edges are surest of their operations, as DARTS
        keeps the strongest inputs of a node.

        Args:
            probabilities: ``E x k``.
            exclude: Operations that are never taken, such as ``none`` in DARTS.
        """
        shares = probabilities.copy()
        shares[:, list(exclude)] = -1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            strength = np.log(shares.max(axis=1))
        wirings = self._wirings()
        on = self.of(wirings)
        best = int(strength[on].sum(axis=1).argmax())
        code: Codes = wirings[best].copy()
        code[: self.cell.num_blocks] = shares.argmax(axis=1)[on[best]]
        return code

    def _wirings(self) -> Codes:
        """A code for every wiring, or for many drawn ones; all blocks have operation 0."""
        cell = self.cell
        number = math.prod(cell.wiring)
        if number <= _MOST_WIRINGS:
            choices = np.indices(cell.wiring).reshape(len(cell.wiring), number).T
        else:
            rng = np.random.default_rng(0)
            choices = rng.integers(0, cell.wiring, size=(_DRAWN_WIRINGS, len(cell.wiring)))
        codes = np.zeros((len(choices), len(cell.code_sizes)), dtype=np.int64)
        codes[:, cell.num_blocks :] = choices
        return codes

    def _ends(self, codes: Codes) -> Indices:
        """Part, target, source and copy of the edge of each block, ``n x num_blocks x 4``."""
        sources = self.cell.sources(codes)
        ends = np.empty((*sources.shape, 4), dtype=np.int64)
        ends[..., 0], ends[..., 1], ends[..., 2] = self._parts, self._targets, sources
        for block in range(sources.shape[1]):
            beside = (self._parts[:block] == self._parts[block]) & (
                self._targets[:block] == self._targets[block]
            )
            same = sources[:, :block][:, beside] == sources[:, block, None]
            ends[:, block, 3] = same.sum(axis=1)
        return ends

    def _key(self, ends: Indices) -> Indices:
        """A number for each edge ``... x 4``, ordered as the edges are."""
        base = max(self.cell.block_graph.num_states, self.cell.num_blocks)
        keys: Indices = ends @ np.array([base**3, base**2, base, 1])
        return keys
