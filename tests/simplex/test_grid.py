"""The grid against brute force and against itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.exceptions import EncodingError, OptionError
from ax_anasod.simplex import enumerate_grid, iterate_grid, neighbours, num_encodings, rank, unrank

small_sizes = st.tuples(st.integers(1, 7), st.integers(1, 5))
# Up to N = 240 and k = 12, which int64 ranks still cover.
counts_rows = st.lists(st.integers(0, 20), min_size=1, max_size=12).filter(any)


def brute_force(total: int, num_operations: int) -> list[tuple[int, ...]]:
    every = itertools.product(range(total + 1), repeat=num_operations)
    return [row for row in every if sum(row) == total]


@pytest.mark.parametrize(
    ("total", "num_operations", "expected"),
    [
        pytest.param(6, 5, 210, id="nas-bench-201"),
        pytest.param(14, 8, 116_280, id="paper, section 3.1"),
        pytest.param(40, 12, 47_626_016_970, id="too many to enumerate"),
        pytest.param(3, 1, 1, id="one operation"),
    ],
)
def test_num_encodings(total: int, num_operations: int, expected: int) -> None:
    assert num_encodings(total, num_operations) == expected


@given(small_sizes)
def test_grid_is_every_encoding_in_lexicographic_order(size: tuple[int, int]) -> None:
    expected = brute_force(*size)
    assert list(iterate_grid(*size)) == expected
    grid = enumerate_grid(*size)
    assert grid.dtype == np.int64
    assert [tuple(row) for row in grid.tolist()] == expected
    assert num_encodings(*size) == len(expected)


def test_enumeration_of_a_large_grid_agrees_with_rank_and_with_the_walk() -> None:
    grid = enumerate_grid(14, 8)
    assert grid.shape == (116_280, 8)
    assert np.array_equal(rank(grid), np.arange(len(grid)))
    assert np.array_equal(grid, list(iterate_grid(14, 8)))


def test_walk_is_lazy() -> None:
    walk = iterate_grid(40, 12)
    assert isinstance(walk, Iterator)
    first = list(itertools.islice(walk, 3))
    assert first == [(0,) * 11 + (40,), (0,) * 10 + (1, 39), (0,) * 10 + (2, 38)]


def test_enumeration_refuses_what_does_not_fit() -> None:
    with pytest.raises(OptionError, match=r"47626016970 encodings .* limit of 1000000"):
        enumerate_grid(40, 12)
    with pytest.raises(OptionError):
        enumerate_grid(6, 5, limit=209)
    assert len(enumerate_grid(6, 5, limit=210)) == 210


@given(counts_rows)
def test_unrank_inverts_rank(row: list[int]) -> None:
    ranks = rank(row)
    assert 0 <= ranks[0] < num_encodings(sum(row), len(row))
    assert unrank(ranks, sum(row), len(row)).tolist() == [row]


@given(st.data(), st.integers(1, 40), st.integers(1, 12))
def test_rank_inverts_unrank_and_keeps_the_order(
    data: st.DataObject, total: int, num_operations: int
) -> None:
    position = st.integers(0, num_encodings(total, num_operations) - 1)
    ranks = sorted(data.draw(st.lists(position, min_size=1, max_size=20)))
    counts = unrank(ranks, total, num_operations)
    assert (counts.sum(axis=1) == total).all()
    assert counts.min() >= 0
    assert rank(counts).tolist() == ranks
    assert counts.tolist() == sorted(counts.tolist())


def test_rank_reaches_the_end_of_int64() -> None:
    # The largest C(N + 19, 19) below 2^63.
    total = max(n for n in range(1, 200) if math.comb(n + 19, 19) < 2**63)
    last = num_encodings(total, 20) - 1
    assert unrank([0, last], total, 20).tolist() == [[0] * 19 + [total], [total] + [0] * 19]
    assert rank(unrank([last - 1, last], total, 20)).tolist() == [last - 1, last]
    with pytest.raises(OptionError, match="no 64-bit ranks"):
        unrank([0], total + 1, 20)
    with pytest.raises(OptionError):
        rank([total + 1] + [0] * 19)


def test_empty_batches_are_legal() -> None:
    assert rank(np.zeros((0, 3), dtype=np.int64)).shape == (0,)
    assert unrank([], 4, 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        ([0, 210], "rank 210 is outside the grid, whose ranks are 0 to 209"),
        ([-1], "rank -1 is outside"),
        ([0.5], "must be a row of integers"),
        ([[1]], "must be a row of integers"),
        (np.array([2**63], dtype=np.uint64), "rank 9223372036854775808 is outside"),
    ],
)
def test_unrank_refuses_ranks_outside_the_grid(ranks: object, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        unrank(ranks, 6, 5)  # type: ignore[arg-type]


def test_rank_refuses_rows_of_different_grids() -> None:
    with pytest.raises(EncodingError, match=r"sum to 3, but row 1 \[1, 1\] sums to 2"):
        rank([[1, 2], [1, 1]])


def test_neighbours_of_the_example_in_the_paper() -> None:
    # Appendix A.1: N = 5, k = 3, the neighbours of [1, 1, 3].
    expected = [[0, 1, 4], [1, 0, 4], [0, 2, 3], [2, 0, 3], [1, 2, 2], [2, 1, 2]]
    found = neighbours([1, 1, 3]).tolist()
    assert len(found) == 6
    assert sorted(found) == sorted(expected)


@given(small_sizes.flatmap(lambda size: st.sampled_from(brute_force(*size))))
def test_neighbours_are_the_adjacent_grid_points(row: tuple[int, ...]) -> None:
    grid = enumerate_grid(sum(row), len(row))
    adjacent = grid[np.abs(grid - np.array(row)).sum(axis=1) == 2]
    found = neighbours(row)
    assert found.dtype == np.int64
    assert sorted(found.tolist()) == adjacent.tolist()
    assert np.array_equal(found, neighbours(row))


@given(counts_rows)
def test_neighbourhood_is_symmetric(row: list[int]) -> None:
    for other in neighbours(row):
        assert row in neighbours(other).tolist()


def test_neighbours_leaves_its_argument_alone() -> None:
    counts = np.array([1, 1, 3])
    neighbours(counts)
    assert counts.tolist() == [1, 1, 3]


def test_neighbours_refuses_a_batch() -> None:
    with pytest.raises(EncodingError, match="one encoding, got 2"):
        neighbours([[1, 1, 3], [1, 1, 3]])


@pytest.mark.parametrize(
    "size", [(0, 3), (3, 0), (-1, 2), (2.0, 2), (True, 2), (2, "3"), (10**7, 2)]
)
def test_sizes_out_of_range_are_refused_at_once(size: tuple[int, int]) -> None:
    for function in (num_encodings, iterate_grid, enumerate_grid):
        with pytest.raises(OptionError, match=r"of at least 1, got|at most 1,000,000, got"):
            function(*size)
