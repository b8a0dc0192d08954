"""A run that has trained, as its folder: written without training, and quick to train for good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ax_anasod.cells import NASNetCell
from ax_anasod.journal import Completed, Event, Failed, Started
from ax_anasod.networks import NetworkConfig
from ax_anasod.retraining import Found, evaluation_task
from ax_anasod.runs import RunFolder, plan_run
from ax_anasod.training import DataConfig, Hardware, ImageData, TrainingTask, load_data, protocol

CELL = NASNetCell(["skip_connect", "sep_conv_3x3", "max_pool_3x3"], num_nodes=2)
COUNTS = np.array([1, 2, 1])


@pytest.fixture(scope="session")
def task() -> TrainingTask:
    """Small networks on few of the digits."""
    return TrainingTask(
        cell=CELL,
        data=DataConfig("digits", images=200),
        network=NetworkConfig(channels=2, cells=3, in_channels=1),
        training=protocol("search", epochs=1, batch_size=32),
        hardware=Hardware("cpu"),
    )


WriteRun = Callable[[Path, TrainingTask, list[float | None]], Path]


@pytest.fixture(scope="session")
def write_run() -> WriteRun:
    """Writes the folder of a run with these validation errors; None is a failed trial."""

    def write(folder: Path, task: TrainingTask, errors: list[float | None]) -> Path:
        encoding = dict(zip(task.cell.operations, COUNTS.tolist(), strict=True))
        config = plan_run(task, "anasod-random", trials=max(len(errors), 1), seed=3)
        with RunFolder.create(folder, config) as run:
            for trial, error in enumerate(errors):
                codes = task.draw(COUNTS, np.random.default_rng(trial))
                end: Event = Failed(trial, "it diverged", encoding, 1.0)
                if error is not None:
                    end = Completed(
                        trial=trial,
                        values={"valid_error": error, "valid_loss": 1.0, "parameters": 0.1},
                        architecture=" ; ".join(task.cell.to_strings(codes)),
                        encoding=encoding,
                        cost_seconds=None,
                        seconds=1.0,
                    )
                run.journal.append(Started(trial, trial, {}, "sobol", "generator"), end)
        return folder

    return write


@pytest.fixture(scope="session")
def run(task: TrainingTask, write_run: WriteRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose second trial is the best."""
    return write_run(tmp_path_factory.mktemp("runs") / "digits", task, [30.0, 20.0, None, 20.0])


@pytest.fixture(scope="session")
def found(run: Path) -> Found:
    """What it has found."""
    return Found.in_run(run)


@pytest.fixture(scope="session")
def short(found: Found) -> TrainingTask:
    """The protocol of evaluation, cut to two epochs on few images."""
    return evaluation_task(found, images=200, training={"epochs": 2, "batch_size": 32})


@pytest.fixture(scope="session")
def digits(short: TrainingTask) -> ImageData:
    """Its images."""
    return load_data(short.data, "evaluation")
