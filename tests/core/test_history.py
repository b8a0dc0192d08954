"""What a strategy may know of a run, whatever happened to its trials."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ax.api.client import Client
from ax.core.arm import Arm
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.metric import Metric
from ax.core.objective import Objective
from ax.core.observation import ObservationFeatures
from ax.core.optimization_config import OptimizationConfig

from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.core.history_reader import HistoryReader, read_history
from ax_anasod.core.means import fail_unusable_trials
from ax_anasod.exceptions import ObservationWarning
from ax_anasod.experiment import make_client

ENCODINGS = [(6, 0, 0), (3, 2, 1), (0, 0, 6), (1, 1, 4), (2, 2, 2)]


@pytest.fixture
def space(toy_cell: Cell) -> AnasodSearchSpace:
    return AnasodSearchSpace.from_cell(toy_cell)


@pytest.fixture
def run(toy_cell: Cell) -> Callable[..., Client]:
    """A client whose trials are ENCODINGS, each given a value or put into a state."""

    def build(*outcomes: Any, objectives: Any = "error") -> Client:
        client = make_client(toy_cell, "anasod-random", objectives=objectives)
        names = list(experiment_of(client).search_space.parameters)
        for outcome, counts in zip(outcomes, ENCODINGS, strict=False):
            index = client.attach_trial(dict(zip(names, counts, strict=True)))
            if outcome == "failed":
                client.mark_trial_failed(index)
            elif outcome == "abandoned":
                client.mark_trial_abandoned(index)
            elif outcome == "no data":
                client.complete_trial(index)
            elif outcome != "running":
                raw = outcome if isinstance(outcome, dict) else {"error": outcome}
                client.complete_trial(index, raw_data=dict(raw))
        return client

    return build


def test_trials_stand_in_the_order_of_their_indices(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    history = read_history(experiment_of(run(3.0, 1.0, 2.0)), space)

    assert history.rows.tolist() == [[6, 0, 0], [3, 2, 1], [0, 0, 6]]
    assert history.values.tolist() == [[3.0], [1.0], [2.0]]
    assert history.trial_indices.tolist() == [0, 1, 2]
    assert history.position == 3


def test_states_of_trials_are_told_apart(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    client = run(3.0, "failed", "running", "abandoned", "no data")

    history = read_history(experiment_of(client), space)

    assert history.observed.tolist() == [True, False, False, False, False]
    assert history.failed.tolist() == [False, True, False, True, False]
    assert history.pending.tolist() == [False, False, True, False, True]
    assert history.position == 5


def test_failures_count_as_the_worst_value_seen(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    history = read_history(experiment_of(run(3.0, "failed", 5.0, "abandoned", "running")), space)

    rows, values = history.imputed()

    assert rows.tolist() == [[6, 0, 0], [3, 2, 1], [0, 0, 6], [1, 1, 4]]
    assert values.tolist() == [3.0, 5.0, 5.0, 5.0]


def test_failures_before_any_value_are_left_out(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    history = read_history(experiment_of(run("failed", "running")), space)

    rows, values = history.imputed()

    assert rows.shape == (0, 3)
    assert values.shape == (0,)
    assert history.incumbent() is None


@pytest.mark.parametrize(
    ("outcomes", "num_initial", "since"),
    [
        ([3.0, 1.0, 2.0, 0.5], 2, [1.0, 2.0, 0.5]),
        ([3.0, "failed", 2.0, 0.5, 4.0], 2, [2.0, 0.5, 4.0]),
        ([3.0, 2.0, "failed", "running", 4.0], 2, [2.0, 4.0, 4.0]),
        (["failed", 2.0, 5.0, "abandoned"], 1, [2.0, 5.0, 5.0]),
        ([3.0, 2.0], 10, [2.0]),
        (["failed", "running"], 1, []),
        ([], 1, []),
    ],
)
def test_the_time_after_the_initial_trials(
    run: Callable[..., Client],
    space: AnasodSearchSpace,
    outcomes: list[Any],
    num_initial: int,
    since: list[float],
) -> None:
    history = read_history(experiment_of(run(*outcomes)), space)

    assert history.since(num_initial).tolist() == since


def test_an_empty_run_has_no_incumbent(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    history = read_history(experiment_of(run()), space)

    assert history.rows.shape == (0, 3)
    assert history.incumbent() is None
    assert history.position == 0


class TestIncumbent:
    def test_it_is_the_best_observed(
        self, run: Callable[..., Client], space: AnasodSearchSpace
    ) -> None:
        history = read_history(experiment_of(run(3.0, 1.0, 2.0, "failed")), space)

        assert history.incumbent() is not None
        assert np.array_equal(history.incumbent(), [3, 2, 1])

    def test_the_earliest_of_equals_wins(
        self, run: Callable[..., Client], space: AnasodSearchSpace
    ) -> None:
        history = read_history(experiment_of(run(3.0, 1.0, 1.0)), space)

        assert np.array_equal(history.incumbent(), [3, 2, 1])

    def test_values_that_storage_makes_equal_tie_before_it_does(
        self, run: Callable[..., Client], space: AnasodSearchSpace
    ) -> None:
        client, reader = run(1.0 + 2e-12, 1.0 + 1e-12), HistoryReader(space)

        with pytest.warns(ObservationWarning, match="error that differ by less than 1e-10") as said:
            histories = [reader.read(experiment_of(client)) for _ in range(2)]

        assert len(said) == 1
        assert all(np.array_equal(history.incumbent(), [6, 0, 0]) for history in histories)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_trial_that_ended_without_a_usable_value_has_failed(
    run: Callable[..., Client], space: AnasodSearchSpace, value: float
) -> None:
    client = run(3.0, value, "running", {"error": 2.0})
    client.attach_data(2, {"error": value})  # such as the first step of a curve

    history = read_history(experiment_of(client), space)

    assert history.failed.tolist() == [False, True, False, False]
    assert history.pending.tolist() == [False, False, True, False]
    assert history.imputed()[1].tolist() == [3.0, 3.0, 2.0]


def test_of_several_objectives_one_that_cannot_be_used_is_enough(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    client = run(
        {"error": 2.0, "size": 9.0},
        {"error": 1.0, "size": np.nan},
        {"error": 1.0},
        objectives=["error", "size"],
    )

    history = read_history(experiment_of(client), space)

    # The size of the last one may come later.
    assert history.failed.tolist() == [False, True, False]


def test_such_trials_are_marked_with_one_warning_each(
    run: Callable[..., Client], own_warnings: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    client = run(3.0, np.nan, "running", np.inf)
    with own_warnings() as texts:
        fail_unusable_trials(experiment_of(client))
        fail_unusable_trials(experiment_of(client))
    assert texts == [
        "trial 1 counts as failed: error is nan",
        "trial 3 counts as failed: error is inf",
    ]
    statuses = [trial.status.name for trial in experiment_of(client).trials.values()]
    assert statuses == ["COMPLETED", "FAILED", "RUNNING", "FAILED"]
    assert experiment_of(client).trials[1].status_reason == "error is nan"


@pytest.mark.parametrize("repair", ["right value", "failed"])
def test_a_wrong_value_can_be_repaired(
    run: Callable[..., Client], space: AnasodSearchSpace, repair: str
) -> None:
    client = run(3.0, np.nan)
    if repair == "failed":
        experiment_of(client).trials[1].mark_failed(unsafe=True)
    else:
        client.attach_data(1, {"error": 2.0})

    history = read_history(experiment_of(client), space)

    assert history.observed.tolist() == [True, repair != "failed"]


def test_wrong_values_of_failed_trials_and_reported_metrics_do_not_matter(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    client = run({"error": 2.0, "latency": np.nan}, "running")
    client.attach_data(1, {"error": np.inf})
    client.mark_trial_failed(1)

    history = read_history(experiment_of(client), space)

    assert history.observed.tolist() == [True, False]


def test_several_objectives_are_several_columns(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    client = run({"error": 2.0, "size": 9.0}, {"error": 1.0}, objectives=["error", "size"])

    history = read_history(experiment_of(client), space)

    np.testing.assert_array_equal(history.values, [[2.0, 9.0], [1.0, np.nan]])
    assert history.observed.tolist() == [True, False]


def test_a_maximised_objective_is_negated(toy_cell: Cell, space: AnasodSearchSpace) -> None:
    experiment = Experiment(
        AnasodSearchSpace.from_cell(toy_cell),
        name="run",
        optimization_config=OptimizationConfig(
            Objective(expression="score", metric_name_to_signature={"score": "score"})
        ),
        tracking_metrics=[Metric("score")],
    )
    names = list(experiment.search_space.parameters)
    for counts, score in zip(ENCODINGS, (0.2, 0.9, 0.5), strict=False):
        trial = experiment.new_trial().add_arm(Arm(dict(zip(names, counts, strict=True))))
        trial.mark_running(no_runner_required=True).mark_completed()
        experiment.attach_data(_data(trial.index, trial.arms[0].name, "score", score))

    history = read_history(experiment, space)

    assert history.values[:, 0].tolist() == [-0.2, -0.9, -0.5]
    assert np.array_equal(history.incumbent(), [3, 2, 1])


def test_arms_of_a_batch_are_rows_of_their_own(toy_cell: Cell, space: AnasodSearchSpace) -> None:
    client = make_client(toy_cell, "anasod-random")
    experiment = experiment_of(client)
    names = list(experiment.search_space.parameters)
    batch = experiment.new_batch_trial()
    for counts in ENCODINGS[:3]:
        batch.add_arm(Arm(dict(zip(names, counts, strict=True))))
    batch.mark_running(no_runner_required=True)
    batch.mark_arm_abandoned("0_1")
    experiment.attach_data(_data(0, "0_0", "error", 4.0))
    experiment.attach_data(_data(0, "0_1", "error", 1.0))

    history = read_history(experiment, space)

    assert history.rows.tolist() == [[6, 0, 0], [3, 2, 1], [0, 0, 6]]
    assert history.trial_indices.tolist() == [0, 0, 0]
    assert history.failed.tolist() == [False, True, False]
    assert history.observed.tolist() == [True, False, False]
    assert history.position == 3


def test_learning_curves_count_with_their_last_step(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    client = run("running")
    client.attach_data(0, {"error": 9.0}, progression=1)
    client.attach_data(0, {"error": 4.0}, progression=7)
    client.attach_data(0, {"error": 5.0}, progression=3)

    history = read_history(experiment_of(client), space)

    assert history.values.tolist() == [[4.0]]


@pytest.mark.filterwarnings("ignore:there is a threshold on latency and none on error")
def test_what_was_known_of_a_trial_before_it_failed_stays(toy_cell: Cell) -> None:
    client = make_client(
        toy_cell, "random", objectives=["error", "latency"], limits=["latency <= 5", "size <= 9"]
    )
    told: list[dict[str, Any]] = [
        {"error": 3.0, "latency": 4.0, "size": 1.0},
        {"latency": 7.0, "size": 2.0},
        {"latency": 2.0, "size": 2.0},
        {"error": 1.0, "latency": 2.0, "size": 2.0},
    ]
    for values in told:
        for index in client.get_next_trials(1):
            client.attach_data(index, raw_data=dict(values))
            if "error" in values and index == 0:
                client.complete_trial(index)
            else:
                client.mark_trial_failed(index)
    experiment = experiment_of(client)
    reader = HistoryReader(CellSearchSpace.from_cell(toy_cell))
    history = reader.read(experiment, with_limits=True)
    assert history.failed.tolist() == [False, True, True, True]
    assert history.observed.tolist() == [True, False, False, False]
    np.testing.assert_array_equal(history.values[:, 1], [4.0, 7.0, 2.0, np.nan])
    np.testing.assert_array_equal(history.limit_values[0], [1.0, 2.0, 2.0, np.nan])
    # The second breaks a limit: nobody knows its error. Others count as the worst.
    np.testing.assert_array_equal(history.imputed()[1], [3.0, np.nan, 3.0, 3.0])
    np.testing.assert_array_equal(history.imputed(history.values[:, 1])[1], [4.0, 7.0, 2.0, 4.0])


def test_rows_proposed_in_the_same_call_come_last(
    run: Callable[..., Client], space: AnasodSearchSpace
) -> None:
    client = run(3.0, "running")
    running = ObservationFeatures(experiment_of(client).trials[1].arms[0].parameters, trial_index=1)
    proposed = ObservationFeatures({"n_conv": 1, "n_pool": 1, "n_skip": 4})

    history = HistoryReader(space).read(
        experiment_of(client), pending={"error": [running, proposed, proposed]}
    )

    assert history.rows.tolist() == [[6, 0, 0], [3, 2, 1], [1, 1, 4], [1, 1, 4]]
    assert history.trial_indices.tolist() == [0, 1, -1, -1]
    assert history.pending.tolist() == [False, True, True, True]
    assert history.position == 4


def _data(trial_index: int, arm_name: str, metric: str, mean: float) -> Data:
    row = {
        "trial_index": trial_index,
        "arm_name": arm_name,
        "metric_name": metric,
        "metric_signature": metric,
        "mean": mean,
        "sem": np.nan,
    }
    return Data(df=pd.DataFrame([row]))
