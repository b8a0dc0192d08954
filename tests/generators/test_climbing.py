"""One climb, replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import History
from ax_anasod.generators.climbing import Climb, ClimbState, architectures_around, climb
from ax_anasod.generators.evaluations import Evaluations

# One block with eight operations: a line of numbers, with neighbours as the tests want them.
LINE = Cell("line", operations=list("abcdefgh"), num_blocks=1)


def beside(place: ClimbState) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The numbers before and after."""
    around = np.array([[n] for n in (place.row[0] - 1, place.row[0] + 1) if 0 <= n < 8])
    return around, around


def climbed(past: History, start: int, seed: int = 0) -> Climb:
    place = ClimbState(np.array([start]), np.array([start]))
    return climb(place, beside, Evaluations(LINE, past), seed)


def test_the_first_unknown_neighbour_is_queried(history: Callable[..., History]) -> None:
    past = history([[3], [4]], [5.0, 7.0])

    result = climbed(past, 3)

    assert result.query is not None
    assert (result.query.tolist(), result.top.row.tolist()) == ([2], [3])


def test_the_best_neighbour_is_next(history: Callable[..., History]) -> None:
    past = history([[3], [4], [2]], [5.0, 4.0, 3.0])

    result = climbed(past, 3)

    assert result.query is not None
    assert (result.query.tolist(), result.top.row.tolist()) == ([1], [2])


def test_a_climb_ends_where_all_neighbours_are_worse(history: Callable[..., History]) -> None:
    result = climbed(history([[3], [4], [2]], [5.0, 6.0, 7.0]), 3)

    assert result.query is None
    assert result.top.row.tolist() == [3]


def test_a_plateau_is_crossed_once(history: Callable[..., History]) -> None:
    past = history([[n] for n in range(8)], [5.0] * 8)

    results = [climbed(past, 3, seed) for seed in range(20)]

    # From 3 to one end of the line; the other one is behind places already entered. Which of two
    # equal neighbours is entered, says the seed.
    assert all(result.query is None for result in results)
    assert {result.top.row.item() for result in results} == {0, 7}


def test_pending_and_failed_neighbours_count_as_worse(history: Callable[..., History]) -> None:
    past = replace(
        history([[3], [4], [2]], [5.0, np.nan, np.nan]), failed=np.array([False, False, True])
    )

    assert climbed(past, 3).query is None


def test_a_value_that_arrives_changes_the_way(history: Callable[..., History]) -> None:
    rows = [[3], [4], [2]]

    assert climbed(history(rows, [5.0, np.nan, 6.0]), 3).top.row.tolist() == [3]
    assert climbed(history(rows, [5.0, 4.0, 6.0]), 3).top.row.tolist() == [4]


def test_the_order_of_neighbours_is_drawn_for_the_trial(history: Callable[..., History]) -> None:
    def first(seed: int, trial: int) -> int:
        past = history([[0]] * trial + [[3]], [9.0] * trial + [5.0])
        query = climbed(past, 3, seed).query
        assert query is not None
        return int(query[0])

    assert first(1, 4) == first(1, 4)
    assert {first(seed, 0) for seed in range(20)} == {2, 4}
    assert {first(0, trial) for trial in range(20)} == {2, 4}


def test_a_place_without_neighbours_is_an_optimum(history: Callable[..., History]) -> None:
    place = ClimbState(np.array([3]), np.array([3]))
    none = np.empty((0, 1), dtype=np.int64)

    seen = Evaluations(LINE, history([[3]], [5.0]))

    assert climb(place, lambda _: (none, none), seen, 0).query is None


def test_neighbours_are_kept_and_cannot_be_changed() -> None:
    cell = cells.get("nas-bench-graph")
    code = tuple(cell.sample(1, np.random.default_rng(0))[0].tolist())

    around = architectures_around(cell, code)

    assert architectures_around(cells.get("nas-bench-graph"), code) is around
    assert not around.flags.writeable
    np.testing.assert_array_equal(around, cell.neighbours(np.array(code)))
