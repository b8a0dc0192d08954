"""Tiny networks on a few digits."""

from __future__ import annotations

from typing import Any

import pytest

from ax_anasod import cells
from ax_anasod.core import AnasodSearchSpace
from ax_anasod.networks import NetworkConfig
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
