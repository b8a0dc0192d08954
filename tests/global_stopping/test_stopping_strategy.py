"""Stopping by expected improvement: the rule, through JSON, and in Ax's Orchestrator."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from ax.api.client import Client
from ax.orchestration.orchestrator import Orchestrator, OrchestratorOptions
from ax.storage.json_store.decoder import object_from_json
from ax.storage.json_store.encoder import object_to_json

from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.experiment import make_client, make_experiment, make_search_space
from ax_anasod.generation_strategy import make
from ax_anasod.generators import EXPECTED_IMPROVEMENT
from ax_anasod.global_stopping import (
    ExpectedImprovementStoppingStrategy,
    check_until_improvement_below,
)
from ax_anasod.metrics import LookupMetric
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runners import LookupRunner

CELL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)


def error(parameters: dict[str, Any]) -> float:
    # Every block should be a convolution: easy, so that little is expected soon.
    return 5.0 + sum(value != "conv" for value in parameters.values())


def asked(client: Client, strategy: ExpectedImprovementStoppingStrategy, limit: int) -> int:
    """Trials until the strategy stops an ask-and-tell loop."""
    for trial in range(limit):
        if strategy.should_stop_optimization(experiment_of(client))[0]:
            return trial
        for index, parameters in client.get_next_trials(1).items():
            client.complete_trial(index, {"error": error(parameters)})
    return limit


def test_ask_and_tell_stops_after_the_optimum_is_found() -> None:
    client = make_client(CELL, "two-level-bo", num_initial=4)
    strategy = ExpectedImprovementStoppingStrategy(improvement_below=0.5)
    trials = asked(client, strategy, 60)
    assert 9 <= trials < 60
    best = min(experiment_of(client).lookup_data().df["mean"])
    assert best == 5.0
    stop, why = strategy.should_stop_optimization(experiment_of(client))
    assert stop
    assert "less than 0.5 %" in why


def test_expected_improvements_are_stored_and_fall() -> None:
    client = make_client(CELL, "two-level-bo", num_initial=4)
    asked(client, ExpectedImprovementStoppingStrategy(improvement_below=0.0), 20)
    trials = experiment_of(client).trials
    metadata = [t.generator_runs[0].gen_metadata or {} for _, t in sorted(trials.items())]
    assert [EXPECTED_IMPROVEMENT in entry for entry in metadata] == [False] * 4 + [True] * 16
    values = np.array([entry[EXPECTED_IMPROVEMENT] for entry in metadata[4:]])
    assert (values >= 0).all()
    assert values[-3:].max() < 0.1 * values[:3].max()


def test_waits_for_enough_trials_and_for_those_that_run() -> None:
    client = make_client(CELL, "two-level-bo", num_initial=4)
    asked(client, ExpectedImprovementStoppingStrategy(improvement_below=0.5), 60)
    experiment = experiment_of(client)
    patient = ExpectedImprovementStoppingStrategy(0.5, min_trials=100)
    assert not patient.should_stop_optimization(experiment)[0]
    client.get_next_trials(1)
    assert not ExpectedImprovementStoppingStrategy(50.0).should_stop_optimization(experiment)[0]
    assert ExpectedImprovementStoppingStrategy(
        50.0, inactive_when_pending_trials=False
    ).should_stop_optimization(experiment)[0]


def test_through_json() -> None:
    strategy = ExpectedImprovementStoppingStrategy(
        0.25, window_size=7, min_trials=20, inactive_when_pending_trials=False
    )
    loaded = object_from_json(json.loads(json.dumps(object_to_json(strategy))))
    assert type(loaded) is ExpectedImprovementStoppingStrategy
    assert vars(loaded) == vars(strategy)


def test_in_the_orchestrator(tmp_path: Any) -> None:
    path = tmp_path / "table.csv"
    codes = CELL.enumerate()
    lines = [
        f"{s},{5 + (c != 0).sum()}" for s, c in zip(CELL.to_strings(codes), codes, strict=True)
    ]
    path.write_text("\n".join(["arch,error", *lines]))
    search_space = make_search_space(CELL, "two-level-bo")
    experiment = make_experiment(search_space, "error", metrics=[LookupMetric("error")])
    experiment.runner = LookupRunner(TableBenchmark(path, CELL, minimize=["error"]), "architecture")
    orchestrator = Orchestrator(
        experiment,
        make("two-level-bo", search_space, num_initial=4),
        options=OrchestratorOptions(
            max_pending_trials=1,
            init_seconds_between_polls=0,
            min_seconds_before_poll=0.0,
            global_stopping_strategy=ExpectedImprovementStoppingStrategy(0.5),
        ),
    )
    orchestrator.run_n_trials(60)
    assert 9 <= len(experiment.trials) < 60


def test_bad_thresholds() -> None:
    for bad in ({"improvement_below": -1}, {"improvement_below": 1, "window_size": 0}):
        with pytest.raises(OptionError):
            ExpectedImprovementStoppingStrategy(**bad)
    with pytest.raises(OptionError):
        check_until_improvement_below("two-level-bo", -0.1)
    with pytest.raises(OptionError, match="'random' does not say") as caught:
        check_until_improvement_below("random", 1.0)
    assert "two-level-bo" in str(caught.value.hint)
    with pytest.raises(UnknownNameError):
        check_until_improvement_below("two-level", 1.0)
    check_until_improvement_below("random", None)
