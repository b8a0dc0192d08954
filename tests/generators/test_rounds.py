"""Rounds of trials that share one trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ax_anasod.core import History
from ax_anasod.generators.rounds import ByContent, current_round

Build = Callable[..., History]


def past(history: Build, n: int) -> History:
    return history([[i] for i in range(n)], [float(i) for i in range(n)])


def test_trials_of_a_round_share_history_and_seed(history: Build) -> None:
    rounds = [current_round(past(history, n), 7, num_initial=4, length=3) for n in range(4, 10)]

    assert [len(r.history.rows) for r in rounds] == [4, 4, 4, 7, 7, 7]
    assert [r.history.position for r in rounds] == [4, 4, 4, 7, 7, 7]
    assert len({r.seed for r in rounds}) == 2
    assert rounds[0].seed == rounds[2].seed != rounds[3].seed


def test_arms_outside_of_the_space_are_no_rows_of_a_round(history: Build) -> None:
    # The first trial was none of the space.
    runs = [replace(past(history, n), position=n + 1) for n in range(4, 9)]
    rounds = [current_round(run, 7, num_initial=5, length=5) for run in runs]

    assert [len(r.history.rows) for r in rounds] == [4] * 5


def test_another_run_trains_another_network(history: Build) -> None:
    seeds = {current_round(past(history, 5), seed, 4, 3).seed for seed in range(20)}

    assert len(seeds) == 20


def test_initial_trials_are_no_rounds(history: Build) -> None:
    # A strategy may be asked before its initial trials have ended.
    assert len(current_round(past(history, 2), 0, num_initial=4, length=3).history.rows) == 2


def test_late_results_of_an_earlier_round_count(history: Build) -> None:
    ended = past(history, 9)
    values = ended.values.copy()
    values[6] = np.nan

    before, after = (
        current_round(run, 0, num_initial=4, length=3).history
        for run in (replace(ended, values=values), ended)
    )

    assert before.observed.sum() == 6
    assert after.observed.sum() == 7


def test_results_of_the_round_itself_where_nothing_else_has_a_value(history: Build) -> None:
    first = replace(past(history, 6), failed=np.arange(6) < 4)
    first.values[:4] = np.nan

    found = current_round(first, 0, num_initial=4, length=5)

    assert found.history is first


def test_limits_and_settings_of_a_round_are_those_of_its_trials(history: Build) -> None:
    whole = replace(past(history, 9), limit_values=(np.arange(9.0),), settings=np.ones((9, 2)))

    before = current_round(whole, 0, num_initial=4, length=3).history

    assert len(before.rows) == 7
    assert [len(column) for column in before.limit_values] == [7]
    assert before.settings.shape == (7, 2)


def test_arrays_are_equal_where_their_contents_are() -> None:
    one = ByContent(np.arange(6.0), np.zeros(2))

    assert one == ByContent(np.arange(6.0), np.zeros(2))
    assert hash(one) == hash(ByContent(np.arange(6.0), np.zeros(2)))
    for other in (
        ByContent(np.arange(6.0).reshape(2, 3), np.zeros(2)),
        ByContent(np.arange(6.0), np.ones(2)),
        ByContent(np.arange(6.0).astype(np.float32), np.zeros(2)),
    ):
        assert one != other
