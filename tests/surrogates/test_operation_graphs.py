"""Graphs in arrays: the same as the cell's own, and simplified without changing the network."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import ArchitectureError
from ax_anasod.surrogates import operation_graphs, simplified


def node_names(cell: Cell) -> list[int | str]:
    """The nodes of ``cell.graph`` in the order of the arrays."""
    static = cell.block_graph
    names: list[int | str] = []
    for part, part_name in enumerate(static.part_names):
        prefix = f"{part_name}_" if len(static.part_names) > 1 else ""
        names += [f"{prefix}input_{i}" for i in range(static.num_inputs)]
        names += range(part * static.blocks_per_part, (part + 1) * static.blocks_per_part)
        names += [f"{prefix}output"]
    return names


def test_edges_and_labels_are_those_of_the_cell(cell: Cell) -> None:
    codes = cell.sample(25, np.random.default_rng(1))
    graphs = operation_graphs(cell, codes)
    names = node_names(cell)
    meaning: dict[int, tuple[int, str]] = {}
    for row, code in enumerate(codes):
        expected = cell.graph(cell.architecture(code))
        found = {
            (names[source], names[target])
            for source, target in np.argwhere(graphs.adjacency[row]).tolist()
        }
        assert found == set(expected.edges)
        for column, name in enumerate(names):
            node = expected.nodes[name]
            label = int(graphs.labels[row, column])
            assert meaning.setdefault(label, (node["part"], node["operation"])) == (
                node["part"],
                node["operation"],
            )
    assert len(set(meaning.values())) == len(meaning)
    assert graphs.present.all()
    assert graphs.labels.min() >= 0
    assert graphs.labels.max() < graphs.num_labels


def test_hidden_wiring_has_nodes_of_its_own() -> None:
    cell = Cell("hidden", ["a", "b"], num_blocks=2, wiring=[3, 2])
    codes = np.array([[0, 1, w, v] for w in range(3) for v in range(2)])
    graphs = operation_graphs(cell, codes)
    # input, two blocks, output, two choices
    assert graphs.labels.shape == (6, 6)
    assert len(np.unique(graphs.labels[:, 4])) == 3
    assert len(np.unique(graphs.labels[:, 5])) == 2
    assert set(graphs.labels[:, 4]).isdisjoint(graphs.labels[:, 5])
    assert not graphs.adjacency[:, 4:].any()
    assert not graphs.adjacency[:, :, 4:].any()
    kept = simplified(cell, graphs)
    assert kept.present[:, 4:].all()


def test_malformed_codes() -> None:
    with pytest.raises(ArchitectureError):
        operation_graphs(cells.get("nas-bench-201"), np.array([[9] * 6]))


def simplified_by_hand(graph: nx.DiGraph) -> nx.DiGraph:
    """Nodes taken out one by one, as a reader of the paper would do it."""
    graph = graph.copy()
    for node, data in list(graph.nodes(data=True)):
        if data["operation"] in {"skip_connect", "skip"}:
            graph.add_edges_from(
                (before, after)
                for before in list(graph.predecessors(node))
                for after in list(graph.successors(node))
            )
            graph.remove_node(node)
        elif data["operation"] == "none":
            graph.remove_node(node)
    inputs = [n for n, d in graph.nodes(data=True) if d["operation"].startswith("input")]
    outputs = [n for n, d in graph.nodes(data=True) if d["operation"] == "output"]
    useful = set(inputs) | set(outputs)
    for node in graph:
        down = nx.descendants(graph, node)
        up = nx.ancestors(graph, node)
        if down & set(outputs) and up & set(inputs):
            useful.add(node)
    return graph.subgraph(useful)


@pytest.mark.parametrize("name", cells.names())
def test_simplified_as_by_hand(name: str) -> None:
    cell = cells.get(name)
    codes = cell.sample(60, np.random.default_rng(2))
    graphs = simplified(cell, operation_graphs(cell, codes))
    names = node_names(cell)
    for row, code in enumerate(codes):
        expected = simplified_by_hand(cell.graph(cell.architecture(code)))
        edges = np.argwhere(graphs.adjacency[row]).tolist()
        assert {(names[s], names[t]) for s, t in edges} == set(expected.edges)
        assert {names[i] for i in np.flatnonzero(graphs.present[row])} == set(expected.nodes)


def test_nothing_between_input_and_output() -> None:
    cell = cells.get("nas-bench-201")
    codes = cell.from_strings(
        [
            "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            "|skip_connect~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|",
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|none~2|",
        ]
    )
    graphs = simplified(cell, operation_graphs(cell, codes))
    # Only input and output are left; in the second one they are joined.
    assert graphs.present.sum(axis=1).tolist() == [2, 2, 2]
    assert graphs.adjacency.sum(axis=(1, 2)).tolist() == [0, 1, 0]


def test_skips_side_by_side_are_one_edge() -> None:
    cell = cells.get("nas-bench-201")
    codes = cell.from_strings(
        [
            "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|skip_connect~1|none~2|",
            "|nor_conv_3x3~0|+|skip_connect~0|skip_connect~1|+|none~0|none~1|skip_connect~2|",
        ]
    )
    graphs = simplified(cell, operation_graphs(cell, codes))
    np.testing.assert_array_equal(graphs.adjacency[0], graphs.adjacency[1])
    assert graphs.adjacency[0].sum() == 3  # input, convolution, output; input, output


def test_simplified_twice_is_simplified_once(cell: Cell) -> None:
    once = simplified(cell, operation_graphs(cell, cell.sample(50, np.random.default_rng(3))))
    twice = simplified(cell, once)
    np.testing.assert_array_equal(once.present, twice.present)
    np.testing.assert_array_equal(once.adjacency, twice.adjacency)
