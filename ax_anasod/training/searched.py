"""The numbers of a training and its network that can be searched beside the cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.networks import NetworkConfig
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.settings import argument_types
from ax_anasod.training.task import TrainingTask
from ax_anasod.training.training_config import TrainingConfig

REFUSED: Final[Mapping[str, str]] = {
    "epochs": "trainings of different lengths are not compared, and the longest would win",
    "retry_out_of_memory": "it changes no result",
    "skeleton": "the operations of a cell are built for one",
    "num_classes": "the images say it",
    "in_channels": "the images say it",
    "auxiliary": "auxiliary_weight says it",
    "vocabulary": "the sequences say it",
}
"""Fields that cannot be searched, and why."""


def searchable() -> dict[str, Any]:
    """The fields that can be searched -> their types: of networks, then of the training."""
    found: dict[str, Any] = {}
    for config in (NetworkConfig, DecoderConfig, TrainingConfig):
        types = argument_types(config)
        found |= {field.name: types[field.name] for field in fields(config)}
    return {name: kind for name, kind in found.items() if name not in REFUSED}


def check_searchable(name: str) -> None:
    """Check that a field can be searched.

    Raises:
        OptionError: The field cannot be searched; the reason is given.
        UnknownNameError: There is no field of this name.
    """
    if name in REFUSED:
        raise OptionError(f"{name} cannot be searched: {REFUSED[name]}")
    if name not in searchable():
        raise UnknownNameError("number of a training or its network", name, searchable())


def changes_network(names: Iterable[str]) -> bool:
    """Return True if networks, and their costs, depend on one of these fields."""
    trained = {field.name for field in fields(TrainingConfig)} - {"auxiliary_weight"}
    return not trained.issuperset(names)


def with_values(task: TrainingTask, values: Mapping[str, Any]) -> TrainingTask:
    """The task with other numbers.

    Args:
        task: The task, whose images are known.
        values: Field of :class:`TrainingConfig` or of the network's configuration -> value.

    Raises:
        OptionError: A field cannot be searched, or its value is out of its range.
        UnknownNameError: There is no field of a name.
    """
    if not values:
        return task
    for name in values:
        check_searchable(name)
    trained = {field.name for field in fields(TrainingConfig)}
    own = {n: v for n, v in values.items() if n in trained}
    others = {n: v for n, v in values.items() if n not in own}
    for name in others:
        if not hasattr(task.network, name):
            possible = [n for n in searchable() if n in trained or hasattr(task.network, n)]
            raise UnknownNameError(f"number of networks for {task.dataset!r}", name, possible)
    training = replace(task.training, **own)
    if isinstance(task.network, DecoderConfig):
        return replace(task, training=training, network=replace(task.network, **others))
    network = replace(task.network, **others, auxiliary=training.auxiliary_weight > 0)
    return replace(task, training=training, network=network)
