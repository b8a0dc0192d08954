"""Cells of which those architectures exist whose counts keep constraints."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ax_anasod import cells
from ax_anasod.cells import Cell, ConstrainedCell, RestrictedCell, constrained
from ax_anasod.exceptions import ArchitectureError, CellError, EncodingError, OptionError
from ax_anasod.simplex import CountConstraint

FULL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4, wiring=[2])
FEW_SKIPS = CountConstraint((0.0, 0.0, 1.0), 1.0, text="n_skip <= 1")
ONE_POOL = CountConstraint((0.0, 1.0, 0.0), 1.0, True, "n_pool == 1")
CELL = ConstrainedCell(FULL, [FEW_SKIPS, ONE_POOL])


def kept(cell: Cell, constraints: list[CountConstraint]) -> np.ndarray:
    codes = cell.enumerate()
    counts = cell.encode(codes)
    return codes[np.all([c.keeps(counts) for c in constraints], axis=0)]


def test_its_architectures_are_those_that_keep_all_constraints() -> None:
    codes = kept(FULL, [FEW_SKIPS, ONE_POOL])
    np.testing.assert_array_equal(CELL.enumerate(), codes)
    assert CELL.size == len(codes)
    assert CELL.is_valid(codes).all()
    assert not CELL.is_valid(np.array([[0, 0, 0, 0, 0]]))[0]
    with pytest.raises(ArchitectureError):
        CELL.architecture("conv|conv|conv|conv@0")


def test_draws_are_uniform_over_its_architectures() -> None:
    codes = CELL.enumerate()
    drawn = CELL.sample(20_000, np.random.default_rng(0))
    _, found = np.unique(np.concatenate([codes, drawn]), axis=0, return_counts=True)
    assert len(found) == len(codes)
    assert stats.chisquare(found - 1).pvalue > 1e-3


def test_encodings_are_counted_drawn_and_decoded_within_the_constraints() -> None:
    sized = CELL.sized_encodings(4)
    assert sized is not None
    counts, sizes = sized
    np.testing.assert_array_equal(counts, [[2, 1, 1], [3, 1, 0]])
    assert sizes.tolist() == CELL.num_architectures(counts).tolist() == [24, 8]
    assert CELL.is_feasible([[2, 1, 1], [3, 0, 1]]).tolist() == [True, False]
    rng = np.random.default_rng(1)
    assert CELL.is_valid(CELL.decode(counts.repeat(20, axis=0), rng)).all()
    skewed = np.full((200, 3), [0.05, 0.05, 0.9])
    drawn = CELL.decode(skewed, rng, method="categorical")
    assert CELL.is_valid(drawn).all()
    # Where it may, a distribution of skips gives one.
    assert CELL.encode(drawn)[:, 2].mean() > 0.9
    with pytest.raises(EncodingError):
        CELL.decode([[3, 0, 1]], rng)


def test_the_nearest_encoding_is_an_admissible_one() -> None:
    assert CELL.snap([[0.0, 0.0, 1.0], [0.9, 0.1, 0.0]]).tolist() == [[2, 1, 1], [3, 1, 0]]


def test_what_must_be_can_still_move() -> None:
    code = np.array([0, 0, 0, 1, 0])
    moved = CELL.neighbours(code)
    assert [1, 0, 0, 0, 0] in moved.tolist()
    assert CELL.is_valid(moved).all()


def test_cells_with_invalid_and_with_equal_codes_keep_their_rules() -> None:
    full = cells.get("nas-bench-graph")
    first = CountConstraint((1.0, *[0.0] * (full.num_operations - 1)), 0.0, text="n_first <= 0")
    cell = ConstrainedCell(full, [first])
    codes = kept(full, [first])
    np.testing.assert_array_equal(cell.enumerate(), codes)
    drawn = cell.sample(200, np.random.default_rng(0))
    assert cell.is_representative(drawn).all()
    points = np.random.default_rng(1).dirichlet(np.ones(full.num_operations), size=20)
    assert cell.is_feasible(cell.snap(points)).all()


def test_each_part_of_a_cell_keeps_the_constraints() -> None:
    full = cells.get("darts")
    constraint = CountConstraint((1.0, *[0.0] * (full.num_operations - 1)), 1.0, text="n_0 <= 1")
    cell = ConstrainedCell(full, [constraint])
    drawn = cell.sample(50, np.random.default_rng(0))
    blocks = drawn[:, : cell.num_blocks].reshape(50, cell.parts, cell.total)
    assert ((blocks == 0).sum(axis=2) <= 1).all()
    assert cell.is_valid(drawn).all()


def test_it_survives_storage() -> None:
    loaded = cells.from_dict(CELL.to_dict())
    assert loaded == CELL
    assert hash(loaded) == hash(CELL)
    damaged = CELL.to_dict()
    damaged["constraints"][0]["weights"].pop()
    with pytest.raises(CellError, match="damaged"):
        cells.from_dict(damaged)


def test_constraints_add_up() -> None:
    assert constrained(FULL, []) is FULL
    assert constrained(constrained(FULL, [FEW_SKIPS]), [ONE_POOL]) == CELL
    restricted = RestrictedCell(FULL, [[0, 0, 0, 1, 0], [0, 0, 0, 0, 1]])
    assert constrained(restricted, [ONE_POOL]).enumerate().tolist() == [[0, 0, 0, 1, 0]]
    with pytest.raises(OptionError, match="none keeps 'n_pool == 1'"):
        constrained(RestrictedCell(FULL, [[0, 0, 0, 0, 0]]), [ONE_POOL])
