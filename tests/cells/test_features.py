"""Adjacency and path features against graphs and brute force."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from ax_anasod import cells
from ax_anasod.cells import Cell, one_hot_adjacency, path_features
from ax_anasod.exceptions import ArchitectureError, CellError, OptionError


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [
        ("nas-bench-201", 6 * 5),
        ("darts", 2 * 14 * 7),
        ("nasnet", 20 * 8),
        ("nas-bench-graph", 10 * 9),
    ],
)
def test_adjacency_has_one_operation_an_edge(
    name: str, dimensions: int, rng: np.random.Generator
) -> None:
    cell = cells.get(name)
    features = one_hot_adjacency(cell, cell.sample(200, rng))
    assert features.shape == (200, dimensions)
    assert set(np.unique(features)) == {0.0, 1.0}
    assert (features.sum(axis=1) == cell.num_blocks).all()


def test_adjacency_tells_all_architectures_apart(small_cell: Cell) -> None:
    features = one_hot_adjacency(small_cell, small_cell.enumerate())
    assert len(np.unique(features, axis=0)) == small_cell.size


def test_adjacency_of_neighbours_differs_in_two_features(rng: np.random.Generator) -> None:
    # One operation, or one wire, is one feature off and one on.
    for name in ("nas-bench-201", "darts", "nasnet"):
        cell = cells.get(name)
        code = cell.sample(1, rng)[0]
        own = one_hot_adjacency(cell, code[None])
        others = one_hot_adjacency(cell, cell.neighbours(code))
        assert (np.abs(others - own).sum(axis=1) == 2).all()


def graph_paths(cell: Cell, code: NDArray[np.int64], longest: int) -> set[tuple[str, ...]]:
    """(part, input, operations...) of each path, from the networkx graph."""
    graph = cell.graph(cell.architecture(code))
    found = set()
    for start in graph:
        if not str(start).endswith(("input_0", "input_1")):
            continue
        ends = [n for n in nx.descendants(graph, start) if str(n).endswith("output")]
        for path in (p for end in ends for p in nx.all_simple_paths(graph, start, end)):
            operations = tuple(graph.nodes[node]["operation"] for node in path[1:-1])
            if len(operations) <= longest:
                found.add((str(start), *operations))
    return found


@pytest.mark.parametrize(
    ("name", "longest", "features"),
    [
        ("nas-bench-201", 3, 5 + 25 + 125),
        ("darts", 3, 2 * 2 * (7 + 49 + 343)),
        ("nasnet", 4, 2 * (8 + 64 + 512 + 4096)),
        ("nas-bench-graph", 4, 9 + 81 + 729 + 6561),
    ],
)
def test_paths_are_those_of_the_graph(
    name: str, longest: int, features: int, rng: np.random.Generator
) -> None:
    cell = cells.get(name)
    codes = cell.sample(60, rng)
    encoded = path_features(cell, codes)
    assert encoded.shape == (60, features)
    assert set(np.unique(encoded)) == {0.0, 1.0}
    paths = [graph_paths(cell, code, longest) for code in codes]
    assert encoded.sum(axis=1).tolist() == [len(own) for own in paths]
    # The same column is the same path: shared features are shared paths, for every pair.
    shared = [[len(one & other) for other in paths] for one in paths]
    assert (encoded @ encoded.T).tolist() == shared


def test_order_of_the_path_features() -> None:
    cell = cells.get("nas-bench-201")
    code = cell.from_strings(
        ["|avg_pool_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|skip_connect~1|none~2|"]
    )
    on = np.flatnonzero(path_features(cell, code)[0]).tolist()
    # 1x1 alone; pool then skip, none then none; pool, none, none.
    assert on == [2, 5 + 0 * 5 + 0, 5 + 4 * 5 + 1, 30 + 4 * 25 + 0 * 5 + 0]


def test_truncation_drops_long_paths_only() -> None:
    cell = cells.get("darts")
    codes = cell.sample(50, np.random.default_rng(1))
    long = path_features(cell, codes, max_features=20_000)
    short = path_features(cell, codes, max_features=300)
    assert long.shape[1] == 2 * 2 * (7 + 49 + 343 + 2401)
    assert short.shape[1] == 2 * 2 * (7 + 49)
    half = short.shape[1] // 2
    assert (short[:, :half] == long[:, :half]).all()


def test_a_users_wiring_is_part_of_the_features() -> None:
    cell = Cell("mine", ["a", "b"], num_blocks=3, wiring=[2, 3])
    features = path_features(cell, cell.enumerate())
    assert features.shape == (48, 8 + 2 + 3)
    assert len(np.unique(features, axis=0)) == 48


def test_refuses_paths_too_long_to_count() -> None:
    cell = Cell("long", [f"op {i}" for i in range(12)], num_blocks=40)
    with pytest.raises(CellError, match="has 40 operations: more sequences than 10000"):
        path_features(cell, np.zeros((1, 40), dtype=int))
    with pytest.raises(OptionError):
        path_features(cell, np.zeros((1, 40), dtype=int), max_features=0)


@pytest.mark.parametrize("features", [one_hot_adjacency, path_features])
def test_features_of_any_number_of_codes(features: object, rng: np.random.Generator) -> None:
    assert callable(features)
    cell = cells.get("nas-bench-201")
    codes = cell.sample(3000, rng)
    together = features(cell, codes)
    assert (together[2000:] == features(cell, codes[2000:])).all()
    assert features(cell, codes[:0]).shape == (0, together.shape[1])
    with pytest.raises(ArchitectureError):
        features(cell, [[5, 0, 0, 0, 0, 0]])
