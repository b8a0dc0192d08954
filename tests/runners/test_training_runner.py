"""The runner that trains in its own process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ax.core.experiment import Experiment
from ax.core.trial_status import TrialStatus
from ax.early_stopping.strategies import PercentileEarlyStoppingStrategy
from ax.orchestration.orchestrator import FailureRateExceededError

from ax_anasod import cells
from ax_anasod._ax import experiment_of
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, architecture_of
from ax_anasod.early_stopping import RepeatablePercentileEarlyStoppingStrategy
from ax_anasod.exceptions import (
    ArchitectureError,
    ObservationError,
    OptionError,
    RunError,
    UnknownNameError,
)
from ax_anasod.experiment import attach_architecture, make_client
from ax_anasod.metrics import TrainingMetric
from ax_anasod.runners import RayRunner, TrainingRunner
from ax_anasod.training import Hardware, TrainingTask, TrialState, load_data
from tests.runners.conftest import curves, search

Encoding = dict[str, Any]


def finish(runner: TrainingRunner, index: int, encoding: Encoding) -> dict[str, Any]:
    metadata = runner.run_trial(index, encoding)
    while runner.poll_trial(index, metadata) is TrialStatus.RUNNING:
        pass
    return metadata


def timeless(state: TrialState | None) -> list[tuple[float, ...]]:
    assert state is not None
    return [(e.train_loss, e.valid_loss, e.valid_error) for e in state.epochs]


def test_a_poll_trains_an_epoch(task: TrainingTask, encoding: Encoding, tmp_path: Path) -> None:
    runner = TrainingRunner(task, str(tmp_path))
    metadata = runner.run_trial(4, encoding)
    assert json.loads(json.dumps(metadata)) == metadata
    assert runner.state(metadata) is None
    for epochs, status in ((1, "RUNNING"), (2, "RUNNING"), (3, "COMPLETED")):
        assert runner.poll_trial(4, metadata).name == status
        state = runner.state(metadata)
        assert state is not None
        assert len(state.epochs) == epochs
    assert runner.poll_trial(4, metadata) is TrialStatus.COMPLETED
    names = sorted(path.name.split(".")[0] for path in (tmp_path / "0004").iterdir())
    assert names == ["events", "trial"]


def test_layers_are_drawn_from_the_encoding(
    task: TrainingTask, space: AnasodSearchSpace, encoding: Encoding, tmp_path: Path
) -> None:
    sampled = TrainingRunner(task, str(tmp_path), seed=7)
    codes = sampled.codes(3, encoding)
    assert len(np.unique(codes, axis=0)) == task.network.cells
    assert (task.cell.encode(codes) == space.counts(encoding)).all()
    assert (sampled.codes(3, encoding) == codes).all()
    assert not (sampled.codes(4, encoding) == codes).all()

    repeated = TrainingRunner(replace(task, layers="repeated"), str(tmp_path), seed=7)
    (code,) = repeated.codes(3, encoding)
    assert (code == space.decode(encoding, seed=7, trial_index=3).code).all()

    architectures = TrainingRunner(task, str(tmp_path), "architecture")
    parameters = CellSearchSpace.from_cell(task.cell).parameters
    chosen = {name: parameter.values[0] for name, parameter in parameters.items()}  # type: ignore[attr-defined]
    assert architectures.codes(0, chosen).tolist() == [[0] * len(chosen)]


def test_an_attached_architecture_is_the_one_that_is_trained(
    task: TrainingTask, tmp_path: Path
) -> None:
    client = make_client(task.cell, "anasod-random", objectives="valid_error", seed=7)
    (code,) = task.cell.sample(1, np.random.default_rng(0))
    own = task.cell.architecture(code)
    trial = experiment_of(client).trials[attach_architecture(client, own)]
    for layers in ("sampled", "repeated"):
        runner = TrainingRunner(replace(task, layers=layers), str(tmp_path / layers), seed=7)
        metadata = runner.run(trial)
        assert metadata["architecture"] == str(own)
        assert metadata["codes"] == [code.tolist()]


def test_a_proposed_architecture_is_trained_where_all_layers_are_one(
    task: TrainingTask, tmp_path: Path
) -> None:
    client = make_client(task.cell, "anasod-random", objectives="valid_error", seed=7)
    (index,) = client.get_next_trials(1)
    trial, proposed = experiment_of(client).trials[index], str(architecture_of(client, index))
    repeated = TrainingRunner(replace(task, layers="repeated"), str(tmp_path / "one"), seed=99)
    assert repeated.run(trial)["architecture"] == proposed
    sampled = TrainingRunner(task, str(tmp_path / "several"), seed=7)
    trial.update_run_metadata(sampled.run(trial))
    assert len(trial.run_metadata["codes"]) == task.network.cells
    with pytest.raises(ArchitectureError):
        architecture_of(client, index)
    assert sampled.run(trial) == trial.run_metadata


def test_another_process_goes_on_from_the_last_epoch(
    task: TrainingTask, encoding: Encoding, tmp_path: Path
) -> None:
    whole = TrainingRunner(task, str(tmp_path / "whole"), seed=2)
    expected = timeless(whole.state(finish(whole, 0, encoding)))
    first = TrainingRunner(task, str(tmp_path / "killed"), seed=2)
    metadata = first.run_trial(0, encoding)
    first.poll_trial(0, metadata)

    stored = json.loads(json.dumps(first.task))
    second = TrainingRunner(stored, str(tmp_path / "killed"), seed=2)
    assert second.poll_trial(0, metadata) is TrialStatus.RUNNING
    assert timeless(second.state(metadata)) == expected[:2]
    third = TrainingRunner(stored, str(tmp_path / "killed"), seed=2)
    assert third.run_trial(0, encoding) == metadata
    assert third.poll_trial(0, metadata) is TrialStatus.COMPLETED
    assert timeless(third.state(metadata)) == expected
    with pytest.raises(RunError):
        TrainingRunner(task, str(tmp_path / "killed"), seed=3).run_trial(0, encoding)


def others(task: TrainingTask) -> dict[str, TrainingTask]:
    """Tasks whose trials have the same codes and seeds, by what differs."""
    return {
        "training": replace(task, training=task.training.with_options(epochs=7)),
        "network": replace(task, network=replace(task.network, channels=6)),
        "data": replace(task, data=replace(task.data, seed=9)),
        "operations": replace(task, operations="mine:OPERATIONS"),
    }


@pytest.mark.parametrize("kind", [TrainingRunner, RayRunner])
def test_trials_of_another_task_are_not_taken_for_its_own(
    task: TrainingTask,
    encoding: Encoding,
    tmp_path: Path,
    kind: type[TrainingRunner] | type[RayRunner],
) -> None:
    finish(TrainingRunner(task, str(tmp_path)), 0, encoding)
    before = (tmp_path / "0000" / "trial.json").read_text()
    for what, other in others(task).items():
        with pytest.raises(RunError, match=f"of another search; what differs: {what} \\(name"):
            kind(other, str(tmp_path)).run_trial(0, encoding)
    assert (tmp_path / "0000" / "trial.json").read_text() == before
    # Whether a task knows its images yet makes no difference, nor what it is trained on.
    fitted = replace(task.fitted(load_data(task.data)), hardware=Hardware(device="auto"))
    again = TrainingRunner(fitted, str(tmp_path))
    assert again.poll_trial(0, again.run_trial(0, encoding)) is TrialStatus.COMPLETED


def test_the_auxiliary_tower_is_not_counted(
    task: TrainingTask, encoding: Encoding, tmp_path: Path
) -> None:
    training = task.training.with_options(epochs=1)
    parameters = []
    for weight in (0.0, 0.4):
        tower = replace(task, training=training.with_options(auxiliary_weight=weight))
        runner = TrainingRunner(tower, str(tmp_path / str(weight)))
        state = runner.state(finish(runner, 0, encoding))
        assert state is not None
        assert state.status == "completed"
        parameters.append(state.costs["parameters"])
    assert parameters[0] == parameters[1] > 0


def test_a_lost_state_does_not_lose_the_epoch(
    task: TrainingTask, encoding: Encoding, tmp_path: Path
) -> None:
    runner = TrainingRunner(task, str(tmp_path))
    metadata = runner.run_trial(0, encoding)
    runner.poll_trial(0, metadata)
    before = (tmp_path / "0000" / "trial.json").read_text()
    runner.poll_trial(0, metadata)
    expected = timeless(runner.state(metadata))
    # As if the process had been killed between the checkpoint and the state.
    (tmp_path / "0000" / "trial.json").write_text(before)
    again = TrainingRunner(task, str(tmp_path))
    assert again.poll_trial(0, metadata) is TrialStatus.RUNNING
    assert timeless(again.state(metadata)) == expected


def local(task: TrainingTask, folder: Path) -> TrainingRunner:
    return TrainingRunner(task, str(folder), tensorboard=False)


@pytest.mark.parametrize(
    "kind", [PercentileEarlyStoppingStrategy, RepeatablePercentileEarlyStoppingStrategy]
)
def test_ax_stops_trials_early(
    task: TrainingTask,
    space: AnasodSearchSpace,
    tmp_path: Path,
    kind: type[PercentileEarlyStoppingStrategy],
) -> None:
    stopping = kind(percentile_threshold=60, min_progression=2, min_curves=2)
    # Few images: many networks guess, and equally bad ones are not worse than each other.
    more = replace(task, data=replace(task.data, images=150))
    orchestrator = search(local(more, tmp_path), space, early_stopping_strategy=stopping)
    orchestrator.run_n_trials(6)
    trials = orchestrator.experiment.trials
    assert [trials[i].status for i in (0, 1)] == [TrialStatus.COMPLETED] * 2
    stopped = {i for i, trial in trials.items() if trial.status is TrialStatus.EARLY_STOPPED}
    assert stopped
    seen = curves(orchestrator.experiment)
    assert {len(seen[i]) for i in stopped} == {2}
    assert {len(seen[i]) for i in set(trials) - stopped} == {3}
    for index in stopped:
        state = TrialState.read(tmp_path / f"{index:04d}")
        assert state is not None
        assert (state.status, len(state.epochs)) == ("stopped", 2)


def test_a_failed_trial_has_its_reason_and_the_search_goes_on(
    task: TrainingTask, space: AnasodSearchSpace, tmp_path: Path
) -> None:
    diverging = replace(
        task, training=task.training.with_options(learning_rate=1e30, gradient_clip=None)
    )
    orchestrator = search(local(diverging, tmp_path), space, tolerated_trial_failure_rate=0.99)
    # Ax reports the rate at the end; until then each failure was followed by the next trial.
    with pytest.raises(FailureRateExceededError):
        orchestrator.run_n_trials(2)
    assert len(orchestrator.experiment.trials) == 2
    for trial in orchestrator.experiment.trials.values():
        assert trial.status is TrialStatus.FAILED
        assert "the training diverged: its loss is nan in epoch" in str(trial.status_reason)


def test_a_bad_image_fails_the_trial(
    task: TrainingTask, encoding: Encoding, tmp_path: Path
) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for n in range(3):
            (tmp_path / "images" / name / f"{n}.png").write_bytes(b"no image")
    data = replace(task.data, dataset="mine", path=str(tmp_path / "images"), images=None)
    runner = TrainingRunner(replace(task, data=data), str(tmp_path / "trials"))
    metadata = runner.run_trial(0, encoding)
    assert runner.poll_trial(0, metadata) is TrialStatus.FAILED
    state = runner.state(metadata)
    assert state is not None
    assert ".png is damaged" in str(state.reason)


def experiment_with(metadata: dict[str, Any], parameters: Encoding) -> Experiment:
    """An experiment with one running trial."""
    client = make_client(cells.get("nasnet"), "anasod-random", objectives="valid_error")
    trial = experiment_of(client).trials[client.attach_trial(parameters)]
    trial.update_run_metadata(metadata)
    return experiment_of(client)


def test_metrics_say_what_is_missing(
    task: TrainingTask, encoding: Encoding, tmp_path: Path
) -> None:
    runner = TrainingRunner(task, str(tmp_path), epochs_per_poll=None, tensorboard=False)
    metadata = runner.run_trial(0, encoding)
    with pytest.raises(ObservationError):
        TrainingMetric("valid_error").fetch(0, metadata)
    trial = experiment_with(metadata, encoding).trials[0]
    assert TrainingMetric("valid_error").fetch_trial_data(trial).unwrap().df.empty
    trial.mark_completed()
    failed = TrainingMetric("valid_error").fetch_trial_data(trial)
    assert "trial 0 has no epoch yet" in str(failed.err)
    assert runner.poll_trial(0, metadata) is TrialStatus.COMPLETED
    epoch, error = TrainingMetric("valid_error").fetch(0, metadata)
    assert (epoch, error) == TrainingMetric("valid_error").curve(0, metadata)[2]
    (weights,) = {value for _, value in TrainingMetric("parameters").curve(0, metadata)}
    assert weights == pytest.approx(
        sum(p.numel() for p in task.build(runner.codes(0, encoding), 0).parameters()), rel=0.2
    )
    with pytest.raises(UnknownNameError):
        TrainingMetric("valid_eror").fetch(0, metadata)


def test_wrong_arguments_are_refused(task: TrainingTask, tmp_path: Path) -> None:
    with pytest.raises(OptionError):
        TrainingRunner(task, str(tmp_path), epochs_per_poll=0)
    with pytest.raises(UnknownNameError):
        TrainingRunner(task, str(tmp_path), "encodings")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="describes no training"):
        TrainingRunner({"benchmark": "table"}, str(tmp_path))
