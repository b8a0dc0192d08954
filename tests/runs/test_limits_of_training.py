"""Runs that train under limits on what is known of a network before its first epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ax.core.trial_status import TrialStatus

from ax_anasod import cells
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.journal import Completed, Failed, Journal
from ax_anasod.networks import NetworkConfig, num_parameters
from ax_anasod.runs import Execution, Results, RunConfig, TrainingSearch, plan_run
from ax_anasod.training import (
    DataConfig,
    Hardware,
    Latency,
    LatencyConfig,
    TrainingTask,
    TrialState,
    costs,
    protocol,
)

MOST = 6000
"""Parameters that a network may have: about half of the networks have more."""


@pytest.fixture(scope="module")
def task() -> TrainingTask:
    return TrainingTask(
        cells.get("nas-bench-201"),
        DataConfig("digits", images=100),
        NetworkConfig(skeleton="nas-bench-201", channels=4, cells=3, in_channels=1),
        protocol("search", epochs=1, batch_size=16),
        Hardware("cpu", threads=1),
        layers="repeated",
        minimize=("latency",),
        image_size=(8, 8),
        latency=LatencyConfig(seconds=0.1),
    )


def plan(task: TrainingTask, trials: int, *limits: str) -> RunConfig:
    return plan_run(
        task,
        "two-level-bo",
        {"num_initial": 3},
        trials=trials,
        limits=limits,
        execution=Execution(tensorboard=False).to_dict(),
    )


def test_what_breaks_a_limit_is_measured_and_not_trained(
    task: TrainingTask, tmp_path: Path
) -> None:
    config = plan(task, 8, f"parameters <= {MOST}")
    assert [(o.name, o.unit) for o in config.objectives] == [
        ("valid_error", "percent"),
        ("latency", "ms"),
    ]
    with Journal(tmp_path / "journal.jsonl") as journal:
        search = TrainingSearch.of(config, tmp_path, journal)
        trained: set[int] = set()
        search.after_epoch = lambda trial, state: trained.add(trial)
        search.run(8)
        records = search.records
        failed = [r.end for r in records if isinstance(r.end, Failed)]
        done = [r.end for r in records if isinstance(r.end, Completed)]
        assert failed
        assert done
        assert {end.trial for end in done} == trained
        assert all(end.values["parameters"] <= MOST for end in done)
        for end in failed:
            assert end.values["parameters"] > MOST
            assert end.values["latency"] > 0
            assert f"not parameters <= {MOST}" in end.reason
            assert search.experiment.trials[end.trial].status is TrialStatus.FAILED
            state = TrialState.read(tmp_path / "trials" / f"{end.trial:04d}")
            assert state is not None
            assert not state.epochs
        for end in done:
            state = TrialState.read(tmp_path / "trials" / f"{end.trial:04d}")
            assert state is not None
            assert state.latency is not None
            assert state.latency.median == end.values["latency"]
            assert state.latency.config == task.latency
        results = Results(config, records)
        assert results.to_dict()["feasible"] == [isinstance(r.end, Completed) for r in records]
        assert {end.trial for end in results.pareto_front} <= trained
        restored = TrainingSearch.of(config, tmp_path, journal)
        known = search.experiment.data.full_df
        again = restored.experiment.data.full_df
        assert len(known) == len(again)
        assert set(failed[0].values) == set(
            again[again["trial_index"] == failed[0].trial]["metric_name"]
        )


@pytest.mark.filterwarnings("ignore:there is a threshold on latency and none on valid_error")
def test_a_run_that_goes_on_has_the_latencies_that_were_measured(
    task: TrainingTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[float] = []

    def measure(network: Any, size: tuple[int, int], how: LatencyConfig) -> Latency:
        measured.append(num_parameters(network) / 1000)
        return Latency(measured[-1], 0.1, 5, how, size, "abacus", {})

    monkeypatch.setattr(costs, "measure_latency", measure)
    config = plan(task, 7, "latency <= 6.0")

    def run(folder: Path, *stops: int) -> list[Any]:
        folder.mkdir()
        for trials in (*stops, 7):
            with Journal(folder / "journal.jsonl") as journal:
                search = TrainingSearch.of(config, folder, journal)
                search.run(trials)
        return [(r.start, r.end and {**vars(r.end), "seconds": 0.0}) for r in search.records]

    whole = run(tmp_path / "whole")
    once = len(measured)
    assert run(tmp_path / "stopped", 2, 4, 5) == whole
    assert len(measured) == 2 * once
    broken = [end["trial"] for _, end in whole if "reason" in end]
    assert broken
    assert all(whole[trial][1]["values"]["latency"] > 6.0 for trial in broken)


def test_a_limit_ends_no_trial_that_keeps_it(task: TrainingTask, tmp_path: Path) -> None:
    config = plan(
        replace(task, minimize=(), costs=("latency",)), 2, "latency <= 10000", "parameters >= 100"
    )
    search = TrainingSearch.of(config, tmp_path)
    search.run(2)
    assert all(isinstance(record.end, Completed) for record in search.records)


def test_descriptions_come_back(task: TrainingTask) -> None:
    assert TrainingTask.from_dict(task.to_dict()) == task
    before = {k: v for k, v in task.to_dict().items() if k != "latency"}
    assert TrainingTask.from_dict(before) == replace(task, latency=LatencyConfig())
    # What is searched makes no other training of one network.
    assert task.digests() == replace(task, minimize=(), latency=LatencyConfig()).digests()


def test_bad_requests(task: TrainingTask) -> None:
    with pytest.raises(OptionError):
        costs.latency_of(replace(task, image_size=None), task.example())
    with pytest.raises(UnknownNameError):
        replace(task, minimize=("latncy",))
    with pytest.raises(UnknownNameError):
        plan(replace(task, minimize=()), 2, "latency <= 5")
    with pytest.raises(OptionError, match="regularized-evolution"):
        plan_run(task, "regularized-evolution", trials=2, limits=["latency <= 5"])


def test_encodings_whose_networks_break_a_limit_are_learned_from(
    task: TrainingTask, tmp_path: Path
) -> None:
    """An encoding stands for networks of several costs: each is measured when it is drawn."""
    sampled = replace(task, minimize=(), layers="sampled")
    limits = [f"parameters <= {MOST}"]
    planned = plan_run(sampled, "anasod-bo", {"num_initial": 2}, trials=7, limits=limits)
    search = TrainingSearch.of(planned, tmp_path)
    search.run(7)
    ends = [record.end for record in search.records]
    assert {type(end) for end in ends} == {Completed, Failed}
    assert all((end.values["parameters"] > MOST) == isinstance(end, Failed) for end in ends if end)
