"""Cells whose nodes add two blocks with different inputs, written as genotypes: DARTS, NASNet.

This is the form that DARTS gave to the cells of NASNet: node j may read the two previous
cells (inputs 0 and 1) and all earlier nodes, it reads exactly two of them, each through an
operation of its own, and all nodes are concatenated into the output.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from ax_anasod.cells import strings
from ax_anasod.cells.cell import Cell, register_cell
from ax_anasod.cells.genotype_strings import format_genotype, parse_genotypes
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.exceptions import CellError
from ax_anasod.simplex.counts import whole_number
from ax_anasod.typing import ArrayLike, Codes, Indices

DARTS_OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
# The paper retains "the full range of 8 operation candidates" (Appendix A.2) and does not
# list them; it counts 8 for DARTS too (Section 1), where the eighth is `none`.
NASNET_OPERATIONS = ("none", *DARTS_OPERATIONS)
_NUM_INPUTS = 2
_MOST_NODES = 100


class GenotypeCell(Cell):
    """Nodes of two blocks each; the base class of `DARTSCell` and `NASNetCell`.

    Blocks ``2j`` and ``2j + 1`` of a part belong to its node j, ordered by their inputs. The
    wiring choice of a node is its pair of inputs, numbered lexicographically: (0, 1),
    (0, 2), (1, 2), ...; the first node always reads 0 and 1 and has no choice.

    The string form is ``Genotype(<part>=[('op', input), ...], <part>_concat=[2, ...], ...)``.

    Args:
        name: The name of the cell.
        operations: At least two different operation names.
        num_nodes: Number of nodes of one part.
        part_names: The name of each part, as in the string.

    Raises:
        CellError: If the definition describes no search space.
    """

    def __init__(
        self, name: str, operations: Sequence[str], num_nodes: int, part_names: Sequence[str]
    ) -> None:
        # A node may read any pair of earlier ones: their number grows with the third power.
        num_nodes = whole_number("num_nodes of a cell", num_nodes, 1, _MOST_NODES, CellError)
        pairs = [_pairs(node) for node in range(num_nodes)]
        choices = [len(node_pairs) for node_pairs in pairs if len(node_pairs) > 1]
        super().__init__(
            name,
            operations,
            num_blocks=2 * num_nodes * len(part_names),
            wiring=choices * len(part_names),
            parts=len(part_names),
        )
        for operation in self.operations:
            if set("'\"[]") & set(operation):
                raise CellError(
                    f"operation {operation!r} of cell {name!r} contains a quote or a bracket, "
                    "which a genotype string uses itself"
                )
        self.num_nodes = num_nodes
        self.part_names = tuple(part_names)

    @cached_property
    def block_graph(self) -> BlockGraph:
        """Two inputs and one state for each node, which its two blocks write."""
        nodes = range(_NUM_INPUTS, _NUM_INPUTS + self.num_nodes)
        # The block with the lower input cannot read the last state, the other not the first.
        sources = [(tuple(range(node - 1)), tuple(range(1, node))) for node in nodes]
        return BlockGraph(
            part_names=self.part_names,
            num_inputs=_NUM_INPUTS,
            targets=tuple(node for node in nodes for _ in range(2)),
            possible_sources=tuple(itertools.chain.from_iterable(sources)),
            possible_outputs=tuple(nodes),
        )

    def sources(self, codes: ArrayLike) -> Indices:
        """The input of each block of ``n x d`` codes, ``n x num_blocks``."""
        codes = self.validate_codes(codes)
        sources = np.empty((len(codes), self.num_blocks), dtype=np.int64)
        for node in self._nodes:
            pairs = np.array(list(node.choices))
            chosen = pairs[0] if node.column is None else pairs[codes[:, node.column]]
            sources[:, node.block : node.block + 2] = chosen
        return sources

    @cached_property
    def _nodes(self) -> tuple[_Node, ...]:
        """The nodes of all parts, in the order of their blocks."""
        columns = iter(range(self.num_blocks, len(self.code_sizes)))
        return tuple(
            _Node(
                part=part,
                state=_NUM_INPUTS + node,
                block=2 * (part * self.num_nodes + node),
                column=next(columns) if node else None,
                choices={pair: choice for choice, pair in enumerate(_pairs(node))},
            )
            for part in range(self.parts)
            for node in range(self.num_nodes)
        )

    def edits(self, code: Codes) -> Codes:
        """All codes with one other operation, or one block moved to another input.

        A block keeps its operation when its input changes (paper, Figure 4), so that the
        two blocks of a node may change places.
        """
        operations = super().edits(code)[: self.num_blocks * (self.num_operations - 1)]
        sources = self.sources(code[None])[0].tolist()
        rewired = []
        for node in self._nodes:
            both = slice(node.block, node.block + 2)
            for moved, kept in ((node.block, node.block + 1), (node.block + 1, node.block)):
                for source in set(range(node.state)) - set(sources[both]):
                    ends = sorted([(source, code[moved]), (sources[kept], code[kept])])
                    edited = code.copy()
                    edited[both] = [operation for _, operation in ends]
                    edited[node.column] = node.choices[ends[0][0], ends[1][0]]
                    rewired.append(edited)
        return np.stack([*operations, *rewired])

    @property
    def _concat(self) -> list[int]:
        return list(self.block_graph.possible_outputs)

    def _format(self, codes: Codes) -> list[str]:
        names = np.array(self.operations, dtype=object)[codes[:, : self.num_blocks]].tolist()
        edges = zip(names, self.sources(codes).tolist(), strict=True)
        return [
            format_genotype(self.part_names, list(zip(*row, strict=True)), self._concat)
            for row in edges
        ]

    def _parse(self, texts: Sequence[str]) -> Codes:
        index = {operation: i for i, operation in enumerate(self.operations)}
        rows = []
        genotypes = parse_genotypes(self.part_names, texts, self._concat)
        for position, parts in enumerate(genotypes):
            for name, edges in zip(self.part_names, parts, strict=True):
                if len(edges) != self.total:
                    reason = f"{name} has {len(edges)} blocks, not {self.total}"
                    strings.refuse(texts, position, reason)
            blocks = list(itertools.chain.from_iterable(parts))
            for operation, _ in blocks:
                if operation not in index:
                    strings.refuse_operation(texts, position, operation, self.operations)
            row, wires = [], []
            for node in self._nodes:
                low, high = sorted(blocks[node.block : node.block + 2], key=itemgetter(1))
                if (low[1], high[1]) not in node.choices:
                    reason = (
                        f"node {node.state} of {self.part_names[node.part]} reads {low[1]} and "
                        f"{high[1]}, not two different ones of 0 to {node.state - 1}"
                    )
                    strings.refuse(texts, position, reason)
                row += [index[low[0]], index[high[0]]]
                if node.column is not None:
                    wires.append(node.choices[low[1], high[1]])
            rows.append(row + wires)
        return np.array(rows, dtype=np.int64).reshape(len(texts), len(self.code_sizes))


@register_cell
class DARTSCell(GenotypeCell):
    """DARTS and NAS-Bench-301: a normal and a reduction cell of 4 nodes, 7 operations.

    One encoding describes one cell of 8 blocks, and both cells are drawn from it (paper,
    Appendix D). An architecture has 16 blocks and about 10^18 relatives.

    Source: Liu et al., "DARTS: Differentiable architecture search" (ICLR 2019); Siems et
    al., "NAS-Bench-301 and the case for surrogate benchmarks" (2020); paper, Appendix A.1.

    Example:
        >>> cell = DARTSCell()
        >>> cell.total, cell.num_encodings, cell.wiring
        (8, 3003, (3, 6, 10, 3, 6, 10))
    """

    def __init__(self) -> None:
        super().__init__("darts", DARTS_OPERATIONS, num_nodes=4, part_names=("normal", "reduce"))

    def arguments(self) -> dict[str, Any]:
        """An empty dictionary: the constructor has no arguments."""
        return {}


@register_cell
class NASNetCell(GenotypeCell):
    """NASNet-style open domain: one cell of 5 nodes, 10 of 20 possible edges, 8 operations.

    One architecture is one cell; a network is a stack of several, drawn from one encoding.

    Source: paper, Section 4.2 and Appendix A.2.

    Args:
        operations: The operations; those of DARTS, ``none`` included, unless given.
        num_nodes: Number of nodes, each of two blocks.
        name: The name of the cell.

    Raises:
        CellError: If the definition describes no search space.

    Example:
        >>> cell = NASNetCell()
        >>> cell.total, cell.num_operations, cell.wiring
        (10, 8, (3, 6, 10, 15))
    """

    def __init__(
        self,
        operations: Sequence[str] = NASNET_OPERATIONS,
        num_nodes: int = 5,
        name: str = "nasnet",
    ) -> None:
        super().__init__(name, operations, num_nodes=num_nodes, part_names=("cell",))

    def arguments(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "operations": list(self.operations),
            "num_nodes": self.num_nodes,
            "name": self.name,
        }


@dataclass(frozen=True)
class _Node:
    """The place of a node in a code.

    Args:
        part: The number of its part.
        state: The state it writes; it reads lower ones.
        block: The first of its two blocks.
        column: The column of its wiring choice, or None where it has none.
        choices: The number of each pair of inputs, in order.
    """

    part: int
    state: int
    block: int
    column: int | None
    choices: dict[tuple[int, int], int]


def _pairs(node: int) -> list[tuple[int, int]]:
    """The pairs of inputs that a node may read, in the order of its wiring choice."""
    return list(itertools.combinations(range(node + _NUM_INPUTS), 2))
