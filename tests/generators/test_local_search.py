"""Local search on architectures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import History
from ax_anasod.exceptions import OptionError
from ax_anasod.generators import LocalSearchGenerator, RandomArchitectureGenerator
from ax_anasod.testing import SyntheticObjective

NB201 = cells.get("nas-bench-201")
GRAPH = cells.get("nas-bench-graph")
SMALL = Cell("small", operations=["a", "b", "c"], num_blocks=3, wiring=[2])


def test_starts_like_random_search(
    history: Callable[..., History], search: Callable[..., History]
) -> None:
    objective = SyntheticObjective(NB201)

    past = search(LocalSearchGenerator(NB201.to_dict(), seed=3), objective, 10)
    random = search(RandomArchitectureGenerator(NB201.to_dict(), seed=3), objective, 10)

    np.testing.assert_array_equal(past.rows, random.rows)


def test_then_queries_all_neighbours_of_the_best(search: Callable[..., History]) -> None:
    past = search(LocalSearchGenerator(NB201.to_dict(), seed=3), SyntheticObjective(NB201), 34)

    best = past.rows[past.values[:10, 0].argmin()]
    around = NB201.keys(NB201.neighbours(best))
    # The random ones may have met a neighbour already.
    queried = NB201.keys(past.rows[10:])
    assert np.isin(queried[:22], around).all()
    assert not (np.diff(queried[:22]) > 0).all(), "the order is drawn"


@pytest.mark.parametrize("cell", [NB201, GRAPH], ids=lambda cell: cell.name)
def test_reaches_a_local_optimum_and_starts_again(
    cell: Cell, search: Callable[..., History]
) -> None:
    objective = SyntheticObjective(cell)

    past = search(LocalSearchGenerator(cell.to_dict(), seed=1), objective, 200)

    best = past.rows[past.values[:, 0].argmin()]
    assert (objective(cell.neighbours(best)) >= past.values.min()).all()
    optimum = int(past.values[:, 0].argmin())
    assert optimum < 170
    distances = (past.rows[optimum + 1 :] != best).sum(axis=1)
    assert (distances > 2).any(), "it starts somewhere else"


def test_nothing_is_evaluated_twice(search: Callable[..., History]) -> None:
    past = search(LocalSearchGenerator(GRAPH.to_dict(), seed=1), SyntheticObjective(GRAPH), 150)

    assert len(np.unique(GRAPH.keys(past.rows))) == 150


def test_a_small_space_is_searched_entirely_then_repeated(search: Callable[..., History]) -> None:
    past = search(
        LocalSearchGenerator(SMALL.to_dict(), num_initial=3), SyntheticObjective(SMALL), 60
    )

    assert len(np.unique(SMALL.keys(past.rows[:54]))) == SMALL.size == 54


def test_architectures_that_a_table_lacks_are_never_proposed(
    search: Callable[..., History],
) -> None:
    codes = NB201.sample(60, np.random.default_rng(0))
    restricted = RestrictedCell(NB201, codes)

    past = search(LocalSearchGenerator(restricted.to_dict()), SyntheticObjective(restricted), 60)

    assert restricted.is_valid(past.rows).all()
    assert len(np.unique(restricted.keys(past.rows))) == restricted.size


def test_a_prefix_of_the_history_gives_the_same_next_trial(
    history: Callable[..., History], search: Callable[..., History]
) -> None:
    past = search(LocalSearchGenerator(GRAPH.to_dict(), seed=7), SyntheticObjective(GRAPH), 60)

    for length in (0, 4, 10, 11, 35, 59):
        prefix = history(past.rows[:length].tolist(), past.values[:length, 0].tolist(), width=5)
        code = LocalSearchGenerator(GRAPH.to_dict(), seed=7).propose(1, prefix, {})[0]
        np.testing.assert_array_equal(code, past.rows[length])


def test_attached_trials_are_where_it_starts(history: Callable[..., History]) -> None:
    attached = NB201.sample(10, np.random.default_rng(5))
    values = [5.0] * 10
    values[4] = 1.0

    code = LocalSearchGenerator(NB201.to_dict()).propose(1, history(attached.tolist(), values), {})[
        0
    ]

    assert (code != attached[4]).sum() == 1


class TestParallel:
    def test_no_two_workers_get_the_same(self, history: Callable[..., History]) -> None:
        codes = LocalSearchGenerator(NB201.to_dict()).propose(40, history(width=6), {})

        assert len(np.unique(NB201.keys(codes))) == 40

    def test_a_batch_is_what_comes_one_by_one(
        self, history: Callable[..., History], search: Callable[..., History]
    ) -> None:
        generator, objective = LocalSearchGenerator(NB201.to_dict()), SyntheticObjective(NB201)
        past = search(generator, objective, 12)

        batch = generator.propose(8, past, {})
        serial = search(generator, objective, 8, past)

        # Until the neighbours are all evaluated, results change nothing.
        np.testing.assert_array_equal(batch, serial.rows[12:])

    def test_workers_that_wait_for_the_last_neighbour_go_elsewhere(
        self, history: Callable[..., History], search: Callable[..., History]
    ) -> None:
        generator = LocalSearchGenerator(SMALL.to_dict(), num_initial=1)
        past = search(generator, SyntheticObjective(SMALL), 1)
        around = SMALL.neighbours(past.rows[0])
        waiting = history(
            [*past.rows.tolist(), *around.tolist()],
            [past.values[0, 0]] + [99.0] * (len(around) - 1) + [np.nan],
        )

        code = generator.propose(1, waiting, {})[0]

        assert (code != past.rows[0]).sum() > 1

    def test_it_returns_once_the_value_is_there(
        self, history: Callable[..., History], search: Callable[..., History]
    ) -> None:
        generator = LocalSearchGenerator(SMALL.to_dict(), num_initial=1)
        past = search(generator, SyntheticObjective(SMALL), 1)
        around = SMALL.neighbours(past.rows[0])
        elsewhere = np.setdiff1d(SMALL.keys(SMALL.enumerate()), SMALL.keys(around))
        other = SMALL.enumerate()[elsewhere[-1]]
        arrived = history(
            [*past.rows.tolist(), *around.tolist(), other.tolist()],
            [50.0] + [99.0] * (len(around) - 1) + [1.0, 98.0],
        )

        code = generator.propose(1, arrived, {})[0]

        assert (code != around[-1]).sum() == 1


class TestFailed:
    def test_a_failed_neighbour_is_not_entered(self, history: Callable[..., History]) -> None:
        start = SMALL.enumerate()[:1]
        around = SMALL.neighbours(start[0])
        past = history([*start.tolist(), *around.tolist()], [5.0, *[9.0] * len(around)])
        failed = np.zeros(len(past.rows), dtype=bool)
        failed[3] = True
        past = replace(past, failed=failed, values=np.where(failed[:, None], np.nan, past.values))

        code = LocalSearchGenerator(SMALL.to_dict(), num_initial=1).propose(1, past, {})[0]

        # An optimum: the search starts again.
        assert not (past.rows == code).all(axis=1).any()

    def test_failed_starts_are_followed_by_others(self, history: Callable[..., History]) -> None:
        codes = NB201.sample(10, np.random.default_rng(0))
        past = replace(history(codes.tolist(), [np.nan] * 10), failed=np.ones(10, dtype=bool))

        proposed = LocalSearchGenerator(NB201.to_dict()).propose(5, past, {})

        assert len(np.unique(NB201.keys(np.concatenate([codes, proposed])))) == 15


def test_fixed_columns_hold(
    search: Callable[..., History], history: Callable[..., History]
) -> None:
    generator = LocalSearchGenerator(GRAPH.to_dict(), num_initial=3)

    codes = generator.propose(12, history(width=5), {0: 2, 4: 7})
    values = SyntheticObjective(GRAPH)(codes).tolist()
    more = generator.propose(20, history(codes.tolist(), values), {0: 2, 4: 7})

    assert set(np.concatenate([codes, more])[:, 0].tolist()) == {2}
    assert set(np.concatenate([codes, more])[:, 4].tolist()) == {7}


def test_no_starts_are_refused() -> None:
    with pytest.raises(OptionError):
        LocalSearchGenerator(NB201.to_dict(), num_initial=0)
