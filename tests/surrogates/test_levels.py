"""Distances between architectures, against their definitions one pair at a time."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.surrogates import LevelFeatures, LevelName, effective_paths, levels_of, num_paths

Bag = Counter[tuple[int, ...]]


def test_distances_are_those_of_their_definitions(cell: Cell) -> None:
    rng = np.random.default_rng(0)
    own, others = cell.sample(7, rng), cell.sample(5, rng)
    levels = levels_of(cell)
    features = LevelFeatures(cell, own)
    found = features.distances(LevelFeatures(cell, others), levels)
    assert set(found) == set(levels)
    counts = [cell.encode(codes) for codes in (own, others)]
    squared = ((counts[0][:, None] - counts[1]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(found["distribution"], squared)
    different = (own[:, None] != others).sum(axis=2)
    np.testing.assert_array_equal(found["blocks"], different)
    if cell.block_graph.residual:
        assert set(found) == {"distribution", "blocks", "order"}
        bags = [[ordered_pairs_of(cell, code) for code in codes] for codes in (own, others)]
        np.testing.assert_array_equal(found["order"], squared_distances(*bags))
        return
    if num_paths(cell) is None:
        assert set(found) == {"distribution", "blocks"}
        return
    bags = [[bag_of_paths(cell, code) for code in codes] for codes in (own, others)]
    np.testing.assert_array_equal(found["paths"], squared_distances(*bags))
    bags = [[steps_of(bag) for bag in part] for part in bags]
    np.testing.assert_array_equal(found["steps"], squared_distances(*bags))


def bag_of_paths(cell: Cell, code: npt.NDArray[np.int64]) -> Bag:
    paths = effective_paths(cell, code[None])[0].tolist()
    return Counter(tuple(filter(None, path)) for path in paths if any(path))


def steps_of(bag: Bag) -> Bag:
    """How often one follows another on the paths of a bag, the output last."""
    steps: Bag = Counter()
    for path, times in bag.items():
        for step in pairwise((-1, *path)):
            steps[step] += times
    return steps


def ordered_pairs_of(cell: Cell, code: npt.NDArray[np.int64]) -> Bag:
    """How often one operation that does something stands before another one of its part."""
    pairs: Bag = Counter()
    for part in range(cell.parts):
        names = [cell.operations[i] for i in code[part * cell.total :][: cell.total]]
        kept = [cell.operations.index(name) for name in names if name not in ("skip", "none")]
        pairs.update((a, b) for a, b in combinations(kept, 2) if a != b)
    return pairs


def squared_distances(own: list[Bag], others: list[Bag]) -> list[list[int]]:
    return [[sum((a[x] - b[x]) ** 2 for x in a.keys() | b.keys()) for b in others] for a in own]


def test_some_of_the_features(cell: Cell) -> None:
    codes = cell.sample(9, np.random.default_rng(1))
    features, levels = LevelFeatures(cell, codes), levels_of(cell)
    assert len(features) == 9
    part = features[2:5].distances(features, levels)
    whole = features.distances(features, levels)
    for name in levels:
        np.testing.assert_array_equal(part[name], whole[name][2:5])
        np.testing.assert_array_equal(np.diag(whole[name]), 0)


def test_a_cell_without_paths_is_not_asked_for_them() -> None:
    cell = Cell("plain", ["a", "b"], num_blocks=3)
    features = LevelFeatures(cell, cell.enumerate())
    with pytest.raises(ValueError, match="no level 'paths'"):
        features.distances(features, ["paths"])


@pytest.mark.parametrize("name", ["distribution", "blocks", "paths", "steps"])
def test_kernels_fall_from_one_and_know_their_slope(name: LevelName) -> None:
    level = levels_of(cells.get("nas-bench-201"))[name]
    distances = np.arange(20.0)
    values, slopes = level.kernel(distances, 0.6)
    assert values[0] == 1.0
    assert (np.diff(values) < 0).all()
    assert (values > 0).all()
    h = 1e-6
    above, below = (level.kernel(distances, 0.6 * np.exp(step))[0] for step in (h, -h))
    np.testing.assert_allclose(slopes, (above - below) / (2 * h), atol=1e-8)
