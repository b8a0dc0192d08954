"""Graphs of architectures."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import BlockGraph, Cell


def test_every_architecture_is_a_graph_of_its_operations(
    cell: Cell, rng: np.random.Generator
) -> None:
    for code in cell.sample(3, rng):
        architecture = cell.architecture(code)
        graph = cell.graph(architecture)
        assert nx.is_directed_acyclic_graph(graph)
        operations = nx.get_node_attributes(graph, "operation")
        blocks = range(cell.num_blocks)
        assert tuple(operations[block] for block in blocks) == architecture.operations
        terminals = set(graph) - set(blocks)
        parts = cell.block_graph.part_names
        assert len(terminals) == len(parts) * (cell.block_graph.num_inputs + 1)
        assert graph.graph == {"cell": cell.name, "wiring": architecture.wiring}
        # Each part is a graph of its own, and every block leads somewhere.
        assert nx.number_weakly_connected_components(graph) == len(parts)
        for block in blocks:
            assert graph.in_degree(block) >= 1
            assert graph.out_degree(block) >= 1
            assert graph.nodes[block]["part"] == block * len(parts) // cell.num_blocks


def test_nas_bench_201() -> None:
    cell = cells.get("nas-bench-201")
    graph = cell.graph(
        cell.architecture("|none~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|")
    )
    # Blocks: 0 writes node 1; 1 and 2 write node 2; 3, 4 and 5 write the output.
    assert set(graph.edges) == {
        *(("input_0", block) for block in (0, 1, 3)),
        *((0, block) for block in (2, 4)),
        *((block, 5) for block in (1, 2)),
        *((block, "output") for block in (3, 4, 5)),
    }
    assert graph.nodes[5] == {"operation": "nor_conv_3x3", "part": 0}


def test_darts_parts_have_names() -> None:
    cell = cells.get("darts")
    graph = cell.graph(cell.architecture(cell.sample(1, np.random.default_rng(0))[0]))
    assert set(graph) - set(range(16)) == {
        f"{part}_{state}"
        for part in ("normal", "reduce")
        for state in ("input_0", "input_1", "output")
    }
    assert graph.in_degree("normal_output") == 8


def test_nas_bench_graph() -> None:
    cell = cells.get("nas-bench-graph")
    graph = cell.graph(cell.architecture("gat|gcn|fc|sage@0,0,1,3"))
    expected = {("input_0", 0), ("input_0", 1), (0, 2), (2, 3), (1, "output"), (3, "output")}
    assert set(graph.edges) == expected


def test_a_users_blocks_stand_in_a_row() -> None:
    cell = Cell("mine", ["a", "b"], num_blocks=3, wiring=[2])
    graph = cell.graph(cell.architecture("a|b|a@1"))
    assert set(graph.edges) == {("input_0", 0), (0, 1), (1, 2), (2, "output")}
    assert graph.graph["wiring"] == (1,)


@pytest.mark.parametrize(
    ("cell", "shortest", "longest"),
    [
        (Cell("mine", ["a", "b"], num_blocks=6, parts=2), 3, 3),
        (cells.get("nas-bench-201"), 1, 3),
        (cells.get("darts"), 1, 4),
        (cells.get("nas-bench-graph"), 1, 4),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_lengths_of_paths(cell: Cell, shortest: int, longest: int) -> None:
    assert (cell.block_graph.shortest_path, cell.block_graph.longest_path) == (shortest, longest)


def test_possible_sources_are_exactly_those_that_occur(
    cell: Cell, rng: np.random.Generator
) -> None:
    static: BlockGraph = cell.block_graph
    sources = cell.sources(cell.sample(3000, rng))
    for block in range(cell.num_blocks):
        possible = static.possible_sources[block % static.blocks_per_part]
        assert tuple(np.unique(sources[:, block]).tolist()) == possible
