"""The measurements of an epoch, the seeds of torch's global generator in it, and a log."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from ax_anasod.exceptions import RunError, TrainingError
from ax_anasod.optional import require

LOSS: Final = "loss"
"""Name of the loss on sequences, in nats."""


@dataclass(frozen=True)
class Epoch:
    """The measurements of one epoch.

    Args:
        epoch: Its number, from 1.
        learning_rate: At its first step.
        train_loss: Mean cross-entropy over the training images as they were augmented, the
            auxiliary tower's left out; of sequences, the mean of those of the batches.
        valid_loss: Mean cross-entropy over the validation images, or over what is asked in the
            validation sequences, in nats.
        valid_error: Share of the validation images that are classified wrongly, or of what is
            asked in sequences, in percent.
        images: How many images or sequences were learned from.
        train_seconds: Wall time of learning, in seconds.
        data_seconds: Share of it in which no network was at work, since the next batch was
            not ready, in seconds.
        valid_seconds: Wall time of measuring, in seconds.
        errors: Of sequences, the errors of their parts by name, in percent.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    valid_loss: float
    valid_error: float
    images: int
    train_seconds: float
    data_seconds: float
    valid_seconds: float
    errors: dict[str, float] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, float]:
        """Objective or reported quantity of the training -> value."""
        if self.errors:
            return {LOSS: self.valid_loss, **self.errors}
        return {"valid_error": self.valid_error, "valid_loss": self.valid_loss}

    @property
    def images_per_second(self) -> float:
        """The number of images or sequences that were learned from in a second."""
        return self.images / self.train_seconds

    @property
    def waiting_for_data(self) -> float:
        """Fraction of the learning time in which the next batch was not ready."""
        return self.data_seconds / self.train_seconds

    @property
    def scalars(self) -> dict[str, float]:
        """The values that TensorBoard and other trackers show of the epoch."""
        return {
            "loss/train": self.train_loss,
            "loss/valid": self.valid_loss,
            "error/valid": self.valid_error,
            "learning_rate": self.learning_rate,
            "images_per_second": self.images_per_second,
            "waiting_for_data": self.waiting_for_data,
        }

    def to_dict(self) -> dict[str, Any]:
        """The measurements as JSON-able data."""
        return asdict(self)


@dataclass(frozen=True)
class Progress:
    """The progress of a training: the part of a checkpoint that is no state of torch.

    Args:
        parts: In how many parts a batch is learned from.
        history: The epochs so far.

    Raises:
        ValueError: ``parts`` is less than 1.
    """

    parts: int
    history: list[Epoch]

    def __post_init__(self) -> None:
        if self.parts < 1:
            raise ValueError(f"a batch in {self.parts} parts")


def epoch_seed(seed: int, epoch: int, purpose: str) -> int:
    """The seed of one epoch's random numbers.

    They follow from the seed of the training and the number of the epoch alone: a training
    that goes on from a checkpoint has no state of any generator to restore, nor to forget.

    Example:
        >>> epoch_seed(0, 3, "data") == epoch_seed(0, 3, "network")
        False
    """
    digest = hashlib.sha256(f"{seed}/{epoch}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global generators, from which drop path and dropout draw, started from a seed.

    Afterwards they are as they were before.

    Args:
        seed: The seed.
        device: The device of the network.
    """
    kind = device.type if device.type != "cpu" else "cuda"
    devices = [] if device.type == "cpu" else [device.index or 0]
    with torch.random.fork_rng(devices=devices, device_type=kind):
        torch.default_generator.manual_seed(seed)
        if device.type != "cpu":
            torch.get_device_module(device).manual_seed(seed)
        yield


def check_loss(loss: float, when: str) -> None:
    """Raise an error if a loss is not finite.

    Raises:
        TrainingError: The loss is not finite.
    """
    if not math.isfinite(loss):
        raise TrainingError(
            f"the training diverged: its loss is {loss} {when}", "lower the learning rate"
        )


class TensorBoardLog:
    """A log in a folder, which ``tensorboard --logdir`` shows.

    Args:
        folder: The folder.
        epochs: How many epochs are in it; what a killed process wrote after them is hidden.

    Raises:
        OptionalImportError: TensorBoard is not installed.
        RunError: The log cannot be written.
    """

    def __init__(self, folder: Path, epochs: int = 0) -> None:
        require("tensorboard", "train")
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        with self._refusing():
            self._writer = SummaryWriter(str(folder), purge_step=epochs + 1 if epochs else None)

    def write(self, epoch: Epoch) -> None:
        """Add one epoch.

        Raises:
            RunError: The log cannot be written.
        """
        self.write_scalars(epoch.scalars, epoch.epoch)

    def write_scalars(self, scalars: Mapping[str, float], epoch: int) -> None:
        """Add named values of an epoch.

        Raises:
            RunError: The log cannot be written.
        """
        with self._refusing():
            for name, value in scalars.items():
                self._writer.add_scalar(name, value, epoch)
            self._writer.flush()

    def close(self) -> None:
        """Close the file.

        Raises:
            RunError: The log cannot be written.
        """
        with self._refusing():
            self._writer.close()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f"the log for TensorBoard in {self._folder} cannot be written: {error.strerror}"
            ) from error
