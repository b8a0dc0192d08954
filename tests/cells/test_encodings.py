"""Feasible encodings and the nearest of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.cells.encodings import part_counts
from ax_anasod.exceptions import EncodingError
from ax_anasod.simplex import bomze_round, enumerate_grid, sample_uniform


def test_snap_is_bomze_rounding_where_all_is_feasible(rng: np.random.Generator) -> None:
    cell = cells.get("darts")
    fractions = sample_uniform(cell.num_operations, 200, rng)
    assert (cell.snap(fractions) == bomze_round(fractions * 8, 8)).all()


def test_snap_gives_the_nearest_feasible_encoding(
    small_cell: Cell, rng: np.random.Generator
) -> None:
    grid = enumerate_grid(small_cell.total, small_cell.num_operations)
    feasible = grid[small_cell.is_feasible(grid)]
    fractions = sample_uniform(small_cell.num_operations, 300, rng)
    snapped = small_cell.snap(fractions)
    assert small_cell.is_feasible(snapped).all()
    for point, counts in zip(fractions * small_cell.total, snapped, strict=True):
        nearest = ((feasible - point) ** 2).sum(axis=1).min()
        assert ((counts - point) ** 2).sum() == pytest.approx(nearest)


def test_snap_leaves_feasible_encodings_alone(small_cell: Cell) -> None:
    grid = enumerate_grid(small_cell.total, small_cell.num_operations)
    feasible = grid[small_cell.is_feasible(grid)]
    assert (small_cell.snap(feasible / small_cell.total) == feasible).all()


def test_snap_decides_ties_by_the_order_of_encodings() -> None:
    cell = cells.get("nas-bench-graph")
    skip_only = np.eye(9)[[8]]
    # Moving one block to any operation is equally near; lexicographically first is the last.
    assert cell.snap(skip_only).tolist() == [[0, 0, 0, 0, 0, 0, 0, 1, 3]]


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ([[0.5, 0.6]], "sums to 1.1"),
        ([[1, 1]], "sums to 2"),
        ([[float("inf"), 0.0]], "sums to inf"),
        ([[0.5, 0.25, 0.25]], "n x 2 array"),
    ],
)
def test_snap_refuses_what_is_off_the_simplex(fractions: list[list[float]], message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        Cell("two", ["a", "b"], num_blocks=3).snap(fractions)


class EmptyCell(Cell):
    """Small enough to list, and nothing is valid."""

    def is_valid(self, codes: ArrayLike) -> NDArray[np.bool_]:
        return np.zeros(len(self.validate_codes(codes)), dtype=bool)


def test_snap_needs_an_architecture() -> None:
    cell = EmptyCell("empty", ["a", "b"], num_blocks=2)
    assert cell.size == 0
    assert not cell.is_feasible([[1, 1]])[0]
    with pytest.raises(EncodingError):
        cell.snap([[0.5, 0.5]])


def test_feasibility_of_the_graph_networks() -> None:
    cell = cells.get("nas-bench-graph")
    grid = enumerate_grid(4, 9)
    assert cell.is_feasible(grid).sum() == len(grid) - 1
    assert not cell.is_feasible([[0, 0, 0, 0, 0, 0, 0, 0, 4]])[0]


def test_is_feasible_checks_the_counts() -> None:
    with pytest.raises(EncodingError):
        cells.get("nas-bench-201").is_feasible([[1, 1, 1, 1, 1]])


@given(st.integers(0, 2**32))
def test_restricted_cells_know_their_encodings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = Cell("whole", ["a", "b", "c"], num_blocks=6, parts=2)
    cell = RestrictedCell(whole, whole.sample(12, rng))
    grid = enumerate_grid(6, 3)
    present = {tuple(row) for row in cell.encode(cell.enumerate()).tolist()}
    assert cell.is_feasible(grid).tolist() == [tuple(row) in present for row in grid.tolist()]


def test_feasibility_without_64_bit_ranks(rng: np.random.Generator) -> None:
    # The counts of this cell have no int64 key, so that byte keys are compared.
    whole = Cell("wide", [f"op {i}" for i in range(14)], num_blocks=60)
    cell = RestrictedCell(whole, whole.sample(50, rng))
    counts = cell.encode(cell.enumerate())
    assert cell.is_feasible(counts).all()
    assert not cell.is_feasible(np.eye(14, dtype=int) * 60).any()
    assert cell.is_feasible(cell.snap(sample_uniform(14, 20, rng))).all()
    assert (cell.encode(cell.decode(counts, rng)) == counts).all()


class TestNumArchitectures:
    @pytest.mark.parametrize(
        "cell",
        [
            cells.get("nas-bench-201"),
            Cell("wired", operations=["a", "b", "c"], num_blocks=4, wiring=[2, 3]),
            cells.get("nas-bench-graph"),
            RestrictedCell(
                cells.get("nas-bench-201"),
                cells.get("nas-bench-201").sample(400, np.random.default_rng(0)),
            ),
        ],
        ids=repr,
    )
    def test_it_is_that_of_the_listed_ones(self, cell: Cell) -> None:
        listed, sizes = np.unique(cell.encode(cell.enumerate()), axis=0, return_counts=True)
        grid = enumerate_grid(cell.total, cell.num_operations)

        assert (cell.num_architectures(listed) == sizes).all()
        assert cell.num_architectures(grid).sum() == cell.size

    def test_parts_that_share_an_encoding(self, small_cell: Cell) -> None:
        grid = enumerate_grid(small_cell.total, small_cell.num_operations)
        of_all_blocks = enumerate_grid(small_cell.num_blocks, small_cell.num_operations)
        codes = small_cell.enumerate()
        tied = (part_counts(small_cell, codes) == part_counts(small_cell, codes)[:, :1]).all((1, 2))

        assert small_cell.num_architectures(grid).sum() == tied.sum()
        assert small_cell.num_architectures(of_all_blocks).sum() == small_cell.size

    def test_cells_too_large_to_list_have_at_most_so_many(self) -> None:
        darts = cells.get("darts")

        (one, two) = darts.num_architectures([[8, 0, 0, 0, 0, 0, 0], [7, 1, *[0] * 5]])

        assert one == (3 * 6 * 10) ** 2
        assert two == 64 * one

    def test_encodings_that_no_architecture_has(self) -> None:
        # No valid architecture has the same encoding in both parts.
        class Uneven(Cell):
            def is_valid(self, codes: ArrayLike) -> NDArray[np.bool_]:
                counts = part_counts(self, self.validate_codes(codes))
                return (counts[:, 0] != counts[:, 1]).any(axis=1)

        cell = Uneven("uneven", ["a", "b"], num_blocks=4, parts=2)

        assert cell.num_architectures([[2, 0], [1, 1]]).tolist() == [0, 0]
        assert cell.num_architectures([[3, 1], [2, 2]]).tolist() == [4, 2]

    def test_too_many_to_count_are_infinitely_many(self) -> None:
        vast = Cell("vast", operations=[f"op {i}" for i in range(40)], num_blocks=4000)

        assert vast.num_architectures(np.full((1, 40), 100)).tolist() == [np.inf]

        wired = Cell("wired", operations=["a", "b"], num_blocks=2, wiring=[10] * 400)
        assert wired.num_architectures([[1, 1]])[0] >= 1e300
