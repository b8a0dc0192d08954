"""What a run knows of an architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import History
from ax_anasod.generators.evaluations import Evaluations

SMALL = Cell("small", operations=["a", "b", "c"], num_blocks=2)
GRAPH = cells.get("nas-bench-graph")
DARTS = cells.get("darts")


def test_known_values_failures_and_strangers(history: Callable[..., History]) -> None:
    past = replace(
        history([[0, 0], [0, 1], [0, 2]], [3.0, np.nan, np.nan]),
        failed=np.array([False, False, True]),
    )

    found = Evaluations(SMALL, past).look_up(np.array([[0, 2], [0, 1], [0, 0], [2, 2]]))

    assert found.known.tolist() == [True, True, True, False]
    assert found.values.tolist() == [np.inf, np.inf, 3.0, np.inf]
    assert found.trials.tolist() == [2, 1, 0, -1]


def test_of_several_trials_the_best_counts_and_the_earliest_of_equals(
    history: Callable[..., History],
) -> None:
    past = history([[0, 0], [0, 0], [0, 0], [0, 0]], [np.nan, 5.0, 4.0, 4.0])

    found = Evaluations(SMALL, past).look_up(np.array([[0, 0]]))

    assert (found.values[0], found.trials[0]) == (4.0, 2)


def test_every_form_of_an_architecture_is_found(history: Callable[..., History]) -> None:
    code = GRAPH.canonical(np.array([[8, 1, 0, 2, 8]]))
    seen = Evaluations(GRAPH, history(code.tolist(), [1.0]))
    members = GRAPH.members(code[0])
    assert len(members) > 1
    assert seen.look_up(members).known.all()


@pytest.mark.parametrize("cell", [SMALL, GRAPH, DARTS], ids=lambda cell: cell.name)
def test_an_empty_run_knows_nothing(cell: Cell, history: Callable[..., History]) -> None:
    empty = history(width=len(cell.code_sizes))
    codes = cell.sample(3, np.random.default_rng(0))

    found = Evaluations(cell, empty).look_up(codes)

    assert not found.known.any()
    np.testing.assert_array_equal(Evaluations(cell, empty).first_unknown(codes), codes[0])


def test_codes_too_many_for_numbers_are_told_apart(history: Callable[..., History]) -> None:
    codes = DARTS.sample(50, np.random.default_rng(0))
    past = history(codes[:25].tolist(), np.arange(25.0).tolist())

    found = Evaluations(DARTS, past).look_up(codes)

    assert found.known.tolist() == [True] * 25 + [False] * 25
    assert found.values[:25].tolist() == np.arange(25.0).tolist()


def test_first_unknown(history: Callable[..., History]) -> None:
    seen = Evaluations(SMALL, history([[0, 0], [0, 1]], [1.0, np.nan]))

    assert seen.first_unknown(np.array([[0, 1], [2, 1], [0, 0]])).tolist() == [2, 1]
    assert seen.first_unknown(np.array([[0, 1], [0, 0]])).tolist() == [0, 1]
