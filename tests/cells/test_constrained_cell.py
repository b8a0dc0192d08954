"""Cells of which those architectures exist whose counts keep constraints."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ax_anasod import cells
from ax_anasod.cells import Cell, ConstrainedCell, RestrictedCell, constrained
from ax_anasod.exceptions import ArchitectureError, CellError, EncodingError, OptionError
from ax_anasod.generators.fixed import apply_fixed_counts, draw_with_fixed
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
    with pytest.raises(CellError):
        cells.from_dict(damaged)


def test_constraints_add_up() -> None:
    assert constrained(FULL, []) is FULL
    assert constrained(constrained(FULL, [FEW_SKIPS]), [ONE_POOL]) == CELL
    restricted = RestrictedCell(FULL, [[0, 0, 0, 1, 0], [0, 0, 0, 0, 1]])
    assert constrained(restricted, [ONE_POOL]).enumerate().tolist() == [[0, 0, 0, 1, 0]]
    with pytest.raises(OptionError, match="none keeps 'n_pool == 1'"):
        constrained(RestrictedCell(FULL, [[0, 0, 0, 0, 0]]), [ONE_POOL])


def test_codes_with_given_columns_are_drawn_uniformly() -> None:
    fixed = {1: 1, 4: 1}
    codes = CELL.enumerate()
    wanted = codes[(codes[:, [1, 4]] == 1).all(axis=1)]
    drawn = CELL.sample_with(8000, fixed, np.random.default_rng(0))
    _, found = np.unique(np.concatenate([wanted, drawn]), axis=0, return_counts=True)
    assert len(found) == len(wanted)
    assert stats.chisquare(found - 1).pvalue > 1e-3
    with pytest.raises(EncodingError):
        CELL.sample_with(1, {0: 1, 1: 1}, np.random.default_rng(0))


LARGE = ConstrainedCell(
    Cell("large", operations=[f"op{i}" for i in range(12)], num_blocks=40),
    [
        CountConstraint(tuple(float(i == 0) for i in range(12)), 1.0, True, "n_op0 == 1"),
        CountConstraint(tuple(-float(i < 3) for i in range(12)), -30.0, text="first >= 30"),
        CountConstraint(tuple(float(i == 11) for i in range(12)), 0.0, text="n_op11 <= 0"),
    ],
)


def test_large_cells_are_searched_without_being_listed() -> None:
    rng = np.random.default_rng(0)
    assert LARGE.is_valid(LARGE.sample(50, rng)).all()
    assert LARGE.is_valid(LARGE.sample_with(50, {0: 0, 7: 5}, rng)).all()
    counts = apply_fixed_counts(rng.dirichlet(np.ones(12), size=50), LARGE, {1: 10, 4: 2})
    assert LARGE.is_feasible(counts).all()
    assert (counts[:, [1, 4]] == [10, 2]).all()
    assert LARGE.is_valid(LARGE.decode(counts, rng)).all()
    with pytest.raises(EncodingError):
        apply_fixed_counts(rng.dirichlet(np.ones(12), size=1), LARGE, {0: 2})
    with pytest.raises(ArchitectureError):
        draw_with_fixed(LARGE, 1, {0: 11}, rng)
