"""Runs that train under limits on what networks cost."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from ax_anasod import cells
from ax_anasod.journal import Completed, Failed, Journal
from ax_anasod.networks import NetworkConfig
from ax_anasod.retraining import BestTrial
from ax_anasod.runs import Execution, Results, RunConfig, RunFolder, TrainingSearch, plan_run
from ax_anasod.training import DataConfig, Hardware, TrainingTask, TrialState, load_data, protocol
from ax_anasod.training.costs import measure_costs


@pytest.fixture(scope="module")
def task() -> TrainingTask:
    """Networks of three cells on 100 digits, one epoch: a fraction of a second."""
    made = TrainingTask(
        cells.get("nas-bench-201"),
        DataConfig("digits", images=100),
        NetworkConfig(channels=2, cells=3),
        protocol("search", epochs=1, batch_size=16),
        Hardware("cpu"),
        minimize=("parameters",),
    )
    return made.fitted(load_data(made.data))


def config(
    task: TrainingTask, strategy: str, trials: int, bound: float, known: tuple[str, ...] = ()
) -> RunConfig:
    options = {"num_initial": 3} if strategy == "two-level-bo" else {}
    execution = Execution(tensorboard=False).to_dict()
    limits = [f"parameters <= {bound}"]
    return plan_run(
        task, strategy, options, trials=trials, execution=execution, limits=limits, known=known
    )


def test_no_network_breaks_a_known_limit_and_the_run_goes_on_exactly(
    task: TrainingTask, tmp_path: Path
) -> None:
    planned = config(task, "two-level-bo", 6, 800, known=("parameters",))
    whole = TrainingSearch.of(planned, tmp_path / "whole")
    whole.run(6)
    ends = [record.end for record in whole.records]
    assert all(isinstance(end, Completed) and end.values["parameters"] <= 800 for end in ends)
    for end in ends:
        assert isinstance(end, Completed)
        codes = task.cell.from_strings([end.architecture])
        assert end.values["parameters"] == measure_costs(task, codes)["parameters"]
    assert len(Results(planned, whole.records).to_dict()["pareto_front"]) >= 1
    with Journal(tmp_path / "journal.jsonl") as journal:
        TrainingSearch.of(planned, tmp_path / "parts", journal).run(4)
        again = TrainingSearch.of(planned, tmp_path / "parts", journal)
        again.run(6)
        assert [r.start for r in again.records] == [r.start for r in whole.records]


def test_what_costs_too_much_is_not_trained(
    task: TrainingTask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    search = TrainingSearch.of(config(task, "random", 5, 500), tmp_path)
    search.run(5)
    ends = [record.end for record in search.records]
    failed = [end for end in ends if isinstance(end, Failed)]
    assert 0 < len(failed) < 5
    for end in failed:
        assert "its network was not trained: parameters is" in end.reason
        assert end.reason.endswith("not parameters <= 500.0")
        state = TrialState.read(search.runner.folder_of(end.trial))
        assert state is not None
        assert not state.epochs
    assert all(end.values["parameters"] <= 500 for end in ends if isinstance(end, Completed))


def test_a_picked_network_is_what_is_trained_for_good(task: TrainingTask, tmp_path: Path) -> None:
    planned = replace(config(task, "random", 4, 1e6), pick="parameters=1")
    with RunFolder.create(tmp_path / "run", planned) as folder:
        search = TrainingSearch.of(planned, folder.path, folder.journal)
        search.run(4)
        costs = [r.end.values["parameters"] for r in search.records if isinstance(r.end, Completed)]
    found = BestTrial.in_run(tmp_path / "run")
    assert costs[found.trial] == min(costs)
    assert found.picked == {"rule": "the smallest 1 parameters", "trial": found.trial}
    best = BestTrial.in_run(tmp_path / "run", "")
    errors = [r.end.values["valid_error"] for r in search.records if isinstance(r.end, Completed)]
    assert errors[best.trial] == min(errors)
    assert best.rule == "the lowest valid_error"
