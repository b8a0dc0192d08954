"""Training setups: networks on images, or language models on sequences of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, OptionGroup
from ax_anasod.exceptions import OptionError
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.networks.network_config import published_config
from ax_anasod.runs.execution import Execution
from ax_anasod.settings import argument_texts
from ax_anasod.training.training_config import (
    SEQUENCE_DATASETS,
    DataConfig,
    SequenceConfig,
    TrainingConfig,
    protocol,
    sequence_protocol,
)

if TYPE_CHECKING:
    from ax_anasod.cells import Cell
    from ax_anasod.training.pairing import AnyDataConfig, AnyNetworkConfig

_IMAGE_TEXTS: Final = argument_texts(DataConfig)
IMAGES_OR_SEQUENCES: Final = replace(
    opt.IMAGES,
    panel="Images, or sequences of tokens",
    changes={
        **opt.IMAGES.changes,
        "dataset": {
            "metavar": "NAME",
            "help": f"{_IMAGE_TEXTS['dataset']} Sequences of tokens: "
            f"{', '.join(SEQUENCE_DATASETS)}.",
            "show_default": f"digits; with --cell hybrid-lm {SequenceConfig.dataset}",
        },
        "path": {
            **opt.IMAGES.changes["path"],
            "metavar": "PATH",
            "help": f"{_IMAGE_TEXTS['path']} The file of text, in UTF-8.",
        },
    },
)
SEQUENCES: Final = OptionGroup(
    SequenceConfig,
    "Sequences of tokens",
    ("sequences", "length"),
    changes={"sequences": {"show_default": False}},
)
DECODER: Final = OptionGroup(
    DecoderConfig,
    "Sequences of tokens",
    ("width", "heads", "hidden", "repeats", "shift", "window"),
    changes={"shift": {"flag": "--shift/--no-shift"}},
)
# On the digits, which have 8 x 8 pixels, a search of this size takes minutes on a CPU.
_SMALL: Final = {"channels": 8, "cells": 6}
_SHORT: Final = {"epochs": 6, "batch_size": 32}
_OF_BOTH: Final = ("dataset", "path", "seed")


@dataclass(frozen=True)
class TrainingSetup:
    """The networks that a command trains, and their data.

    Args:
        data: The images or sequences.
        network: The skeleton of the networks.
        training: The training of each network.
        small: True if a search takes minutes on a CPU.
    """

    data: AnyDataConfig
    network: AnyNetworkConfig
    training: TrainingConfig
    small: bool


def setup_of(
    cell: Cell,
    data: Given,
    network: Given,
    sequences: Given,
    decoder: Given,
    training: Mapping[str, Any],
) -> TrainingSetup:
    """The setup by the options; a cell of language models has sequences if no data set is named.

    Args:
        cell: The cell.
        data: Fields of `DataConfig`, those of which a `SequenceConfig` has are for both.
        network: Fields of `NetworkConfig`.
        sequences: Further fields of `SequenceConfig`.
        decoder: Fields of `DecoderConfig`.
        training: Fields of `TrainingConfig`.

    Raises:
        OptionError: An option is for the other kind, or out of its range.
    """
    given = dict(data)
    if not given.keys() & {"dataset", "path"} and is_of_decoders(cell):
        given["dataset"] = SequenceConfig.dataset
    if given.get("dataset") not in SEQUENCE_DATASETS:
        images = DataConfig(**given)
        _refuse(SEQUENCES, sequences, "sequences of tokens", images.dataset)
        _refuse(DECODER, decoder, "language models", images.dataset)
        if is_of_decoders(cell):
            raise OptionError(
                f"cell {cell.name!r} is of language models, and the data set {images.dataset!r} is "
                "of images",
                f"sequences of tokens are {', '.join(SEQUENCE_DATASETS)}",
            )
        small = images.dataset == "digits" and images.path is None
        return TrainingSetup(
            images,
            published_config(cell, **{**(_SMALL if small else {}), **network}),
            protocol("search", **{**(_SHORT if small else {}), **training}),
            small,
        )
    of_images = {name: value for name, value in given.items() if name not in _OF_BOTH}
    _refuse(opt.IMAGES, of_images, "images", given["dataset"])
    _refuse(opt.NETWORK, network, "networks that take images", given["dataset"])
    if not is_of_decoders(cell):
        raise OptionError(
            f"{given['dataset']!r} are sequences of tokens, and cell {cell.name!r} is not of "
            "language models",
            "take --cell hybrid-lm",
        )
    config = SequenceConfig(**given, **sequences)
    if config.path is not None:
        from ax_anasod.training.sequence_data import digest_of, read_text_file

        config = replace(config, digest=digest_of(read_text_file(Path(config.path))))
    return TrainingSetup(
        config,
        DecoderConfig(**decoder),
        sequence_protocol("search", **training),
        small=True,
    )


def execution_of(given: Given, device: str, shared_by: int = 1) -> Execution:
    """The execution of the trainings.

    Args:
        given: Fields of `Execution`.
        device: The kind of device of each training.
        shared_by: Number of trainings that share the GPUs by default.

    Raises:
        OptionError: An option is for Ray, and the runner another one.
    """
    if given.get("runner", Execution.runner) == "local":
        for name in ("address", "cpus", "gpus", "retries"):
            if name in given:
                raise OptionError(f"--{name} is for --runner ray")
    elif "gpus" not in given:
        import torch

        uses_gpus = device in ("auto", "cuda") and torch.cuda.is_available()
        gpus = min(torch.cuda.device_count() / shared_by if uses_gpus else 0.0, 1.0)
        return Execution(**{**given, "gpus": gpus})
    return Execution(**given)


def is_of_decoders(cell: Cell) -> bool:
    """Return True if a cell is one of language models."""
    from ax_anasod.networks.sequence_operations import SEQUENCE_OPERATIONS

    return all(operation in SEQUENCE_OPERATIONS for operation in cell.operations)


def _refuse(group: OptionGroup, given: Given, what: str, dataset: str) -> None:
    for name in given:
        raise OptionError(
            f"{group.flags[name]} is for {what}, and the data set is {dataset!r}",
            f"sequences of tokens are {', '.join(SEQUENCE_DATASETS)}",
        )
