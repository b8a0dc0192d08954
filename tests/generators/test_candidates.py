"""Which encodings the acquisition function is evaluated on."""

from __future__ import annotations

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.exceptions import OptionError
from ax_anasod.generators.candidates import (
    draw_candidates,
    exhaustive,
    not_exhausted,
    pool_fractions,
    unique_counts,
)

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


class TestExhausted:
    @pytest.mark.parametrize("cell", [cells.get("nas-bench-201"), VAST], ids=lambda c: c.name)
    def test_trials_are_counted_against_architectures(self, cell: Cell) -> None:
        pure, mixed, other = (np.zeros(cell.num_operations, dtype=np.int64) for _ in range(3))
        pure[0], mixed[:2], other[1] = cell.total, [1, cell.total - 1], cell.total
        counts = np.stack([pure, mixed, other])

        trials = np.stack([pure, *[mixed] * (cell.total - 1)])
        np.testing.assert_array_equal(not_exhausted(counts, trials, cell), counts[1:])

        trials = np.stack([pure, *[mixed] * cell.total])
        np.testing.assert_array_equal(not_exhausted(counts, trials, cell), counts[2:])

        np.testing.assert_array_equal(not_exhausted(counts, trials[:0], cell), counts)

    def test_an_encoding_of_one_architecture_that_exists_has_one_trial(self) -> None:
        full = cells.get("nas-bench-201")
        cell = RestrictedCell(full, [[0, 1, 2, 3, 3, 3], [0, 1, 2, 2, 3, 3], [1, 0, 2, 2, 3, 3]])
        every = exhaustive(cell)

        left = not_exhausted(every, every, cell)

        np.testing.assert_array_equal(left, cell.encode([[0, 1, 2, 2, 3, 3]]))

    def test_pool_widens_where_all_of_it_is_exhausted(self) -> None:
        cell = cells.get("nas-bench-201")
        best = np.array([6, 0, 0, 0, 0])
        rng = np.random.default_rng(0)

        found = draw_candidates(cell, 50, 1000.0, best, {}, best[None], rng)

        assert len(found) > 20
        assert not (found == best).all(axis=1).any()

    def test_repeats_where_everything_is_exhausted_or_where_they_are_wanted(self) -> None:
        cell = Cell("two", operations=["a", "b"], num_blocks=2)
        rng = np.random.default_rng(0)
        every = exhaustive(cell)

        found = draw_candidates(cell, 50, 0.0, None, {}, np.repeat(every, 2, axis=0), rng)
        np.testing.assert_array_equal(found, every)

        found = draw_candidates(cell, 50, 1000.0, every[0], {}, None, rng)
        np.testing.assert_array_equal(found, every[:1])

    def test_fixed_counts_hold(self) -> None:
        cell = cells.get("nas-bench-201")
        trials = np.array([[0, 0, 0, 6, 0]])
        rng = np.random.default_rng(0)

        found = draw_candidates(cell, 50, 0.0, None, {3: 5}, trials, rng)

        assert (found[:, 3] == 5).all()
