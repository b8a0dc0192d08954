"""What the surrogates on architectures choose from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.cells.keys import all_codes
from ax_anasod.core import History
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generators import NASBowlGenerator, PoolGenerator
from ax_anasod.generators.candidate_pool import PoolKind

POOLS = get_args(PoolKind)
NB201 = cells.get("nas-bench-201")
GRAPH = cells.get("nas-bench-graph")
DARTS = cells.get("darts")
OWN = Cell("own", operations=["conv", "pool", "skip"], num_blocks=3, wiring=[2])
ZERO, ONE, TWO = [0] * 6, [1] * 6, [2] * 6

Codes = npt.NDArray[np.int64]
Build = Callable[..., History]


class Last(PoolGenerator):
    """Takes the last candidate."""

    def choose(self, history: History, candidates: Codes, rng: np.random.Generator) -> int:
        return len(candidates) - 1


def pool(cell: Cell, past: History, seed: int = 0, **options: Any) -> Codes:
    generator = Last(cell.to_dict(), seed, candidates=options)
    return generator.candidates(past, {}, generator.rng(past))


def changes(codes: Codes, parent: list[int]) -> npt.NDArray[np.int64]:
    return np.asarray((codes != np.array(parent)).sum(axis=1))


@pytest.mark.parametrize("cell", [NB201, GRAPH, DARTS, OWN], ids=lambda cell: cell.name)
@pytest.mark.parametrize("name", [name for name in POOLS if name != "exhaustive"])
def test_candidates_are_valid_different_and_new(cell: Cell, name: str, history: Build) -> None:
    rows = cell.sample(12, np.random.default_rng(1))
    past = history(rows.tolist(), np.arange(12.0).tolist())

    found = pool(cell, past, pool=name, pool_size=30)

    keys = cell.keys(found)
    assert cell.is_valid(found).all()
    assert len(set(keys.tolist())) == len(found) >= (1 if name == "evolution" else 20)
    assert not np.isin(keys, cell.keys(cell.canonical(rows))).any()
    np.testing.assert_array_equal(found, cell.canonical(found))


def test_default_size_is_that_of_anasod_bo(history: Build) -> None:
    found = pool(NB201, history([ZERO], [1.0]))

    # Uniform draws, less a few repeats.
    assert 480 < len(found) <= 500
    assert NB201.encode(found).mean(axis=0) == pytest.approx(np.full(5, 6 / 5), abs=0.2)


def test_mutants_of_the_best_come_first(history: Build) -> None:
    past = history([ZERO, ONE, TWO], [3.0, 1.0, 2.0])

    found = pool(NB201, past, pool="mutation", pool_size=20, mutation_rate=1.0)

    # Of 20 draws from one parent a third is no new architecture, or the same as another.
    assert (changes(found, ONE)[:8] <= 4).all()
    assert changes(found, ONE).mean() < changes(found, TWO).mean()


def test_next_best_parents_where_one_has_too_few_mutants(history: Build) -> None:
    cell = Cell("two", operations=["a", "b"], num_blocks=8)
    past = history([[0] * 8, [1] * 8, [0] * 4 + [1] * 4], [1.0, 2.0, 3.0])
    options = {"pool": "mutation", "pool_size": 40, "mutation_rate": 0.2}

    one, two = (pool(cell, past, num_parents=number, **options) for number in (1, 2))

    # Mutants at such a rate differ in one or two blocks; what is short is drawn uniformly.
    assert (one[:3].sum(axis=1) <= 2).all()
    np.testing.assert_array_equal(one[:3], two[:3])
    assert (two.sum(axis=1) >= 6).sum() > (one.sum(axis=1) >= 6).sum() + 5


def test_half_of_a_mixed_pool_are_mutants_of_all_parents(history: Build) -> None:
    past = history([ZERO, ONE, TWO], [3.0, 1.0, 2.0])

    found = pool(NB201, past, pool="mixed", pool_size=60, num_parents=2, mutation_rate=1.0)

    mutants = found[:30]
    near = [int((changes(mutants, parent) <= 2).sum()) for parent in (ONE, TWO, ZERO)]
    assert near[0] + near[1] > 20
    assert min(near[:2]) > 8
    assert near[2] == 0
    assert changes(found[30:], ONE).mean() > 4


def test_evolution_proposes_all_neighbours_of_the_winner(history: Build) -> None:
    found = pool(NB201, history([ZERO, ONE], [1.0, 2.0]), pool="evolution")

    around = NB201.keys(NB201.neighbours(np.array(ZERO)))
    assert set(NB201.keys(found).tolist()) == set(around.tolist())


def test_winner_is_drawn_from_the_last_trials_only(history: Build) -> None:
    rows = [ONE, *NB201.sample(30, np.random.default_rng(0)).tolist()]
    past = history(rows, [0.0, *np.arange(1.0, 31.0)])
    around_the_best = NB201.keys(NB201.neighbours(np.array(ONE)))

    for seed in range(5):
        found = pool(NB201, past, seed, pool="evolution")
        assert np.isin(NB201.keys(found), around_the_best).mean() < 0.5


def test_uniform_draws_where_all_neighbours_have_a_trial(history: Build) -> None:
    rows = [ZERO, *NB201.neighbours(np.array(ZERO)).tolist()]
    past = history(rows, [1.0, *[9.0] * 24])
    # Whoever the ten are, the neighbours of ZERO are known and have the same value.
    found = pool(RestrictedCell(NB201, [*rows, ONE, TWO]), past, pool="evolution", pool_size=50)

    assert {tuple(code) for code in found.tolist()} == {tuple(ONE), tuple(TWO)}


def test_dirichlet_candidates_narrow_as_anasod_bo_fails(history: Build) -> None:
    best = [3, 3, 2, 2, 1, 4]
    others = NB201.sample(40, np.random.default_rng(0)).tolist()
    wide = history([best, *others[:9]], [1.0] + [2.0] * 9)
    narrow = history([best, *others], [1.0] + [2.0] * 40)
    same = [
        (NB201.encode(pool(NB201, past, pool="dirichlet", pool_size=50)) == [0, 1, 2, 2, 1])
        .all(axis=1)
        .mean()
        for past in (wide, narrow)
    ]

    assert same[0] < 0.2
    assert same[1] > 0.5


def test_exhaustive_candidates_are_all_others(history: Build) -> None:
    found = pool(OWN, history([[0, 0, 0, 0], [1, 1, 1, 1]], [1.0, 2.0]), pool="exhaustive")

    assert len(found) == OWN.size - 2


def test_last_architectures_of_a_small_cell_are_found(history: Build) -> None:
    every = OWN.enumerate().tolist()
    past = history(every[:-1], [1.0] * (len(every) - 1))
    generator = Last(OWN.to_dict(), candidates={"pool": "mutation", "pool_size": 2})

    assert generator.propose(1, past, {}).tolist() == every[-1:]

    done = history(every, [1.0] * len(every))
    assert tuple(generator.propose(1, done, {})[0].tolist()) in {tuple(code) for code in every}


def test_random_before_anything_was_observed(history: Build) -> None:
    pending = history([ZERO] * 3, [np.nan] * 3)
    failed = replace(pending, failed=np.ones(3, dtype=np.bool_))
    draws = {
        tuple(Last(NB201.to_dict(), seed).propose(1, past, {})[0].tolist())
        for seed in range(5)
        for past in (pending, failed)
    }

    assert len(draws) == 5


def test_failed_trials_have_no_mutants(history: Build) -> None:
    past = replace(
        history([ONE, ZERO, TWO], [np.nan, 5.0, 9.0]), failed=np.array([True, False, False])
    )
    generator = Last(NB201.to_dict(), candidates={"num_parents": 2})

    assert generator.best_architectures(past)[0].tolist() == ZERO


def test_proposals_in_parallel_are_different(history: Build) -> None:
    past = history([ZERO, ONE], [1.0, 2.0])

    for name in POOLS:
        codes = Last(NB201.to_dict(), candidates={"pool": name, "pool_size": 4}).propose(
            6, past, {}
        )
        assert len({tuple(code) for code in codes.tolist()}) == 6


@pytest.mark.parametrize("name", POOLS)
def test_fixed_columns_hold(name: str, history: Build) -> None:
    past = history(GRAPH.sample(12, np.random.default_rng(1)).tolist(), np.arange(12.0).tolist())

    codes = Last(GRAPH.to_dict(), candidates={"pool": name, "pool_size": 10}).propose(
        2, past, {1: 3, 4: 2}
    )

    assert set(codes[:, 1].tolist()) == {3}
    assert set(codes[:, 4].tolist()) == {2}


def test_every_architecture_that_can_have_the_fixed_values_is_a_candidate(history: Build) -> None:
    past = history(GRAPH.sample(3, np.random.default_rng(1)).tolist(), [1.0, 2.0, 3.0])
    fixed = {0: 3}
    generator = Last(GRAPH.to_dict(), candidates={"pool": "exhaustive"})

    candidates = generator.candidates(past, fixed, generator.rng(past))

    codes = all_codes(GRAPH.name, GRAPH.code_sizes)
    codes = codes[(codes[:, 0] == 3) & GRAPH.is_valid(codes)]
    able = set(GRAPH.keys(GRAPH.canonical(codes)).tolist())
    found = GRAPH.keys(GRAPH.canonical(candidates)).tolist()
    assert (candidates[:, 0] == 3).all()
    assert len(found) == len(set(found))
    assert set(found) == able - set(GRAPH.keys(past.rows).tolist())


@pytest.mark.parametrize(
    ("option", "value"),
    [("pool_size", 1), ("num_parents", 0), ("mutation_rate", 0.0)],
)
def test_numbers_out_of_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(OptionError):
        Last(NB201.to_dict(), candidates={option: value})


def test_random_trials_come_first() -> None:
    with pytest.raises(OptionError):
        NASBowlGenerator(NB201.to_dict(), num_initial=0)


def test_misspelt_pool_is_named() -> None:
    with pytest.raises(UnknownNameError):
        Last(NB201.to_dict(), candidates={"pool": "mutations"})


def test_too_many_architectures_to_list() -> None:
    with pytest.raises(OptionError):
        Last(DARTS.to_dict(), candidates={"pool": "exhaustive"})


def test_rate_above_the_columns_changes_all(history: Build) -> None:
    past = history([[0, 0, 0, 0]], [1.0])

    found = pool(OWN, past, pool="mutation", pool_size=5, mutation_rate=100.0)

    assert (found[:3] != 0).all()
