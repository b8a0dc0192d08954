"""Bags of paths against a walk through networkx graphs, one architecture at a time."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod import cells
from ax_anasod.cells import Architecture, Cell, NASNetCell, RestrictedCell
from ax_anasod.cells.graph import IDENTITY_OPERATIONS, ZERO_OPERATIONS
from ax_anasod.surrogates import effective_paths, num_paths
from ax_anasod.surrogates.paths import path_numbers

GRAPHS = ("nas-bench-201", "darts", "nasnet", "nas-bench-graph", "nas-bench-graph-proteins")


def walked(architecture: Architecture) -> Counter[tuple[str, ...]]:
    """All paths, by enumeration: start, operations other than the identity."""
    graph = architecture.cell.graph(architecture)
    part = dict(graph.nodes(data="part"))
    operation = dict(graph.nodes(data="operation"))
    starts = [node for node in graph if str(operation[node]).startswith("input_")]
    ends = [node for node in graph if operation[node] == "output"]
    found: Counter[tuple[str, ...]] = Counter()
    for start in starts:
        for end in ends:
            if part[start] != part[end]:
                continue
            for nodes in nx.all_simple_paths(graph, start, end):
                names = [operation[node] for node in nodes[1:-1]]
                if not ZERO_OPERATIONS & set(names):
                    kept = (name for name in names if name not in IDENTITY_OPERATIONS)
                    found[f"{part[start]} {operation[start]}", *kept] += 1
    return found


def bag(paths: npt.NDArray[np.int64]) -> Counter[tuple[int, ...]]:
    return Counter(tuple(filter(None, path)) for path in paths.tolist() if any(path))


@pytest.mark.parametrize("name", GRAPHS)
def test_the_paths_are_those_of_a_walk(name: str) -> None:
    cell = cells.get(name)
    static = cell.block_graph
    names = [
        *(f"{p} input_{i}" for p in range(cell.parts) for i in range(static.num_inputs)),
        *cell.operations,
    ]
    codes = cell.sample(60, np.random.default_rng(0))
    paths = effective_paths(cell, codes)
    for code, own in zip(codes, paths, strict=True):
        found = Counter(
            {tuple(names[i - 1] for i in reversed(path)): n for path, n in bag(own).items()}
        )
        assert found == walked(cell.architecture(code))


def test_cells_that_compute_the_same_function_have_the_same_bag() -> None:
    cell = cells.get("nas-bench-201")
    # Two convolutions in a row, over different nodes; then a dead end that changes nothing.
    same = cell.from_strings(
        [
            "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|",
            "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
            "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",
            "|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
        ]
    )
    first, *others = map(bag, effective_paths(cell, same))
    assert len(first) == 1
    assert all(other == first for other in others)


def test_functions_of_nas_bench_201() -> None:
    cell = cells.get("nas-bench-201")
    paths = effective_paths(cell, cell.enumerate())
    kinds = np.unique(paths.reshape(-1, paths.shape[2]), axis=0)
    # None, or one of: skip; 3 operations; 9 pairs; 27 triples.
    assert len(kinds) == 1 + 1 + 3 + 9 + 27
    ordered = np.sort(paths @ 6 ** np.arange(paths.shape[2]), axis=1)
    # 4,930 functions can be told apart by their sums; bags of paths tell fewer.
    assert 1000 < len(np.unique(ordered, axis=0)) <= 4930


def test_number_of_paths() -> None:
    assert num_paths(cells.get("nas-bench-201")) == 4
    assert num_paths(cells.get("darts")) == 2 * (2 + 4 + 6 + 6)
    restricted = RestrictedCell(
        cells.get("nas-bench-201"), cells.get("nas-bench-201").sample(9, np.random.default_rng(0))
    )
    assert num_paths(restricted) == 4
    assert num_paths(Cell("plain", ["a", "skip"], num_blocks=4)) is None
    assert num_paths(NASNetCell(num_nodes=9)) is None
    assert num_paths(cells.get("hybrid-lm")) is None


def test_long_paths_that_differ_at_one_end_have_different_numbers() -> None:
    paths = np.array([[[5, 5, 5, 5, 5, 5, 1]], [[6, 5, 5, 5, 5, 5, 1]], [[5, 5, 5, 5, 5, 5, 2]]])
    assert len(np.unique(path_numbers(paths))) == 3
    assert path_numbers(np.zeros((1, 1, 7), dtype=np.int64)).tolist() == [[0]]
