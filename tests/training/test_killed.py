"""A training whose process is killed in the middle of an epoch."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from ax_anasod.training import (
    ImageData,
    TrainingTask,
    TrialState,
    TrialTraining,
    load_data,
    train_trial,
)
from tests.conftest import PATIENCE


def timeless(state: TrialState) -> list[tuple[float, ...]]:
    return [(e.epoch, e.train_loss, e.valid_loss, e.valid_error) for e in state.epochs]


@pytest.mark.slow
def test_a_killed_training_ends_as_one_that_was_not(
    task: TrainingTask, server: ForkServerContext, tmp_path: Path
) -> None:
    longer = replace(task, training=task.training.with_options(epochs=15, mix="cutmix"))
    data: ImageData = load_data(longer.data)
    codes = longer.example()
    folder = tmp_path / "killed"

    arguments = (longer.to_dict(), codes.tolist(), 3, str(folder), False, data)
    process = server.Process(target=train_trial, args=arguments)
    process.start()
    until = time.monotonic() + PATIENCE
    while (state := TrialState.read(folder)) is None or len(state.epochs) < 2:
        assert process.is_alive()
        assert time.monotonic() < until
        time.sleep(0.02)
    process.kill()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    killed = TrialState.read(folder)
    assert killed is not None
    assert killed.status == "running"
    assert 2 <= len(killed.epochs) < 15

    ended = TrialTraining(longer, codes, 3, folder, tensorboard=False).advance(data, None)
    whole = TrialTraining(longer, codes, 3, tmp_path / "whole", tensorboard=False)
    assert timeless(ended) == timeless(whole.advance(data, None))
    assert ended.status == "completed"


def test_the_checkpoint_of_a_trial_that_has_ended_goes_away(
    task: TrainingTask, tmp_path: Path
) -> None:
    ended = TrialTraining(task, task.example(), 3, tmp_path, tensorboard=False)
    # Killed between the two: the state is on the disk, the checkpoint still there.
    (tmp_path / "checkpoint.pt").write_bytes(b"weights")
    ended.state = replace(ended.state, status="completed")
    ended.state.write(tmp_path)
    TrialTraining(task, task.example(), 3, tmp_path, tensorboard=False)
    assert [file.name for file in tmp_path.iterdir()] == ["trial.json"]
