"""Pairs of data and networks that belong together: images, or sequences of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError, TrainingError, UnknownNameError
from ax_anasod.networks import NetworkConfig
from ax_anasod.networks.decoder import Decoder, build_decoder
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.networks.sequence_operations import SequenceOperation
from ax_anasod.objectives import PERCENT, Objective
from ax_anasod.training.costs import CACHE, COSTS
from ax_anasod.training.epoch import LOSS
from ax_anasod.training.latency import LATENCY
from ax_anasod.training.sequence_data import SequenceData
from ax_anasod.training.step import is_out_of_memory
from ax_anasod.training.supervision import TrainingData
from ax_anasod.training.training_config import (
    IMAGES_ONLY,
    DataConfig,
    SequenceConfig,
    TrainingConfig,
)
from ax_anasod.typing import Codes

AnyDataConfig = DataConfig | SequenceConfig
AnyNetworkConfig = NetworkConfig | DecoderConfig

_OF_IMAGES: Final = (Objective("valid_error", PERCENT), Objective("valid_loss", "nats"))


def measured_on(data: AnyDataConfig) -> tuple[Objective, ...]:
    """The quantities that are measured after each epoch; the first is searched by default."""
    if isinstance(data, DataConfig):
        return _OF_IMAGES
    errors = (Objective(f"{part}_error", PERCENT) for part in data.parts)
    return (Objective(LOSS, "nats"), *errors)


def check_pair(
    data: AnyDataConfig, network: AnyNetworkConfig, training: TrainingConfig, names: Sequence[str]
) -> None:
    """Raise an error if something for images is given with sequences, or the reverse.

    Args:
        data: Which data.
        network: The skeleton.
        training: How it is trained.
        names: What is minimised or recorded: costs of a network, or what is measured on sequences.

    Raises:
        OptionError: Something is for the other kind.
        UnknownNameError: A cost or measurement is unknown.
    """
    sequences = isinstance(data, SequenceConfig)
    known = [*COSTS, *(o.name for o in measured_on(data) if sequences)]
    for name in names:
        if name not in known:
            raise UnknownNameError("cost of a network", name, known)
    if sequences != isinstance(network, DecoderConfig):
        kinds = ("sequences", "NetworkConfig") if sequences else ("images", "DecoderConfig")
        raise OptionError(
            f"{data.dataset!r} are {kinds[0]}, but the networks are of a {kinds[1]}",
            "a DecoderConfig is for a SequenceConfig, a NetworkConfig for a DataConfig",
        )
    wrong = LATENCY if sequences else CACHE
    if wrong in names:
        raise OptionError(
            f"{wrong} is a cost of networks for {'images' if sequences else 'sequences'}, not of "
            f"those for {data.dataset!r}"
        )
    for name in IMAGES_ONLY if sequences else ():
        if getattr(training, name) != getattr(TrainingConfig, name):
            raise OptionError(f"{name} is for images, and {data.dataset!r} are sequences")


def image_network(network: AnyNetworkConfig) -> NetworkConfig:
    """The skeleton of networks for images.

    Raises:
        OptionError: The skeleton is one of language models.
    """
    if isinstance(network, DecoderConfig):
        raise OptionError("this is for networks that take images, not for language models")
    return network


def image_data(data: AnyDataConfig) -> DataConfig:
    """The images.

    Raises:
        OptionError: The data are sequences.
    """
    if isinstance(data, SequenceConfig):
        raise OptionError(f"this is for images, and {data.dataset!r} are sequences of tokens")
    return data


def fitted_network(
    network: AnyNetworkConfig, training: TrainingConfig, data: TrainingData
) -> AnyNetworkConfig:
    """The skeleton with the classes and channels of images, or the vocabulary of sequences."""
    if isinstance(network, DecoderConfig):
        assert isinstance(data, SequenceData)
        return replace(network, vocabulary=data.vocabulary)
    assert not isinstance(data, SequenceData)
    return replace(
        network,
        num_classes=data.num_classes,
        in_channels=data.channels,
        auxiliary=training.auxiliary_weight > 0,
    )


def decoder_of(
    cell: Cell,
    codes: Codes,
    config: DecoderConfig,
    operations: Mapping[str, SequenceOperation] | None,
    seed: int,
    device: str = "cpu",
) -> Decoder:
    """The language model of ``n x d`` codes, one or as many as there are repeats.

    Raises:
        AnasodError: The blocks of the cell are no chain, or an operation has no module.
    """
    layers = [cell.architecture(code) for code in cell.validate_codes(codes)]
    given = layers if len(layers) > 1 else layers[0]
    return build_decoder(given, config, operations, seed=seed, device=device)


@contextmanager
def enough_memory(network: AnyNetworkConfig) -> Iterator[None]:
    """Raise an error of our own where the weights of a network do not fit into the memory.

    Raises:
        TrainingError: The weights do not fit into the memory of the device.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        of_images = isinstance(network, NetworkConfig)
        sizes = ("channels", "cells") if of_images else ("width", "repeats")
        named = " and ".join(f"{name} = {getattr(network, name)}" for name in sizes)
        raise TrainingError(
            f"the weights of a network with {named} do not fit the memory", "take fewer of either"
        ) from error
