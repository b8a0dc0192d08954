"""Numbers of a training and its network that are searched beside the cell."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from ax_anasod import cells
from ax_anasod.exceptions import AnasodError
from ax_anasod.networks import NetworkConfig
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.training import TrainingTask
from ax_anasod.training.hardware import Hardware
from ax_anasod.training.searched import REFUSED, changes_network, searchable, with_values
from ax_anasod.training.training_config import DataConfig, TrainingConfig

TASK = TrainingTask(
    cell=cells.get("nasnet"),
    data=DataConfig(),
    network=NetworkConfig(channels=8, cells=6),
    training=TrainingConfig(),
    hardware=Hardware(),
)


def test_every_field_is_searched_or_refused_with_why() -> None:
    kinds = (NetworkConfig, DecoderConfig, TrainingConfig)
    names = {field.name for kind in kinds for field in fields(kind)}
    assert names == {*searchable(), *REFUSED}


@pytest.mark.parametrize(
    ("names", "changes"),
    [
        ([], False),
        (["learning_rate", "batch_size"], False),
        (["learning_rate", "channels"], True),
        (["auxiliary_weight"], True),
    ],
)
def test_networks_depend_on_their_own_numbers_only(names: list[str], changes: bool) -> None:
    assert changes_network(names) is changes


def test_a_trial_has_its_own_numbers() -> None:
    changed = with_values(TASK, {"learning_rate": 0.5, "channels": 4, "auxiliary_weight": 0.4})
    assert (changed.training.learning_rate, changed.network.channels) == (0.5, 4)
    assert changed.network.auxiliary
    assert changed.training.weight_decay == TASK.training.weight_decay
    assert with_values(TASK, {}) is TASK
    # Of the two, the one that rises over the training.
    assert with_values(TASK, {"drop_path": 0.2}).training.drop_path == 0.2


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"epochs": 3}, "epochs cannot be searched: trainings of different lengths"),
        ({"skeleton": "nasnet"}, "built for one"),
        ({"learning_rte": 0.1}, "learning_rte"),
        ({"channels": 0}, "channels must be at least 1"),
    ],
)
def test_other_numbers_are_refused(values: dict[str, Any], found: str) -> None:
    with pytest.raises(AnasodError, match=found):
        with_values(TASK, values)
