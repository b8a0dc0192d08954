"""A training whose process is killed in the middle of an epoch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ax_anasod.training import ImageData, TrainingTask, TrialState, TrialTraining, load_data
from tests.conftest import PATIENCE

CHILD = """
import sys
from pathlib import Path
from ax_anasod.training import TrainingTask, TrialState, load_data, train_trial
import json
task = json.loads(Path(sys.argv[1]).read_text())
data = load_data(TrainingTask.from_dict(task["task"]).data)
train_trial(task["task"], task["codes"], 3, sys.argv[2], False, data)
"""


def timeless(state: TrialState) -> list[tuple[float, ...]]:
    return [(e.epoch, e.train_loss, e.valid_loss, e.valid_error) for e in state.epochs]


@pytest.mark.slow
def test_a_killed_training_ends_as_one_that_was_not(task: TrainingTask, tmp_path: Path) -> None:
    import json

    longer = replace(task, training=task.training.with_options(epochs=15, mix="cutmix"))
    data: ImageData = load_data(longer.data)
    codes = longer.example()
    description = tmp_path / "task.json"
    description.write_text(json.dumps({"task": longer.to_dict(), "codes": codes.tolist()}))
    folder = tmp_path / "killed"

    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", CHILD, str(description), str(folder)]
    )
    until = time.monotonic() + PATIENCE
    while (state := TrialState.read(folder)) is None or len(state.epochs) < 2:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
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
