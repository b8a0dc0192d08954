"""The interface between the training loop and the kind of data that a network learns from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from ax_anasod.exceptions import OptionError
from ax_anasod.training.augment import Augmentation, augmented_batches
from ax_anasod.training.hardware import Hardware
from ax_anasod.training.images import ImageData
from ax_anasod.training.predict import loss_and_error, predict_logits
from ax_anasod.training.sequence_data import SequenceData
from ax_anasod.training.sequences import NOT_ASKED, answers, error_of_parts
from ax_anasod.training.step import BatchLoss, ImageLoss
from ax_anasod.training.training_config import TrainingConfig

# Data up to this many bytes are kept in the memory of the device.
_RESIDENT: Final = 4 * 2**30
# Sequences that are measured at a time: logits have a number for each token of the vocabulary.
_AT_A_TIME: Final = 128

TrainingData = ImageData | SequenceData
LogitsOf = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Measured:
    """The measurements on the validation data.

    Args:
        loss: Mean cross-entropy, in nats.
        error: Share of wrong answers, in percent.
        errors: Share of wrong answers in each part of the data, by name, in percent.
    """

    loss: float
    error: float
    errors: Mapping[str, float] = field(default_factory=dict)


class Supervision(Protocol):
    """Batches, loss and measurement for one kind of data; `supervise` chooses it.

    Attributes:
        name: What examples are called.
        about: JSON-able description of the data, by which a checkpoint of other ones is known.
        loss: The loss of a batch.
    """

    name: str
    about: Mapping[str, Any]
    loss: BatchLoss

    def batches(
        self, rows: Sequence[Tensor], generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs of the network and targets, for the rows of each batch."""
        ...

    def logits(self, network: nn.Module, inputs: Tensor | None) -> Tensor:
        """The output of the network for inputs of the data; by default those to validate on."""
        ...

    def measure(self, logits_of: LogitsOf) -> Measured:
        """Measure a network on the validation data.

        Args:
            logits_of: What it says about inputs.
        """
        ...

    def check_fit(self, logits_of: LogitsOf) -> None:
        """Try a network on one example.

        Raises:
            OptionError: The network cannot take it, or gives other logits.
        """
        ...


