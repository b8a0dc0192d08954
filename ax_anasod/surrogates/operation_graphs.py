"""Architectures as graphs of operations, all of a batch in one set of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.cells.graph import IDENTITY_OPERATIONS, ZERO_OPERATIONS
from ax_anasod.typing import Codes, Indices, Mask


@dataclass(frozen=True)
class OperationGraphs:
    """The graphs of ``n`` architectures of one cell; their nodes are the operations.

    These are the graphs of `ax_anasod.cells.Cell.graph`. Part after part, ``V`` nodes: the
    inputs, the blocks, the output. Where the graph does not show the wiring (a user's plain
    cell), one node without edges follows for each wiring choice.

    Args:
        labels: ``n x V``, what each node is: the same number in all graphs for the same
            operation (input, output, wiring alternative) of the same part.
        adjacency: ``n x V x V``, whether there is an edge from one node to another.
        present: ``n x V``, which nodes exist; those that do not have no edges.
        num_labels: Number of different labels, counted from 0.
        num_inputs: Inputs of each part.
        nodes_per_part: Nodes of each part.
        num_parts: Number of parts.
    """

    labels: Indices
    adjacency: Mask
    present: Mask
    num_labels: int
    num_inputs: int
    nodes_per_part: int
    num_parts: int


def operation_graphs(cell: Cell, codes: Codes) -> OperationGraphs:
    """The graph of each architecture, as it is written.

    Args:
        cell: The cell.
        codes: ``n x d`` codes.

    Raises:
        ArchitectureError: A code is malformed.
    """
    codes = cell.validate_codes(codes)
    static = cell.block_graph
    n, parts, blocks = len(codes), len(static.part_names), static.blocks_per_part
    inputs, size = static.num_inputs, static.num_inputs + static.blocks_per_part + 1
    hidden = () if cell.graph_shows_wiring else cell.wiring
    num_nodes = parts * size + len(hidden)
    labels = np.empty((n, num_nodes), dtype=np.int64)
    adjacency = np.zeros((n, num_nodes, num_nodes), dtype=np.bool_)
    # Which node writes each state: an input its own, a block its target.
    writes = np.array([*range(inputs), *static.targets])
    sources, outputs = cell.sources(codes), cell.outputs(codes)
    kinds = cell.num_operations + inputs + 1
    for part in range(parts):
        nodes = slice(part * size, (part + 1) * size)
        own = slice(part * blocks, (part + 1) * blocks)
        operations = codes[:, own]
        ends = np.arange(cell.num_operations, kinds)
        labels[:, nodes] = part * kinds + np.concatenate(
            [np.tile(ends[:-1], (n, 1)), operations, np.full((n, 1), ends[-1])], axis=1
        )
        edges = adjacency[:, nodes, nodes]
        edges[:, :-1, inputs:-1] = writes[:, None] == sources[:, None, own]
        edges[:, :-1, -1] = outputs[:, part][:, writes]
    first = parts * kinds
    for choice, alternatives in enumerate(hidden):
        labels[:, parts * size + choice] = first + codes[:, cell.num_blocks + choice]
        first += alternatives
    return OperationGraphs(
        labels=labels,
        adjacency=adjacency,
        present=np.ones((n, num_nodes), dtype=np.bool_),
        num_labels=first,
        num_inputs=inputs,
        nodes_per_part=size,
        num_parts=parts,
    )


def simplified(cell: Cell, graphs: OperationGraphs) -> OperationGraphs:
    """The same networks without the operations that compute nothing.

    A node that passes nothing on is taken out; one that passes its input on unchanged is
    replaced by edges around it; then all nodes go that no longer lie between an input and
    an output. Architectures that differ in such operations only become equal. Edges that
    come to lie side by side count once.

    Source: the graphs that Ru et al. 2021 (NAS-BOWL) build of NAS-Bench-201 cells.

    Args:
        cell: The cell, whose operations are recognised by their names
            (:data:`ZERO_OPERATIONS`, :data:`IDENTITY_OPERATIONS`).
        graphs: Its graphs from :func:`operation_graphs`.
    """
    zero = _nodes_of(cell, graphs, ZERO_OPERATIONS)
    identity = _nodes_of(cell, graphs, IDENTITY_OPERATIONS)
    edges = graphs.adjacency & ~zero[:, :, None] & ~zero[:, None, :]
    # Walks whose inner nodes are all identities, one node longer in each round.
    walks = edges
    for _ in range(graphs.nodes_per_part):
        longer = edges | _compose(walks & identity[:, None, :], edges)
        if (longer == walks).all():
            break
        walks = longer
    keep = ~zero & ~identity
    edges = walks & keep[:, :, None] & keep[:, None, :]
    inputs, outputs, others = _ends(graphs)
    useful = _reached(edges, inputs) & _reached(edges.swapaxes(1, 2), outputs)
    present = keep & (useful | inputs | outputs | others)
    return OperationGraphs(
        labels=graphs.labels,
        adjacency=edges & present[:, :, None] & present[:, None, :],
        present=present,
        num_labels=graphs.num_labels,
        num_inputs=graphs.num_inputs,
        nodes_per_part=graphs.nodes_per_part,
        num_parts=graphs.num_parts,
    )


def _nodes_of(cell: Cell, graphs: OperationGraphs, names: frozenset[str]) -> Mask:
    """Mask ``n x V`` of the nodes that are operations of these names."""
    wanted = [i for i, name in enumerate(cell.operations) if name in names]
    kinds = cell.num_operations + graphs.num_inputs + 1
    found = np.isin(graphs.labels % kinds, wanted)
    found[:, graphs.num_parts * graphs.nodes_per_part :] = False  # hidden wiring
    return found


def _ends(graphs: OperationGraphs) -> tuple[Mask, ...]:
    """Masks ``V`` of the nodes that are inputs, outputs, and outside of all parts."""
    nodes = np.arange(graphs.labels.shape[1])
    within = nodes % graphs.nodes_per_part
    others = nodes >= graphs.num_parts * graphs.nodes_per_part
    inputs = (within < graphs.num_inputs) & ~others
    outputs = (within == graphs.nodes_per_part - 1) & ~others
    return inputs, outputs, others


def _compose(first: Mask, second: Mask) -> Mask:
    """True for each pair of nodes with an edge of ``first`` and then one of ``second``."""
    both: Mask = (first.astype(np.float32) @ second.astype(np.float32)) > 0
    return both


def _reached(edges: Mask, starts: Mask) -> Mask:
    """The nodes that can be reached from ``starts`` (``V``), ``n x V``."""
    reached = np.broadcast_to(starts, edges.shape[:2])
    while True:
        further = reached | (reached[:, :, None] & edges).any(axis=1)
        if (further == reached).all():
            return further
        reached = further
