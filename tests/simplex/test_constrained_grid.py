"""The part of the grid that keeps linear constraints, beside the whole grid that is listed."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ax_anasod.exceptions import EncodingError, OptionError
from ax_anasod.simplex import ConstrainedGrid, CountConstraint, enumerate_grid

Case = tuple[int, int, list[CountConstraint]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A small grid and up to three constraints with whole weights."""
    total, k = draw(st.integers(1, 6)), draw(st.integers(2, 5))
    weights = st.lists(st.integers(-2, 2), min_size=k, max_size=k)
    constraint = st.builds(
        lambda w, b, e: CountConstraint(tuple(map(float, w)), float(b), e, f"{w} {e} {b}"),
        weights,
        st.integers(-2, 6),
        st.booleans(),
    )
    return total, k, draw(st.lists(constraint, max_size=3))


def admissible(case: Case) -> np.ndarray:
    total, k, constraints = case
    grid = enumerate_grid(total, k)
    kept = np.ones(len(grid), dtype=bool)
    for constraint in constraints:
        kept &= constraint.keeps(grid)
    return grid[kept]


@given(cases(), st.integers(0, 2**32))
def test_it_is_what_is_left_of_the_whole_grid(case: Case, seed: int) -> None:
    left, rng = admissible(case), np.random.default_rng(seed)
    if not len(left):
        with pytest.raises(OptionError, match="no encoding of"):
            ConstrainedGrid(*case)
        return
    grid = ConstrainedGrid(*case)

    assert grid.size == len(left)
    np.testing.assert_array_equal(grid.enumerate(), left)
    drawn = grid.sample(20, rng)
    assert {tuple(row) for row in drawn.tolist()} <= {tuple(row) for row in left.tolist()}
    points = rng.dirichlet(np.ones(case[1]), size=8) * case[0]
    distances = ((points[:, None] - left) ** 2).sum(axis=2)
    np.testing.assert_allclose(
        ((points - grid.nearest(points)) ** 2).sum(axis=1), distances.min(axis=1), atol=1e-8
    )


@given(cases(), st.integers(0, 2**32))
def test_fixed_counts_are_kept(case: Case, seed: int) -> None:
    left, rng = admissible(case), np.random.default_rng(seed)
    if not len(left):
        return
    grid, fixed = ConstrainedGrid(*case), {0: int(rng.choice(left[:, 0]))}
    own = left[left[:, 0] == fixed[0]]

    drawn = grid.sample(20, rng, fixed=fixed)
    points = rng.dirichlet(np.ones(case[1]), size=4) * case[0]
    nearest = grid.nearest(points, fixed)

    listed = {tuple(row) for row in own.tolist()}
    assert {tuple(row) for row in [*drawn.tolist(), *nearest.tolist()]} <= listed
    distances = ((points[:, None] - own) ** 2).sum(axis=2).min(axis=1)
    np.testing.assert_allclose(((points - nearest) ** 2).sum(axis=1), distances, atol=1e-8)


GRID = ConstrainedGrid(
    6,
    4,
    [
        CountConstraint((1.0, 1.0, 0.0, 0.0), 3.0, text="n_a + n_b <= 3"),
        CountConstraint((0.0, 0.0, -1.0, 0.0), -1.0, text="n_c >= 1"),
    ],
)


def p_value(counts: np.ndarray, expected: np.ndarray) -> float:
    listed = GRID.enumerate()
    keys = [tuple(row) for row in listed.tolist()]
    found = dict.fromkeys(keys, 0)
    for row in counts.tolist():
        found[tuple(row)] += 1
    observed = np.array([found[key] for key in keys])
    return float(stats.chisquare(observed, expected * len(counts)).pvalue)


def test_draws_are_uniform() -> None:
    drawn = GRID.sample(20_000, np.random.default_rng(3))
    uniform = np.full(GRID.size, 1 / GRID.size)
    assert p_value(drawn, uniform) > 1e-3
    assert p_value(drawn, np.linspace(0.9, 1.1, GRID.size) * uniform) < 1e-6


def test_weighted_draws_have_products_of_their_weights() -> None:
    rng = np.random.default_rng(4)
    logs = rng.normal(size=(4, 7))
    listed = GRID.enumerate()
    shares = np.exp(logs[np.arange(4), listed].sum(axis=1))
    assert p_value(GRID.sample(20_000, rng, logs), shares / shares.sum()) > 1e-3


def test_the_constraint_that_empties_the_grid_is_named() -> None:
    constraints = [
        CountConstraint((1.0, 0.0, 0.0), 1.0, text="n_a <= 1"),
        CountConstraint((0.0, 1.0, 0.0), 1.0, text="n_b <= 1"),
        CountConstraint((0.0, 0.0, 1.0), 1.0, text="n_c <= 1"),
    ]
    with pytest.raises(OptionError, match="keeps 'n_c <= 1' together with n_a <= 1 and n_b <= 1"):
        ConstrainedGrid(4, 3, constraints)


def test_counts_that_cannot_be_fixed_are_refused() -> None:
    with pytest.raises(EncodingError, match="fixed counts {0: 5}"):
        GRID.sample(1, np.random.default_rng(0), fixed={0: 5})
    with pytest.raises(EncodingError):
        GRID.nearest(np.array([[1.0, 1.0, 2.0, 2.0]]), {0: 5})


def test_forty_blocks_of_twelve_operations_with_five_constraints_fit_in_memory() -> None:
    def constraint(weights: dict[int, float], bound: float, equality: bool) -> CountConstraint:
        row = tuple(weights.get(i, 0.0) for i in range(12))
        return CountConstraint(row, bound, equality, str(weights))

    tracemalloc.start()
    try:
        grid = ConstrainedGrid(
            40,
            12,
            [
                constraint({0: 1}, 3, False),
                constraint({1: -1, 2: -1}, -5, False),
                constraint({3: 1, 4: 1, 5: 1}, 10, True),
                constraint({6: 1, 7: 1, 8: -1}, 2, False),
                constraint({i: 1.0 + i % 3 for i in range(12)}, 70, False),
            ],
        )
        rng = np.random.default_rng(0)
        drawn = grid.sample(1200, rng)
        nearest = grid.nearest(rng.dirichlet(np.ones(12), size=100) * 40)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grid.size > 10**7
    assert grid.contains(drawn).all()
    assert grid.contains(nearest).all()
    assert most < 200e6


def test_too_many_constraints_are_refused_while_they_are_counted() -> None:
    rng = np.random.default_rng(0)
    constraints = [
        CountConstraint(tuple(rng.random(12).tolist()), 20.0, text=f"constraint {i}")
        for i in range(4)
    ]
    with pytest.raises(OptionError, match="too many to be kept together"):
        ConstrainedGrid(40, 12, constraints)
