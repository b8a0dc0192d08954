"""Distances between architectures, against their definitions one pair at a time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.surrogates import LevelFeatures, LevelName, effective_paths, levels_of, num_paths


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
    if num_paths(cell) is None:
        assert "paths" not in found
        return
    bags = [[Counter(row[row != 0].tolist()) for row in effective_paths(cell, codes)]
            for codes in (own, others)]  # fmt: skip
    expected = [
        [sum((a[path] - b[path]) ** 2 for path in a.keys() | b.keys()) for b in bags[1]]
        for a in bags[0]
    ]
    np.testing.assert_array_equal(found["paths"], expected)


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
    with pytest.raises(ValueError, match="no level of paths"):
        features.distances(features, ["paths"])


@pytest.mark.parametrize("name", ["distribution", "blocks", "paths"])
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
