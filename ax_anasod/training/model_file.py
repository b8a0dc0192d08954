"""Trained networks as files: everything that is needed to use one again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ax_anasod.cells import Cell
from ax_anasod.exceptions import DataError, OptionError, RunError
from ax_anasod.networks import Network, NetworkConfig, build_network
from ax_anasod.networks.export import ExportFormat
from ax_anasod.training.decoder_file import DecoderContent, TrainedDecoder, read_decoder
from ax_anasod.training.exported import Classifier, Exported, export_classifier
from ax_anasod.training.image_decoding import decoded, resized
from ax_anasod.training.images import ImageData
from ax_anasod.training.predict import predict_logits
from ax_anasod.training.stored_model import (
    DECODER_FORMAT,
    FORMAT,
    HINT,
    Description,
    read_description,
    read_model,
    with_weights,
    write_model,
)
from ax_anasod.training.trees import read_files
from ax_anasod.typing import Codes

_LUMA: Final = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class TrainedModel:
    """A trained network and what it needs to be used.

    Args:
        network: The network.
        cell: The cell that it was built from.
        codes: ``n x d`` codes, one architecture or one for each layer.
        dataset: Name of the data set that it learned from.
        classes: Name of each class, in the order of the logits.
        mean: Mean of each channel of the images that it learned from, in units of the largest
            pixel value, 255.
        std: Their standard deviation.
        image_size: Height and width of those images, in pixels.
        metrics: What was measured, by name; JSON-able.
        own_operations: Names of operations of the user's own that it was built with.
    """

    network: Network
    cell: Cell
    codes: Codes
    dataset: str
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: tuple[int, int]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    own_operations: tuple[str, ...] = ()

    @classmethod
    def from_training(
        cls,
        network: Network,
        cell: Cell,
        codes: Codes,
        data: ImageData,
        metrics: Mapping[str, Any],
        own_operations: tuple[str, ...] = (),
    ) -> TrainedModel:
        """A network that has learned from these images; see the arguments of the class."""
        mean, std = (tuple(values.tolist()) for values in data.statistics())
        return cls(
            network,
            cell,
            codes,
            data.name,
            data.classes,
            mean,
            std,
            data.image_size,
            metrics,
            own_operations,
        )

    def predict(self, images: Tensor) -> Tensor:
        """Probabilities of the classes.

        Images of another size than `image_size` are resized to it, as ``--image-size`` does for
        training.

        Args:
            images: ``b x c x h x w``, uint8 from 0 to 255.

        Returns:
            ``b x num_classes`` probabilities, on the device of the network.

        Raises:
            OptionError: If the images have another type or other channels.
        """
        self._check(images)
        classifier = self.module()
        images, device = resized(images, self.image_size), classifier.mean.device
        logits = predict_logits(self.network, images, classifier.normalise, device)
        return torch.softmax(logits, dim=1)

    def read_image(self, path: str | Path) -> Tensor:
        """An image file as `predict` takes it.

        Colours become grey where the network learned from grey images, weighed as Pillow's mode
        ``L`` does (ITU-R BT.601).

        Args:
            path: The file.

        Returns:
            ``1 x c x h x w`` of `image_size`, uint8.

        Raises:
            DataError: The file is missing or damaged, or has more than 8 bits a channel.
            OptionalImportError: Pillow is not installed.
        """
        path, (height, width) = Path(path), self.image_size
        contents = read_files(path.parent, [path.name])
        ((_, pixels),) = decoded(contents, height if height == width else None)
        if isinstance(pixels, DataError):
            raise pixels
        if len(self.mean) == 1:
            pixels = np.rint(pixels @ _LUMA).astype(np.uint8)[..., None]
        image = torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]
        return resized(image, self.image_size)

    def module(self) -> Classifier:
        """The network with its preprocessing, as a ``torch.nn.Module``.

        It maps images ``b x c x h x w`` of `image_size`, uint8 from 0 to 255, to probabilities
        ``b x num_classes``, and shares its weights with `network`.
        """
        return Classifier(self.network, self.mean, self.std)

    def export(
        self, path: str | Path, images: Tensor, file_format: ExportFormat | None = None
    ) -> Exported:
        """Write the network with its preprocessing as a file that needs no ax_anasod.

        The file maps images ``b x c x h x w`` of `image_size`, uint8 from 0 to 255, to
        probabilities; b is free. It names the classes, and says where the network comes from.
        ONNX has the operators of version 18. Nothing is written unless the probabilities of the
        file are those of torch to within 1e-4.

        Args:
            path: The file.
            images: Real images to check that on, as for `predict`.
            file_format: ``"onnx"`` or ``"pt2"`` (:func:`torch.export.load`); by default what the
                suffix of the file says.

        Raises:
            ExportError: An operation of the network cannot be exported, or the file gives other
                probabilities.
            OptionError: The images have another type or other channels.
            OptionalImportError: A package of the extra ``onnx`` is not installed.
            RunError: The file cannot be written.
            UnknownNameError: The format is unknown.
        """
        self._check(images)
        metadata = {
            "classes": list(self.classes),
            "dataset": self.dataset,
            "image_size": list(self.image_size),
            "mean": list(self.mean),
            "std": list(self.std),
            "architectures": self.cell.to_strings(self.codes),
        }
        pixels = resized(images, self.image_size)
        return export_classifier(self.module(), pixels.cpu(), Path(path), file_format, metadata)

    def _check(self, images: Tensor) -> None:
        """Raise an error for images of another type or with other channels."""
        if not isinstance(images, Tensor) or images.dtype != torch.uint8:
            got = images.dtype if isinstance(images, Tensor) else f"a {type(images).__name__}"
            raise OptionError(
                f"images must be a torch.Tensor of type uint8, from 0 to 255, got {got}"
            )
        channels = len(self.mean)
        if images.ndim != 4 or images.shape[1] != channels or 0 in images.shape[2:]:
            raise OptionError(f"images must be b x {channels} x h x w, got {tuple(images.shape)}")


def save_model(path: str | Path, model: TrainedModel | TrainedDecoder) -> None:
    """Write a model so that the file is whole or not there.

    Args:
        path: The file, such as ``model.pt``.
        model: The model.

    Raises:
        CellError: If the class of the cell is not registered.
        RunError: If the file cannot be written, as on a full disk.
    """
    if isinstance(model, TrainedDecoder):
        write_model(Path(path), DECODER_FORMAT, DecoderContent, model)
    else:
        write_model(Path(path), FORMAT, _Content, model)


def load_model(
    path: str | Path, operations: Mapping[str, Any] | None = None
) -> TrainedModel | TrainedDecoder:
    """Read a model that `save_model` has written; nothing in the file is executed.

    Args:
        path: The file.
        operations: The operations of the user's own that the network was built with.

    Returns:
        The model, on the CPU and in evaluation mode: a :class:`TrainedModel` for images, a
        :class:`ax_anasod.training.TrainedDecoder` for sequences of tokens.

    Raises:
        RunError: If the file cannot be read, is damaged or foreign, or comes from a later
            version.
        OptionError: The network needs operations that were not given.
    """
    path = Path(path)
    stored, weights = read_model(path)
    if stored["format"] == DECODER_FORMAT:
        return read_decoder(path, stored, weights, operations)
    content, cell, codes, config, own = read_description(
        path, stored, _Content, NetworkConfig.from_dict, lambda config: config.cells, operations
    )
    network = with_weights(
        path,
        weights,
        lambda device: build_network(cell, codes, config, own, seed=0, device=device),
        own=bool(own),
    )
    channels = len(content.mean)
    if not (
        channels == len(content.std) == config.in_channels
        and len(content.classes) == config.num_classes
        and min(content.std, default=0) > 0
        and len(content.image_size) == 2
        and min(content.image_size) > 0
    ):
        raise RunError(f"{path} describes images that do not fit its network", HINT)
    return TrainedModel(network, cell, codes, **content.about)


@dataclass(frozen=True)
class _Content(Description):
    """The content of a file of a model for images, but for the weights."""

    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: tuple[int, ...]
