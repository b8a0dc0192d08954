"""A damaged image, met by Ax's own loop: the trial has failed, and the search goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ax.core.trial_status import TrialStatus
from PIL import Image

from ax_anasod.core import AnasodSearchSpace
from ax_anasod.runners import RayRunner, TrainingRunner
from ax_anasod.training import TrainingTask
from tests.runners.conftest import curves, search


def write_images(folder: Path) -> None:
    """Eight images in each of two classes."""
    for label, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(8):
            pixels = np.full((8, 8, 3), 100 * label + number, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


@pytest.mark.parametrize("kind", ["local", pytest.param("ray", marks=pytest.mark.slow)])
def test_the_trial_has_failed_and_the_search_goes_on(
    task: TrainingTask, space: AnasodSearchSpace, tmp_path: Path, kind: str
) -> None:
    write_images(tmp_path / "images")
    damaged = tmp_path / "images" / "cat" / "3.png"
    damaged.write_bytes(b"no image")
    images = replace(task.data, dataset="mine", path=str(tmp_path / "images"), images=None)
    small = replace(task, data=images, training=task.training.with_options(batch_size=4))
    trials_folder = str(tmp_path / "trials")
    runner: TrainingRunner | RayRunner
    if kind == "local":
        runner = TrainingRunner(small, trials_folder, tensorboard=False)
    else:
        pytest.importorskip("ray", reason="the extra ray is not installed")
        runner = RayRunner(small, trials_folder, tensorboard=False)
    poll = {"min_seconds_before_poll": 0.0 if kind == "local" else 0.1}
    orchestrator = search(runner, space, tolerated_trial_failure_rate=0.99, **poll)
    trials = orchestrator.experiment.trials
    try:
        for _ in orchestrator.run_trials_and_yield_results(max_trials=2):
            if trials[0].status is TrialStatus.FAILED:
                write_images(tmp_path / "images")
    finally:
        runner.close()
    assert [trial.status for trial in trials.values()] == [
        TrialStatus.FAILED,
        TrialStatus.COMPLETED,
    ]
    assert f"the image {damaged} is damaged (8 bytes" in str(trials[0].status_reason)
    assert list(curves(orchestrator.experiment)) == [1]
