"""Mutants are valid, different, near, and spread as the docstring says."""

from __future__ import annotations

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, NASBench201Cell, RestrictedCell, mutate
from ax_anasod.exceptions import ArchitectureError, OptionError


def test_mutants_are_other_valid_representatives(cell: Cell, rng: np.random.Generator) -> None:
    codes = cell.sample(200, rng)
    mutants = mutate(cell, codes, rng)
    assert mutants.shape[1] == codes.shape[1]
    assert cell.is_representative(mutants).all()
    # About a third has no change at the rate of 1; among invalid codes few are left.
    assert len(mutants) <= 0.8 * len(codes)
    assert len(mutants) >= 0.5 * len(codes) or not cell.accepts_all_codes


def test_same_generator_same_mutants(cell: Cell) -> None:
    codes = cell.sample(20, np.random.default_rng(0))
    first, second = (mutate(cell, codes, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_small_rate_gives_the_neighbours_as_often_as_expected(
    rng: np.random.Generator,
) -> None:
    cell = Cell("wired", ["a", "b", "c"], num_blocks=2, wiring=[4])
    code = np.array([0, 2, 1])
    mutants = mutate(cell, np.tile(code, (1_000_000, 1)), rng, rate=0.03)
    single = mutants[(mutants != code).sum(axis=1) == 1]
    assert len(single) >= 0.98 * len(mutants)
    found, counts = np.unique(cell.keys(single), return_counts=True)
    assert set(found.tolist()) == set(cell.keys(cell.neighbours(code)).tolist())
    # Columns are equally likely, then the other values of a column.
    expected = np.where(np.isin(found, cell.keys(np.array([[0, 2, w] for w in range(4)]))), 9, 6)
    np.testing.assert_allclose(counts / len(single), 1 / expected, rtol=0.1)


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0, 6.0])
def test_rate_is_the_expected_number_of_changes(rate: float, rng: np.random.Generator) -> None:
    codes = np.zeros((20_000, 6), dtype=np.int64)
    mutants = mutate(NASBench201Cell(), codes, rng, rate)
    assert (mutants != 0).sum() / len(codes) == pytest.approx(rate, rel=0.04)
    unchanged = (1 - rate / 6) ** 6
    assert len(mutants) / len(codes) == pytest.approx(1 - unchanged, abs=0.02)


def test_mutants_keep_the_order_of_their_codes(rng: np.random.Generator) -> None:
    cell = NASBench201Cell()
    mutants = mutate(cell, np.repeat([[0] * 6, [4] * 6], 500, axis=0), rng, rate=0.5)
    of_first = (mutants == 0).sum(axis=1) > (mutants == 4).sum(axis=1)
    assert of_first.tolist() == sorted(of_first.tolist(), reverse=True)
    assert 0 < of_first.sum() < len(mutants)


def test_another_form_of_the_same_architecture_is_no_mutant(rng: np.random.Generator) -> None:
    cell = cells.get("nas-bench-graph")
    codes = cell.sample(300, rng)
    same = [code for code in codes if (cell.canonical(cell.edits(code)) == code).all(axis=1).any()]
    parent = same[0][None]
    mutants = mutate(cell, np.repeat(parent, 2000, axis=0), rng)
    assert 0 < len(mutants) < 2000
    assert not (mutants == parent).all(axis=1).any()


def test_nothing_else_there(rng: np.random.Generator) -> None:
    cell = NASBench201Cell()
    alone = RestrictedCell(cell, [[3] * 6])
    assert mutate(alone, [[3] * 6] * 10, rng).shape == (0, 6)
    assert mutate(cell, np.empty((0, 6), dtype=np.int64), rng).shape == (0, 6)


@pytest.mark.parametrize("rate", [0, -1.0, 6.01, np.nan, np.inf])
def test_rate_out_of_range(rate: float, rng: np.random.Generator) -> None:
    with pytest.raises(OptionError):
        mutate(NASBench201Cell(), [[0] * 6], rng, rate)


def test_bad_codes_and_generator(rng: np.random.Generator) -> None:
    with pytest.raises(ArchitectureError):
        mutate(NASBench201Cell(), [[7] * 6], rng)
    with pytest.raises(OptionError):
        mutate(NASBench201Cell(), [[0] * 6], 3)  # type: ignore[arg-type]
