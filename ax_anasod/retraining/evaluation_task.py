"""The training of a network that was found: a protocol, and what differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final, TypeVar

from ax_anasod.exceptions import OptionError
from ax_anasod.networks import NetworkConfig
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.retraining.search_result import SearchResult
from ax_anasod.settings import Configuration
from ax_anasod.training import (
    DataConfig,
    Hardware,
    SequenceConfig,
    TrainingTask,
    protocol,
    sequence_protocol,
)

Config = TypeVar("Config", bound=Configuration)

# The configuration of the other kind, and what it is for, in words.
_OTHERS: Final[dict[type[Any], tuple[type[Any], str]]] = {
    DataConfig: (SequenceConfig, "sequences of tokens"),
    SequenceConfig: (DataConfig, "images"),
    NetworkConfig: (DecoderConfig, "language models"),
    DecoderConfig: (NetworkConfig, "networks that take images"),
}


def evaluation_task(
    found: SearchResult,
    protocol_name: str = "evaluation",
    *,
    data: Mapping[str, Any] | None = None,
    network: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    hardware: Mapping[str, Any] | None = None,
) -> TrainingTask:
    """Describe the training of a network after a search.

    Source: paper, Section 4.2 and Appendix A.2; with another data set, its transfer to
    CIFAR-100 (Table 5).

    Args:
        found: The result of the search.
        protocol_name: ``"evaluation"``, ``"evaluation+"`` or ``"search"``.
        data: Fields of `DataConfig` or `SequenceConfig` that differ from the search. By default
            all images of the data set are used, and all of a text or as many sequences as a
            search draws of a task; ``path`` is not that of the search where ``dataset`` is given.
        network: Fields of the network's configuration that differ from the search.
        training: Fields of `TrainingConfig` that differ from the protocol.
        hardware: Fields of `Hardware` that differ from the search.

    Raises:
        UnknownNameError: There is no such protocol, data set, device or field.
        OptionError: A number is out of range, or something is for images and the search was on
            sequences, or the reverse.
    """
    task, given = found.task, dict(data or {})
    of_sequences = isinstance(task.data, SequenceConfig)
    if of_sequences and "dataset" in given:
        raise OptionError(f"another data set is for images, and {task.dataset!r} are sequences")
    defaults: dict[str, Any] = {"sequences" if of_sequences else "images": None}
    if "dataset" in given:
        defaults["path"] = None
    protocol_of = sequence_protocol if of_sequences else protocol
    return replace(
        task,
        data=_changed(task.data, {**defaults, **given}, task.dataset),
        network=_changed(task.network, network or {}, task.dataset),
        training=protocol_of(protocol_name, **(training or {})),
        hardware=Hardware.from_dict({**task.hardware.to_dict(), **(hardware or {})}),
    )


def _changed(config: Config, changes: Mapping[str, Any], dataset: str) -> Config:
    """Change fields of a configuration, and name those that only the other kind has."""
    other, whose = _OTHERS[type(config)]
    foreign = {field.name for field in fields(other)} - {field.name for field in fields(config)}
    for name in changes:
        if name in foreign:
            raise OptionError(f"{name} is for {whose}, and the search was on {dataset!r}")
    return config.with_options(**changes)
