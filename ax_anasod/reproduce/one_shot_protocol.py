"""One protocol for all differentiable searches of Table 3, and the methods in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from ax_anasod.cells import Cell
from ax_anasod.compare.contender import label_of
from ax_anasod.dnas import MethodConfig, OneShotConfig, method
from ax_anasod.dnas.methods import TRAINING
from ax_anasod.environment import environment
from ax_anasod.exceptions import UnknownNameError
from ax_anasod.networks import NetworkConfig, published_config
from ax_anasod.training import DataConfig, Hardware, ImageData, TrainingConfig, TrainingTask

SCALES: Final = ("cpu", "paper")

# On 12 x 12 pixels a mixture of this size takes about 40 CPU seconds a search.
_CPU_SIZES: Final = {"channels": 8, "cells": 3}
_CPU_EPOCHS: Final = 12
_CPU_IMAGES: Final = 4000
_CPU_PIXELS: Final = 12
# Published searches on CIFAR-10 have 25,000 images for the weights and as many for p.
_PUBLISHED_IMAGES: Final = 50_000


@dataclass(frozen=True)
class OneShotProtocol:
    """The settings that all methods share, so that nothing but the method differs.

    Args:
        scale: ``"cpu"`` or ``"paper"``.
        data: The images; half of them teach the weights, the other half p.
        network: The skeleton of the supernet.
        hardware: On what each search works; its number of threads decides the last bits.
        epochs: Epochs of each search; None takes each method's published number.
        batch_size: Images of a step.
        operations: Modules of operations of the user's own, see `TrainingTask`.
    """

    scale: str
    data: DataConfig
    network: NetworkConfig
    hardware: Hardware
    epochs: int | None
    batch_size: int
    operations: str | None = None

    @classmethod
    def at_scale(
        cls,
        scale: str,
        cell: Cell,
        *,
        data: Mapping[str, Any] | None = None,
        network: Mapping[str, Any] | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        operations: str | None = None,
        device: str = "auto",
    ) -> Self:
        """The protocol of a scale, with other numbers where they are given.

        ``"cpu"``: 4,000 images of 12 x 12 pixels (scikit-learn's digits keep their 8 x 8),
        8 channels, 3 cells, 12 epochs. ``"paper"``: all images as they are, 16 channels and 15
        cells for NAS-Bench-201, each method's published epochs. Batches of 64 and the
        published learning rate of the weights in both.

        Args:
            scale: ``"cpu"`` or ``"paper"``.
            cell: The cell that is searched.
            data: Fields of `DataConfig` that differ.
            network: Fields of `NetworkConfig` that differ.
            epochs: Epochs of each search.
            batch_size: Images of a step.
            operations: Modules of operations of the user's own, see `TrainingTask`.
            device: The device of each search.

        Raises:
            UnknownNameError: There is no such scale, device or field.
            OptionError: A number is out of its range.
            TrainingError: The device is not there.
        """
        if scale not in SCALES:
            raise UnknownNameError("scale", scale, SCALES)
        images, sizes = dict(data or {}), dict(network or {})
        if scale == "cpu":
            sizes = {**_CPU_SIZES, **sizes}
            epochs = _CPU_EPOCHS if epochs is None else epochs
            pixels = {} if images.get("path") is None else {"image_size": _CPU_PIXELS}
            images = {"images": _CPU_IMAGES, **pixels, **images}
        hardware = Hardware(device, threads=1)
        hardware.check()
        return cls(
            scale=scale,
            data=DataConfig(**{"validation": 0.5, **images}),
            network=published_config(cell, **sizes),
            hardware=hardware,
            epochs=epochs,
            batch_size=int(TRAINING["batch_size"]) if batch_size is None else batch_size,
            operations=operations,
        )

    def task(self, cell: Cell, epochs: int, images: ImageData) -> TrainingTask:
        """The network and the training of a supernet of a number of epochs."""
        training = {**TRAINING, "batch_size": self.batch_size, "epochs": epochs}
        return TrainingTask(
            cell=cell,
            data=self.data,
            network=self.network,
            training=TrainingConfig.from_dict(training),
            hardware=self.hardware,
            layers="repeated",
            operations=self.operations,
        ).fitted(images)


@dataclass(frozen=True)
class OneShotMethod:
    """A method in the table.

    Args:
        name: Its name.
        options: Settings that differ from its published ones.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name of the method in results, in the form of the command line."""
        return label_of(self.name, self.options)

    @property
    def is_scaled(self) -> bool:
        """True if the learning rate of p follows from the number of steps (see `settings`)."""
        chosen = method(self.name, **self.options)
        given = "learning_rate" in self.options or chosen.travel is not None
        return bool(chosen.published_rate) and not given

    def settings(self, protocol: OneShotProtocol, images: ImageData) -> MethodConfig:
        """The settings of the method in a protocol.

        Published searches have 7,800 to 97,500 steps of p, small ones some hundred. The learning
        rate of p is therefore larger, by as much as the steps are fewer, so that p can go as
        far as in the published search. A rate that is given stays, and so does one that
        follows from the number of steps by itself (``travel``).

        Raises:
            UnknownNameError: There is no such method or option.
            OptionError: An option is out of its range.
        """
        chosen = method(self.name, **self.options)
        steps = self.steps(protocol, images)
        if not self.is_scaled or not steps:
            return chosen
        return chosen.with_options(learning_rate=chosen.published_rate / steps)

    def steps(self, protocol: OneShotProtocol, images: ImageData | None = None) -> int:
        """Steps of the weights, and of p where it moves; without images the published ones."""
        chosen = method(self.name, **self.options)
        if images is None:
            number, epochs, size = _PUBLISHED_IMAGES, chosen.epochs, int(TRAINING["batch_size"])
            number = number if chosen.single_level else number // 2
        else:
            number, epochs = len(images.train), protocol.epochs or chosen.epochs
            number += len(images.valid) if chosen.single_level else 0
            size = protocol.batch_size
        return number // size * epochs

    def config(
        self, protocol: OneShotProtocol, cell: Cell, images: ImageData, seed: int
    ) -> OneShotConfig:
        """The search of the method with a seed.

        The search knows nothing of the benchmark by which its result is judged afterwards.
        """
        settings = self.settings(protocol, images)
        return OneShotConfig(
            environment=environment(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            method_name=self.name,
            method=settings,
            task=protocol.task(cell, protocol.epochs or settings.epochs, images),
            seed=seed,
        )
