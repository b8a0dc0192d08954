"""Which encodings the acquisition function is evaluated on."""

from __future__ import annotations

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError
from ax_anasod.generators.candidates import exhaustive, pool_fractions, unique_counts

LARGE = Cell("large", operations=[f"op {i}" for i in range(12)], num_blocks=40)
# More encodings than 63 bits can number.
VAST = Cell("vast", operations=[f"op {i}" for i in range(40)], num_blocks=60)


@pytest.mark.parametrize("cell", [cells.get("nas-bench-201"), LARGE, VAST], ids=lambda c: c.name)
def test_distinct_rows_are_those_of_numpy(cell: Cell) -> None:
    rng = np.random.default_rng(0)
    counts = cell.snap(rng.dirichlet(np.full(cell.num_operations, 0.3), size=500))
    counts = np.concatenate([counts, counts[::-1]])

    np.testing.assert_array_equal(unique_counts(counts, cell), np.unique(counts, axis=0))


def test_exhaustive_candidates_are_the_whole_grid() -> None:
    grid = exhaustive(cells.get("nas-bench-201"))

    assert grid.shape == (210, 5)
    assert len({tuple(row) for row in grid.tolist()}) == 210
    assert (grid.sum(axis=1) == 6).all()


def test_exhaustive_candidates_all_have_architectures() -> None:
    cell = cells.get("nas-bench-graph")

    grid = exhaustive(cell)

    assert len(grid) == cell.num_encodings - 1
    assert cell.is_feasible(grid).all()


def test_too_large_a_grid_is_refused_with_its_size() -> None:
    with pytest.raises(OptionError, match=r"'large' has 47626016970 encodings.*'pool'"):
        exhaustive(LARGE)


def test_the_pool_is_uniform_without_trust_region_or_incumbent() -> None:
    cell = cells.get("nas-bench-201")
    incumbent = np.array([6, 0, 0, 0, 0])

    for beta, best in ((0.0, incumbent), (5.0, None)):
        pool = pool_fractions(cell, 20_000, beta, best, np.random.default_rng(0))
        np.testing.assert_allclose(pool.mean(axis=0), np.full(5, 0.2), atol=0.01)


def test_the_pool_concentrates_on_the_incumbent_as_beta_grows() -> None:
    cell = cells.get("nas-bench-201")
    incumbent = np.array([3, 2, 1, 0, 0])

    shares = []
    for beta in (0.25, 2.0, 16.0):
        pool = pool_fractions(cell, 20_000, beta, incumbent, np.random.default_rng(0))
        # The mean of Dir(k beta p + 1).
        expected = (beta * incumbent / 6 + 1 / 5) / (beta + 1)
        np.testing.assert_allclose(pool.mean(axis=0), expected, atol=0.01)
        shares.append((cell.snap(pool) == incumbent).all(axis=1).mean())

    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.5
