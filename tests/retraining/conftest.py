"""Searches that have trained, as their folders: written without training, and quick to retrain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ax_anasod.cells import NASNetCell
from ax_anasod.dnas import METHODS, OneShotConfig, OneShotResult
from ax_anasod.journal import Completed, Event, Failed, Started
from ax_anasod.networks import NetworkConfig
from ax_anasod.retraining import BestCells, BestTrial, evaluation_task
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
                        values={"valid_error": error, "valid_loss": 1.0, "parameters": 1e5},
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
def found(run: Path) -> BestTrial:
    """What it has found."""
    return BestTrial.in_run(run)


@pytest.fixture(scope="session")
def short(found: BestTrial) -> TrainingTask:
    """The protocol of evaluation, cut to two epochs on few images."""
    return evaluation_task(found, data={"images": 200}, training={"epochs": 2, "batch_size": 32})


@pytest.fixture(scope="session")
def digits(short: TrainingTask) -> ImageData:
    """Its images."""
    return load_data(short.data, "evaluation")


PROMISING = np.array([[1, 1, 1, 0, 0], [0, 1, 2, 1, 2], [1, 1, 1, 0, 0], [2, 2, 1, 1, 1]])


@pytest.fixture(scope="session")
def one_shot(task: TrainingTask, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a differentiable search; its first cell was drawn twice."""
    folder = tmp_path_factory.mktemp("dnas") / "digits"
    folder.mkdir()
    method = METHODS["anasod-dnas"]
    OneShotConfig("0.1.0", "2026-01-01", "anasod-dnas", method, task, seed=3).write(
        folder / "dnas.json"
    )
    OneShotResult(
        cell=CELL,
        method="anasod-dnas",
        seed=3,
        probabilities=((0.25, 0.75, 0.0),),
        architectures=tuple(CELL.to_strings(PROMISING)),
        scores=(1.0, 1.5, 1.5, 2.0),
        ranked_by="supernet",
    ).write(folder / "found.json")
    return folder


@pytest.fixture(scope="session")
def promising(one_shot: Path) -> BestCells:
    """What it has found."""
    return BestCells.in_search(one_shot)