class ImageSupervision:
    """Images are augmented, and have one class each.

    Args:
        data: The images.
        config: How a network is trained.
        hardware: On what.
        device: Where batches are made.

    Raises:
        OptionError: Crops could miss the image.
        OptionalImportError: A package of the extra ``train`` is not installed.
    """

    name = "images"

    def __init__(
        self, data: ImageData, config: TrainingConfig, hardware: Hardware, device: torch.device
    ) -> None:
        self.about: Mapping[str, Any] = {
            "images": [len(data.train), len(data.valid), data.channels, *data.image_size]
        }
        self.loss: BatchLoss = ImageLoss(config.label_smoothing)
        self._data, self._hardware, self._device = data, hardware, device
        resident = data.train.pixels.numel() + data.valid.pixels.numel() <= _RESIDENT
        self._train = data.train.to(device) if resident else data.train
        self._valid = data.valid.to(device) if resident else data.valid
        mean, std = (values.to(device) for values in data.statistics())
        self._augmentation = Augmentation(
            config, mean, std, data.num_classes, min(data.image_size), data.mirror_images
        )

    def batches(
        self, rows: Sequence[Tensor], generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Augmented images ``n x c x h x w``, and labels ``n`` or shares ``n x num_classes``."""
        return augmented_batches(
            self._train,
            [batch.to(self._train.labels.device) for batch in rows],
            self._augmentation,
            generator,
            self._device,
            self._hardware.memory_format,
        )

    def logits(self, network: nn.Module, inputs: Tensor | None) -> Tensor:
        """Logits ``n x num_classes`` of images ``n x c x h x w``, uint8."""
        return predict_logits(
            network,
            self._valid.pixels if inputs is None else inputs,
            self._augmentation.normalise,
            self._device,
            channels_last=self._hardware.channels_last,
        )

    def measure(self, logits_of: LogitsOf) -> Measured:
        """Loss and error on the validation images."""
        return Measured(*loss_and_error(logits_of(self._valid.pixels), self._valid))

    def check_fit(self, logits_of: LogitsOf) -> None:
        """Try a network on one image.

        Raises:
            OptionError: The network cannot take it, or gives another number of logits.
        """
        data = self._data
        try:
            logits = logits_of(data.train.pixels[:1])
        except (RuntimeError, ValueError) as error:
            raise OptionError(
                f"the network cannot take the {data.channels}-channel images of {data.name!r}, "
                f"{data.image_size[0]} x {data.image_size[1]} pixels: {str(error).splitlines()[0]}"
            ) from error
        if logits.shape != (1, data.num_classes):
            raise OptionError(
                f"the network gives {tuple(logits.shape[1:])} logits, but {data.name!r} has "
                f"{data.num_classes} classes"
            )


class SequenceSupervision:
    """Sequences of tokens are learned as they are; what is asked after a token is a token.

    Args:
        data: The sequences.
        config: How a network is trained.
        device: Where batches are made.
    """

    name = "sequences"

    def __init__(self, data: SequenceData, config: TrainingConfig, device: torch.device) -> None:
        sizes = [len(data.train), len(data.valid), data.length, data.vocabulary]
        self.about: Mapping[str, Any] = {"sequences": [*sizes, data.digest]}
        self.loss: BatchLoss = SequenceLoss(config.label_smoothing)
        self._data, self._device = data, device
        resident = 2 * (data.train.tokens.nbytes + data.valid.tokens.nbytes) <= _RESIDENT
        self._train = data.train.to(device) if resident else data.train
        self._valid = data.valid.to(device) if resident else data.valid

    def batches(
        self, rows: Sequence[Tensor], generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Tokens and targets, ``n x length`` each."""
        for batch in rows:
            examples = self._train.subset(batch.to(self._train.tokens.device)).to(self._device)
            yield examples.tokens, examples.targets

    def logits(self, network: nn.Module, inputs: Tensor | None) -> Tensor:
        """Logits ``n x length x vocabulary`` of tokens ``n x length``."""
        tokens = self._valid.tokens if inputs is None else inputs
        return predict_logits(network, tokens, lambda batch: batch, self._device, _AT_A_TIME)

    def measure(self, logits_of: LogitsOf) -> Measured:
        """Loss and errors on the validation sequences, over all that is asked there."""
        parts = zip(
            torch.split(self._valid.tokens, _AT_A_TIME),
            torch.split(self._valid.targets.to(self._device), _AT_A_TIME),
            strict=True,
        )
        answered = torch.cat([answers(logits_of(tokens), targets) for tokens, targets in parts])
        loss, wrong, asked = answered.sum(dim=0).tolist()
        asked = max(asked, 1.0)
        part = self._valid.part.to(self._device)
        errors = error_of_parts(answered, part, self._data.parts)
        return Measured(loss / asked, 100 * wrong / asked, errors)

    def check_fit(self, logits_of: LogitsOf) -> None:
        """Try a network on one sequence.

        Raises:
            OptionError: The network cannot take it, or gives another number of logits.
        """
        data = self._data
        try:
            logits = logits_of(data.train.tokens[:1])
        except (IndexError, RuntimeError, ValueError) as error:
            raise OptionError(
                f"the network cannot take the sequences of {data.name!r}, {data.length} of "
                f"{data.vocabulary:,} tokens: {str(error).splitlines()[0]}"
            ) from error
        if logits.shape != (1, data.length, data.vocabulary):
            raise OptionError(
                f"the network gives logits of shape {tuple(logits.shape[1:])}, but {data.name!r} "
                f"has {data.length} x {data.vocabulary:,}"
            )


class SequenceLoss:
    """The mean cross-entropy in nats over what was asked.

    Args:
        label_smoothing: Share of the target that is spread over all tokens.
    """

    def __init__(self, label_smoothing: float) -> None:
        self._label_smoothing = label_smoothing

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss of logits ``n x length x vocabulary`` and targets ``n x length``."""
        total = functional.cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(),
            ignore_index=NOT_ASKED,
            label_smoothing=self._label_smoothing,
            reduction="sum",
        )
        return total / self.weight(targets)

    def weight(self, targets: Tensor) -> Tensor:
        """The number of tokens that are asked for, at least 1."""
        return (targets != NOT_ASKED).sum().clamp_min(1)


def supervise(
    data: TrainingData,
    config: TrainingConfig,
    hardware: Hardware,
    device: torch.device,
) -> Supervision:
    """The supervision of a training on these data; arguments and errors as in the classes."""
    if isinstance(data, SequenceData):
        return SequenceSupervision(data, config, device)
    return ImageSupervision(data, config, hardware, device)
