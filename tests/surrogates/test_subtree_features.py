"""Subtree features: networkx's hashes, counted."""

from __future__ import annotations

import warnings
from collections import Counter

import networkx as nx
import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError
from ax_anasod.surrogates import OperationGraphs, operation_graphs, simplified, subtree_features
from ax_anasod.surrogates.subtree_features import subtree_hashes

DEPTH = 3
NETWORKX = tuple(int(part) for part in nx.__version__.split(".")[:2])

needs_directed_hashes = pytest.mark.skipif(
    NETWORKX < (3, 5), reason="networkx before 3.5 does not tell successors from predecessors"
)


def networkx_hashes(graphs: OperationGraphs, row: int) -> dict[int, list[str]]:
    graph = nx.DiGraph()
    for node in np.flatnonzero(graphs.present[row]).tolist():
        graph.add_node(node, label=str(graphs.labels[row, node]))
    graph.add_edges_from(np.argwhere(graphs.adjacency[row]).tolist())
    with warnings.catch_warnings():
        # networkx tells everybody that 3.5 changed these hashes.
        warnings.simplefilter("ignore", UserWarning)
        hashes: dict[int, list[str]] = nx.weisfeiler_lehman_subgraph_hashes(
            graph, node_attr="label", iterations=DEPTH, include_initial_labels=True
        )
    return hashes


@needs_directed_hashes
@pytest.mark.parametrize("simple", [False, True], ids=["as written", "simplified"])
def test_equal_where_networkx_has_equal_hashes(cell: Cell, simple: bool) -> None:
    graphs = operation_graphs(cell, cell.sample(30, np.random.default_rng(4)))
    if simple:
        graphs = simplified(cell, graphs)
    ours = subtree_hashes(graphs, DEPTH)
    assert len(ours) == DEPTH + 1
    pairs = {
        (depth, int(ours[depth][row, node]), theirs[depth])
        for row in range(len(graphs.labels))
        for node, theirs in networkx_hashes(graphs, row).items()
        for depth in range(DEPTH + 1)
    }
    assert len({(depth, our) for depth, our, _ in pairs}) == len(pairs)
    assert len({(depth, their) for depth, _, their in pairs}) == len(pairs)


@needs_directed_hashes
def test_counts_are_those_of_networkx() -> None:
    cell = cells.get("darts")
    graphs = simplified(cell, operation_graphs(cell, cell.sample(8, np.random.default_rng(5))))
    features = subtree_features(graphs, DEPTH)
    starts = [0, *features.ends[:-1]]
    for depth, (start, end) in enumerate(zip(starts, features.ends, strict=True)):
        for row in range(8):
            found = features.counts[row, start:end]
            expected = Counter(h[depth] for h in networkx_hashes(graphs, row).values())
            assert sorted(found[found > 0]) == sorted(expected.values())


def test_depth_zero_counts_operations() -> None:
    cell = cells.get("nas-bench-201")
    codes = cell.sample(40, np.random.default_rng(6))
    features = subtree_features(operation_graphs(cell, codes), 0)
    # One input and one output everywhere; columns are in an order of their own.
    expected = np.concatenate([cell.encode(codes), np.ones((40, 2))], axis=1)
    assert features.ends == (7,)
    np.testing.assert_array_equal(
        features.counts[:, np.lexsort(features.counts)], expected[:, np.lexsort(expected)]
    )


def test_every_node_counts_once_at_every_depth(cell: Cell) -> None:
    graphs = simplified(cell, operation_graphs(cell, cell.sample(20, np.random.default_rng(7))))
    features = subtree_features(graphs, 2)
    for block in np.split(features.counts, features.ends[:-1], axis=1):
        np.testing.assert_array_equal(block.sum(axis=1), graphs.present.sum(axis=1))


def test_patterns_do_not_depend_on_the_other_graphs() -> None:
    cell = cells.get("nas-bench-graph")
    codes = cell.sample(30, np.random.default_rng(8))
    alone = subtree_hashes(operation_graphs(cell, codes[:1]), 2)
    together = subtree_hashes(operation_graphs(cell, codes), 2)
    for one, all_of_them in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one[0], all_of_them[0])


def test_direction_of_edges_matters() -> None:
    cell = Cell("chain", ["a", "b", "c"], num_blocks=3)
    forward, backward = subtree_features(
        operation_graphs(cell, np.array([[0, 1, 2], [2, 1, 0]])), 1
    ).counts
    assert (forward != backward).any()


def test_negative_depth() -> None:
    cell = cells.get("nas-bench-201")
    graphs = operation_graphs(cell, np.zeros((1, 6), dtype=np.int64))
    with pytest.raises(OptionError):
        subtree_features(graphs, -1)
