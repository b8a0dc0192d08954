"""Runs that train."""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ax.core.trial_status import TrialStatus

from ax_anasod import cells
from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.journal import Completed, Failed, Journal, Record, Stopped
from ax_anasod.networks import NetworkConfig
from ax_anasod.runs import Execution, Results, RunConfig, TrainingSearch, plan_run
from ax_anasod.training import DataConfig, Hardware, TrainingTask, TrialState, protocol


@pytest.fixture(scope="module")
def task() -> TrainingTask:
    """Networks of three cells on 100 digits, two epochs: a fraction of a second."""
    return TrainingTask(
        cells.get("nas-bench-201"),
        DataConfig("digits", images=100),
        NetworkConfig(channels=2, cells=3, in_channels=1),
        protocol("search", epochs=2, batch_size=16),
        Hardware("cpu"),
    )


def config(
    task: TrainingTask,
    trials: int,
    parallel: int = 1,
    strategy: str = "anasod-bo",
    **execution: Any,
) -> RunConfig:
    options = {"num_initial": 3} if strategy == "anasod-bo" else {}
    return plan_run(
        task,
        strategy,
        options,
        trials=trials,
        parallel=parallel,
        execution=Execution(**{"tensorboard": False, **execution}).to_dict(),
    )


def timeless(records: list[Record]) -> list[object]:
    return [(r.start, r.end and {**vars(r.end), "seconds": None}) for r in records]


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [1, 2])
def test_a_killed_run_ends_as_one_that_was_not(
    task: TrainingTask, tmp_path: Path, parallel: int
) -> None:
    whole_config = config(task, 5, parallel)
    folder = tmp_path / "whole"
    folder.mkdir()
    with Journal(folder / "journal.jsonl") as journal:
        whole = TrainingSearch.of(whole_config, folder, journal)
        whole.run(5)
    assert all(isinstance(record.end, Completed) for record in whole.records)
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    for kept in range(parallel, len(lines), 3):
        killed = tmp_path / f"killed{kept}"
        killed.mkdir()
        (killed / "journal.jsonl").write_bytes(b"".join(lines[:kept]))
        with Journal(killed / "journal.jsonl") as journal:
            done = [r.trial for r in journal.records if r.end is not None]
            for trial in done:
                shutil.copytree(
                    folder / "trials" / f"{trial:04d}", killed / "trials" / f"{trial:04d}"
                )
            first = TrainingSearch.of(whole_config, killed, journal)
            seen: list[int] = []
            first.after_epoch = lambda trial, state, seen=seen: seen.append(trial)  # type: ignore[misc]
            # One epoch more, and it is stopped again.
            first.run(5, should_stop=lambda seen=seen: bool(seen))  # type: ignore[misc]
            second = TrainingSearch.of(whole_config, killed, journal)
            second.run(5)
            assert timeless(second.records) == timeless(whole.records)
            order = ["trial_index", "metric_name", "step"]
            data, expected = (
                s.experiment.data.full_df.sort_values(order).reset_index(drop=True)
                for s in (second, whole)
            )
            assert data.equals(expected[data.columns])


def test_curves_reach_ax(task: TrainingTask, tmp_path: Path) -> None:
    search = TrainingSearch.of(config(task, 2, strategy="anasod-random"), tmp_path)
    search.run(2)
    df = search.experiment.lookup_data().full_df
    for record in search.records:
        state = TrialState.read(tmp_path / "trials" / f"{record.trial:04d}")
        assert state is not None
        rows = df[(df["trial_index"] == record.trial) & (df["metric_name"] == "valid_error")]
        assert rows["step"].tolist() == [1.0, 2.0]
        assert rows["mean"].tolist() == [epoch.valid_error for epoch in state.epochs]
        assert isinstance(record.end, Completed)
        assert record.end.values == state.values
        assert record.end.architecture.count(" ; ") == 2
        assert sum(record.end.encoding.values()) == 6
    last = search.experiment.lookup_data().df
    assert len(last) == 6


def test_early_stopping_is_written_down(task: TrainingTask, tmp_path: Path) -> None:
    # Few images: many networks guess, and equally bad ones are not worse than each other.
    longer = replace(
        task,
        data=replace(task.data, images=200),
        network=replace(task.network, channels=4),
        training=task.training.with_options(epochs=4, batch_size=8),
    )
    own = config(
        longer, 6, strategy="anasod-random", early_stopping=60.0, min_epochs=2, min_trials=2
    )
    with Journal(tmp_path / "journal.jsonl") as journal:
        search = TrainingSearch.of(own, tmp_path, journal)
        search.run(6)
        stopped = [r.trial for r in search.records if isinstance(r.end, Stopped)]
        assert stopped
        # An encoding is repeated, at which Ax's own strategy gives up.
        arms = [trial.arm.name for trial in search.experiment.trials.values()]  # type: ignore[attr-defined]
        assert len(set(arms)) < len(arms)
        assert not {0, 1} & set(stopped)
        restored = TrainingSearch.of(own, tmp_path, journal)
        for one in (search, restored):
            statuses = {i: trial.status for i, trial in one.experiment.trials.items()}
            assert {i for i, s in statuses.items() if s is TrialStatus.EARLY_STOPPED} == set(
                stopped
            )
        assert restored.experiment.data.df["mean"].tolist() == (
            search.experiment.data.df["mean"].tolist()
        )
        rows = list(csv.DictReader(io.StringIO(Results(own, search.records).to_csv())))
        assert [r["status"] for r in rows] == [
            "early_stopped" if i in stopped else "completed" for i in range(6)
        ]


def test_a_failed_trial_is_written_down_and_the_search_goes_on(
    task: TrainingTask, tmp_path: Path
) -> None:
    diverging = replace(
        task, training=task.training.with_options(learning_rate=1e30, gradient_clip=None)
    )
    search = TrainingSearch.of(config(diverging, 2, strategy="anasod-random"), tmp_path)
    search.run(2)
    for record in search.records:
        assert isinstance(record.end, Failed)
        assert record.end.reason.startswith("the training diverged")
        assert search.experiment.trials[record.trial].status is TrialStatus.FAILED


def test_a_full_disk_stops_the_run_and_loses_nothing(
    task: TrainingTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    own = config(task, 2, strategy="anasod-random")
    with Journal(tmp_path / "journal.jsonl") as journal:
        search = TrainingSearch.of(own, tmp_path, journal)
        search.run(1)

        def full(file: int) -> None:
            raise OSError(28, os.strerror(28))

        def fill(trial: int, state: TrialState) -> None:
            monkeypatch.setattr(os, "fsync", full)

        search.after_epoch = fill
        with pytest.raises(RunError):
            search.run(2)
        monkeypatch.undo()
        assert [record.end is None for record in search.records] == [False, True]
        again = TrainingSearch.of(own, tmp_path, journal)
        again.run(2)
        assert all(isinstance(record.end, Completed) for record in again.records)


def test_executions_come_back_and_refuse(task: TrainingTask) -> None:
    execution = Execution("ray", cpus=2, gpus=0.5, early_stopping=25)
    assert Execution.from_dict(execution.to_dict()) == execution
    with pytest.raises(UnknownNameError):
        Execution("locl")
    with pytest.raises(OptionError):
        Execution(early_stopping=100)
    with pytest.raises(UnknownNameError):
        replace(task, layers="sampeld")  # type: ignore[arg-type]
