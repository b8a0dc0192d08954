"""Bags of paths against a walk through networkx graphs, one architecture at a time."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod import cells
from ax_anasod.cells import Architecture, Cell, NASNetCell, RestrictedCell
from ax_anasod.surrogates import effective_paths, num_paths
from ax_anasod.surrogates.operation_graphs import IDENTITY_OPERATIONS, ZERO_OPERATIONS

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


def bag(row: npt.NDArray[np.int64]) -> list[int]:
    return sorted(Counter(row[row != 0].tolist()).values())


@pytest.mark.parametrize("name", GRAPHS)
def test_the_bags_are_those_of_a_walk(name: str) -> None:
    cell = cells.get(name)
    codes = cell.sample(40, np.random.default_rng(0))
    bags = effective_paths(cell, codes)
    numbers: dict[tuple[str, ...], int] = {}
    for code, row in zip(codes, bags, strict=True):
        expected = walked(cell.architecture(code))
        assert bag(row) == sorted(expected.values())
        # The same path has the same number in all architectures.
        for path, number in _matched(expected, row):
            assert numbers.setdefault(path, number) == number
    assert len(set(numbers.values())) == len(numbers) > 3


def _matched(
    expected: Counter[tuple[str, ...]], row: npt.NDArray[np.int64]
) -> list[tuple[tuple[str, ...], int]]:
    """Paths whose frequency only one of them has, so that they can be told by it."""
    found = Counter(row[row != 0].tolist())
    by_count = {n: [number for number, m in found.items() if m == n] for n in found.values()}
    return [
        (path, by_count[n][0])
        for path, n in expected.items()
        if len(by_count[n]) == 1 and Counter(expected.values())[n] == 1
    ]


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
    bags = np.sort(effective_paths(cell, same), axis=1)
    assert (bags == bags[0]).all()


def test_functions_of_nas_bench_201() -> None:
    cell = cells.get("nas-bench-201")
    bags = np.sort(effective_paths(cell, cell.enumerate()), axis=1)
    # No path, or one of: skip; 3 operations; 9 pairs; 27 triples. 4,930 functions are told
    # apart where sums are taken apart; bags of paths tell some of them less.
    assert len(np.unique(bags)) == 1 + 1 + 3 + 9 + 27
    assert 1000 < len(np.unique(bags, axis=0)) <= 4930


def test_number_of_paths() -> None:
    assert num_paths(cells.get("nas-bench-201")) == 4
    assert num_paths(cells.get("darts")) == 2 * (2 + 4 + 6 + 6)
    restricted = RestrictedCell(
        cells.get("nas-bench-201"), cells.get("nas-bench-201").sample(9, np.random.default_rng(0))
    )
    assert num_paths(restricted) == 4
    assert num_paths(Cell("plain", ["a", "skip"], num_blocks=4)) is None
    assert num_paths(NASNetCell(num_nodes=9)) is None
