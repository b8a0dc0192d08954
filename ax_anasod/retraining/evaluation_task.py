"""The training of a network that was found: a protocol, and what differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ax_anasod.exceptions import OptionError
from ax_anasod.networks import NetworkConfig
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.retraining.found import SearchResult
from ax_anasod.training import (
    DataConfig,
    Hardware,
    SequenceConfig,
    TrainingTask,
    protocol,
    sequence_protocol,
)


def evaluation_task(
    found: SearchResult,
    protocol_name: str = "evaluation",
    *,
    dataset: str | None = None,
    path: Path | None = None,
    images: int | None = None,
    image_size: int | None = None,
    skip_damaged: bool | None = None,
    sequences: int | None = None,
    network: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    hardware: Mapping[str, Any] | None = None,
) -> TrainingTask:
    """What is trained after a search.

    Source: paper, Section 4.2 and Appendix A.2; with another data set, its transfer to
    CIFAR-100 (Table 5).

    Args:
        found: What the search has found.
        protocol_name: ``"evaluation"``, ``"evaluation+"`` or ``"search"``.
        dataset: Name of another data set; that of the search by default.
        path: Its folder, or where the data set of the search lies now.
        images: How many training images are used; all by default, whatever the search used.
        image_size: Height and width that images are resized to; as in the search by default.
        skip_damaged: Whether damaged or missing images are left out; as in the search by default.
        sequences: How many sequences of tokens are learned from, where the search was on these;
            by default all of a text, and as many as a search draws of a task.
        network: Fields of the network's configuration that differ from the search.
        training: Fields of `TrainingConfig` that differ from the protocol.
        hardware: Fields of `Hardware` that differ from the search.

    Raises:
        UnknownNameError: There is no such protocol, data set, device or field.
        OptionError: A number is out of range, or something is for images and the search was on
            sequences, or the reverse.
    """
    task = found.task
    other: type[NetworkConfig | DecoderConfig] = NetworkConfig
    whose = "networks that take images"
    if isinstance(task.network, NetworkConfig):
        other, whose = DecoderConfig, "language models"
    of_other = {field.name for field in fields(other)} - task.network.to_dict().keys()
    for name in network or {}:
        if name in of_other:
            raise OptionError(f"{name} is for {whose}, and the search was on {task.dataset!r}")
    skeleton = type(task.network).from_dict({**task.network.to_dict(), **(network or {})})
    device = Hardware.from_dict({**task.hardware.to_dict(), **(hardware or {})})
    if isinstance(task.data, SequenceConfig):
        of_images = {"images": images, "image_size": image_size, "skip_damaged": skip_damaged}
        for name, value in {"another data set": dataset, **of_images}.items():
            if value is not None:
                raise OptionError(f"{name} is for images, and {task.dataset!r} are sequences")
        where = task.data.path if path is None else str(path)
        return replace(
            task,
            data=replace(task.data, path=where, sequences=sequences),
            network=skeleton,
            training=sequence_protocol(protocol_name, **(training or {})),
            hardware=device,
        )
    if sequences is not None:
        raise OptionError(f"sequences are not of the images {task.dataset!r}")
    data = DataConfig(
        dataset=dataset or task.data.dataset,
        path=str(path) if path is not None else None if dataset else task.data.path,
        images=images,
        validation=task.data.validation,
        image_size=image_size or task.data.image_size,
        seed=task.data.seed,
        skip_damaged=task.data.skip_damaged if skip_damaged is None else skip_damaged,
    )
    return replace(
        task,
        data=data,
        network=skeleton,
        training=protocol(protocol_name, **(training or {})),
        hardware=device,
    )
