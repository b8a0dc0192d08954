"""Tiny networks on a few digits."""

from __future__ import annotations

from typing import Any

import pytest
from ax.core.experiment import Experiment
from ax.orchestration.orchestrator import Orchestrator, OrchestratorOptions

from ax_anasod import cells, generation_strategy, make_experiment
from ax_anasod.core import AnasodSearchSpace
from ax_anasod.metrics import TrainingMetric
from ax_anasod.networks import NetworkConfig
from ax_anasod.runners.training_base import BaseTrainingRunner
from ax_anasod.training import DataConfig, Hardware, TrainingTask, protocol


@pytest.fixture(scope="session")
def task() -> TrainingTask:
    """Networks of three cells on 60 digits, three epochs: a fraction of a second."""
    return TrainingTask(
        cells.get("nasnet"),
        DataConfig("digits", images=60),
        NetworkConfig(channels=2, cells=3),
        protocol("search", epochs=3, batch_size=16),
        Hardware("cpu"),
    )


@pytest.fixture(scope="session")
def space(task: TrainingTask) -> AnasodSearchSpace:
    return AnasodSearchSpace.from_cell(task.cell)


@pytest.fixture(scope="session")
def encoding(space: AnasodSearchSpace) -> dict[str, Any]:
    return dict(space.parameters_of([0, 1, 1, 2, 2, 1, 1, 2]))


def search(runner: BaseTrainingRunner, space: AnasodSearchSpace, **options: Any) -> Orchestrator:
    """Ax's own loop over encodings that are drawn at random."""
    experiment = make_experiment(
        space, "valid_error", metrics=[TrainingMetric("valid_error")], strategy="anasod-random"
    )
    experiment.runner = runner
    settings: dict[str, Any] = {
        "max_pending_trials": 1,
        "init_seconds_between_polls": 0,
        "min_seconds_before_poll": 0.0,
        **options,
    }
    return Orchestrator(
        experiment,
        generation_strategy.make("anasod-random", space, seed=0),
        options=OrchestratorOptions(**settings),
    )


def curves(experiment: Experiment) -> dict[int, list[float]]:
    """The validation errors after each epoch that Ax knows, by trial."""
    df = experiment.lookup_data().full_df
    return {int(str(i)): rows["mean"].tolist() for i, rows in df.groupby("trial_index")}
