"""Regularised evolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import History
from ax_anasod.exceptions import OptionError
from ax_anasod.generators import EvolutionGenerator, RandomArchitectureGenerator

NB201 = cells.get("nas-bench-201")
GRAPH = cells.get("nas-bench-graph")
ZERO, ONE = [0] * 6, [1] * 6


def distance(first: np.ndarray, second: list[int]) -> int:
    return int((first != np.array(second)).sum())


def test_first_proposals_are_those_of_random_search(history: Callable[..., History]) -> None:
    generator = EvolutionGenerator(NB201.to_dict(), seed=5, num_initial=10)
    random = RandomArchitectureGenerator(NB201.to_dict(), seed=5)
    past = history([ZERO] * 9, [1.0] * 9)

    np.testing.assert_array_equal(generator.propose(1, past, {}), random.propose(1, past, {}))


def test_children_of_the_best_of_the_sample(history: Callable[..., History]) -> None:
    past = history([ZERO, ONE], [2.0, 1.0])
    parents = []
    for seed in range(60):
        generator = EvolutionGenerator(NB201.to_dict(), seed, num_initial=2, sample_size=2)
        child = generator.propose(1, past, {})[0]
        parents.append(distance(child, ONE) == 1)
        assert distance(child, ONE) == 1 or distance(child, ZERO) == 1

    # The worse one is the parent only if it is drawn twice.
    assert 0.6 < np.mean(parents) < 0.9


def test_the_oldest_dies(history: Callable[..., History]) -> None:
    past = history([ONE, *[ZERO] * 3], [1.0, 9.0, 9.0, 9.0])

    for seed in range(20):
        generator = EvolutionGenerator(
            NB201.to_dict(), seed, num_initial=1, population_size=3, sample_size=20
        )
        assert distance(generator.propose(1, past, {})[0], ZERO) == 1


def test_pending_trials_are_no_parents(history: Callable[..., History]) -> None:
    past = history([ZERO, ONE], [9.0, np.nan])

    for seed in range(20):
        generator = EvolutionGenerator(NB201.to_dict(), seed, num_initial=2)
        assert distance(generator.propose(1, past, {})[0], ZERO) == 1


def test_failed_trials_are_the_worst(history: Callable[..., History]) -> None:
    past = replace(
        history([ONE, ZERO, [2] * 6], [np.nan, 5.0, 9.0]), failed=np.array([True, False, False])
    )

    for seed in range(20):
        generator = EvolutionGenerator(NB201.to_dict(), seed, num_initial=2, sample_size=20)
        assert distance(generator.propose(1, past, {})[0], ZERO) == 1


def test_only_failed_trials_give_no_parents(history: Callable[..., History]) -> None:
    past = replace(history([ZERO] * 12, [np.nan] * 12), failed=np.ones(12, dtype=bool))
    random = RandomArchitectureGenerator(NB201.to_dict(), seed=2)

    child = EvolutionGenerator(NB201.to_dict(), seed=2).propose(1, past, {})

    np.testing.assert_array_equal(child, random.propose(1, past, {}))


@pytest.mark.parametrize("name", ["nas-bench-graph", "darts"])
def test_mutants_include_wiring(name: str, history: Callable[..., History]) -> None:
    cell = cells.get(name)
    parent = cell.sample(1, np.random.default_rng(0))
    around = cell.keys(cell.neighbours(parent[0]))
    past = history(parent.tolist(), [1.0])

    children = np.concatenate(
        [
            EvolutionGenerator(cell.to_dict(), seed, num_initial=1).propose(1, past, {})
            for seed in range(150)
        ]
    )

    assert np.isin(cell.keys(children), around).all()
    assert (children[:, cell.num_blocks :] != parent[0, cell.num_blocks :]).any()
    assert (children[:, : cell.num_blocks] != parent[0, : cell.num_blocks]).any()


def test_architecture_without_neighbours_is_followed_by_a_random_one(
    history: Callable[..., History],
) -> None:
    lonely = RestrictedCell(NB201, [ZERO, ONE])

    child = EvolutionGenerator(lonely.to_dict(), num_initial=1).propose(
        1, history([ZERO], [1.0]), {}
    )

    assert child.tolist() in ([ZERO], [ONE])


def test_fixed_columns_hold(history: Callable[..., History]) -> None:
    generator = EvolutionGenerator(GRAPH.to_dict(), num_initial=1)

    codes = generator.propose(8, history([[0, 0, 0, 0, 0]], [1.0]), {1: 3, 4: 2})

    assert set(codes[:, 1].tolist()) == {3}
    assert set(codes[:, 4].tolist()) == {2}


@pytest.mark.parametrize("option", ["num_initial", "population_size", "sample_size"])
def test_sizes_below_one_are_refused(option: str) -> None:
    with pytest.raises(OptionError):
        EvolutionGenerator(Cell("x", ["a", "b"], 2).to_dict(), **{option: 0})
