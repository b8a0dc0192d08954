"""Bomze rounding against brute force and exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ax_anasod.exceptions import EncodingError, OptionError
from ax_anasod.simplex import bomze_round, enumerate_grid, rank, sample_uniform, unrank

weights_rows = st.lists(st.integers(0, 20), min_size=1, max_size=12).filter(any)
totals = st.integers(1, 40)


def exact_points(weights: list[int], total: int) -> list[Fraction]:
    return [Fraction(total * weight, sum(weights)) for weight in weights]


def as_floats(points: list[Fraction]) -> NDArray[np.float64]:
    return np.array([float(point) for point in points])


def exact_rounding(points: list[Fraction]) -> list[int]:
    """Eq. 1 in rational arithmetic, ties to the lowest index."""
    floors = [point.numerator // point.denominator for point in points]
    missing = int(sum(points)) - sum(floors)
    by_fraction = sorted(range(len(points)), key=lambda i: (floors[i] - points[i], i))
    for index in by_fraction[:missing]:
        floors[index] += 1
    return floors


@st.composite
def random_points(draw: st.DrawFn, max_total: int, max_operations: int) -> tuple[NDArray, int]:
    total = draw(st.integers(1, max_total))
    size = draw(st.integers(1, max_operations))
    share = st.floats(0, 1, allow_subnormal=False)
    shares = np.array(draw(st.lists(share, min_size=size, max_size=size)))
    # Without a floor the quotient of tiny shares could overflow.
    shares[draw(st.integers(0, size - 1))] += 0.01
    return total * shares / shares.sum(), total


@given(random_points(max_total=60, max_operations=15))
def test_sum_sign_and_distance(case: tuple[NDArray, int]) -> None:
    points, total = case
    counts = bomze_round(points, total)
    assert counts.dtype == np.int64
    assert counts.shape == points.shape
    assert counts.sum() == total
    assert counts.min() >= 0
    assert np.abs(counts - points).max() < 1 + 1e-8


@given(random_points(max_total=8, max_operations=5))
def test_result_is_a_nearest_grid_point_in_three_norms(case: tuple[NDArray, int]) -> None:
    points, total = case
    grid = enumerate_grid(total, len(points))
    counts = bomze_round(points, total)
    for order in (1, 2, np.inf):
        nearest = np.linalg.norm(grid - points, ord=order, axis=1).min()
        # Ties are decided up to 1e-9, so that the distances may differ by as much a coordinate.
        assert np.linalg.norm(counts - points, ord=order) <= nearest + 1e-8


@given(weights_rows, totals)
def test_agrees_with_exact_arithmetic(weights: list[int], total: int) -> None:
    points = exact_points(weights, total)
    assert bomze_round(as_floats(points), total).tolist() == exact_rounding(points)


@given(weights_rows, totals, st.integers(0, 2**32))
def test_noise_decides_nothing(weights: list[int], total: int, seed: int) -> None:
    points = exact_points(weights, total)
    noise = np.random.default_rng(seed).uniform(-4e-10, 4e-10, len(points))
    assert bomze_round(as_floats(points) + noise, total).tolist() == exact_rounding(points)


@given(weights_rows)
def test_grid_points_stay(weights: list[int]) -> None:
    assert bomze_round(weights, sum(weights)).tolist() == weights


@given(random_points(max_total=60, max_operations=15))
def test_idempotent(case: tuple[NDArray, int]) -> None:
    points, total = case
    counts = bomze_round(points, total)
    assert np.array_equal(bomze_round(counts, total), counts)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([1.5, 1.5, 3.0], [2, 1, 3], id="tie to the lowest index"),
        pytest.param([3.0, 1.5, 1.5], [3, 2, 1], id="tie further right"),
        pytest.param([1.2, 1.2 - 4e-10, 1.2, 1.2, 1.2], [2, 1, 1, 1, 1], id="five tied"),
        pytest.param([1.5, 1.5 + 1e-12, 3.0], [2, 1, 3], id="tie up to noise"),
        pytest.param([1.5, 1.5 + 1e-8, 3.0], [1, 2, 3], id="no tie above the noise"),
        pytest.param([2.9999999999, 2.0, 1.0000000001], [3, 2, 1], id="just below an integer"),
        pytest.param([-1e-12, 6.0, 1e-12], [0, 6, 0], id="negative by noise"),
        pytest.param([4 / 3, 7 / 3, 7 / 3], [2, 2, 2], id="thirds"),
        pytest.param([6.0], [6], id="one operation"),
        pytest.param([0.0, 0.0, 6.0], [0, 0, 6], id="vertex"),
    ],
)
def test_cases_by_hand(points: list[float], expected: list[int]) -> None:
    assert bomze_round(points, 6).tolist() == expected


def test_single_precision_is_accepted() -> None:
    rng = np.random.default_rng(0)
    points = (40 * sample_uniform(12, 1000, rng)).astype(np.float32)
    assert (bomze_round(points, 40).sum(axis=-1) == 40).all()


@pytest.mark.parametrize("batch_shape", [(), (1,), (7,), (2, 3), (0,), (4, 0)])
def test_batches_round_row_by_row(batch_shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    points = 6 * rng.dirichlet(np.ones(5), size=batch_shape)
    counts = bomze_round(points, 6)
    assert counts.shape == (*batch_shape, 5)
    rows = [bomze_round(row, 6).tolist() for row in points.reshape(-1, 5)]
    assert counts.reshape(-1, 5).tolist() == rows


def test_argument_is_left_alone() -> None:
    points = np.array([[-1e-12, 2.5, 3.5]])
    before = points.copy()
    bomze_round(points, 6)
    assert np.array_equal(points, before)


@pytest.mark.parametrize(
    ("total", "num_operations"),
    [(40, 12), (1, 500), (2000, 300), (10**6, 50), (2**32, 4)],
)
def test_any_total_and_any_number_of_operations(total: int, num_operations: int) -> None:
    points = total * sample_uniform(num_operations, 200, np.random.default_rng(2))
    counts = bomze_round(points, total)
    assert (counts.sum(axis=1) == total).all()
    assert counts.min() >= 0
    assert np.abs(counts - points).max() < 1 + 1e-5


def test_rounded_draws_survive_rank_where_nothing_can_be_enumerated() -> None:
    counts = bomze_round(40 * sample_uniform(12, 100_000, np.random.default_rng(3)), 40)
    assert np.array_equal(unrank(rank(counts), 40, 12), counts)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        pytest.param([3.0, 2.9], r"sum to 6 .* but point \[3.0, 2.9\] sums to 5.9", id="sum"),
        pytest.param([0.5, 0.5], "multiply fractions by the total", id="fractions"),
        pytest.param([[3, 3], [7.0, -1.0]], r"negative, got point 1: \[7.0, -1.0\]", id="negative"),
        pytest.param([[[3, 3], [3, 4]]], r"point 0, 1: \[3.0, 4.0\]", id="batch"),
        pytest.param([np.nan, 6.0], "must be finite, got point", id="nan"),
        pytest.param([np.inf, 6.0], "must be finite, got point", id="infinite"),
        pytest.param([-np.inf, 6.0], "must be finite, got point", id="negative infinite"),
        pytest.param(["a", "b"], "array of numbers", id="text"),
        pytest.param([[1, 5], [6]], "array of numbers", id="ragged"),
        pytest.param(6.0, "last dimension of at least 1", id="scalar"),
        pytest.param([], "last dimension of at least 1", id="empty"),
    ],
)
def test_points_off_the_simplex_are_refused(points: object, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        bomze_round(points, 6)  # type: ignore[arg-type]


@pytest.mark.parametrize("total", [0, -3, 2.5, 2**32 + 1, None])
def test_totals_out_of_range_are_refused(total: object) -> None:
    with pytest.raises(OptionError):
        bomze_round([1.0], total)  # type: ignore[arg-type]
