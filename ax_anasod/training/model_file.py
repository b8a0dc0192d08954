"""Trained networks as files: everything that is needed to use one again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import AnasodError, OptionError, TrainingError
from ax_anasod.networks import Network, NetworkConfig, OperationFactory, build_network
from ax_anasod.training.checkpoint import read_state, write_state

FORMAT: Final = "ax_anasod model"
VERSION: Final = 1

_KEYS: Final = frozenset(
    {
        "format",
        "version",
        "cell",
        "codes",
        "config",
        "own_operations",
        "weights",
        "classes",
        "mean",
        "std",
        "image_size",
        "metrics",
    }
)


@dataclass(frozen=True)
class TrainedModel:
    """A trained network and what it needs to be used.

    Args:
        network: The network.
        cell: The cell that it was built from.
        codes: ``n x d`` codes, one architecture or one for each layer.
        classes: Name of each class, in the order of the logits.
        mean: Mean of each channel of the images that it learned from, in units of the largest
            pixel value.
        std: Their standard deviation.
        image_size: Height and width of those images, in pixels.
        metrics: What was measured, by name.
        own_operations: Names of operations that are not the built-in ones.
    """

    network: Network
    cell: Cell
    codes: NDArray[np.int64]
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: tuple[int, int]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    own_operations: tuple[str, ...] = ()

    def predict(self, images: Tensor) -> Tensor:
        """Probabilities of the classes.

        Args:
            images: ``b x c x h x w``: uint8 from 0 to 255, or floating from 0 to 1.

        Returns:
            ``b x num_classes`` probabilities, on the device of the network.

        Raises:
            OptionError: If the images have other channels than the network, or other values.
        """
        if images.dtype == torch.uint8:
            images = images.float() / 255
        elif not images.is_floating_point() or (len(images) and images.abs().max() > 1):
            raise OptionError(
                f"images must be uint8 from 0 to 255 or floating from 0 to 1, got {images.dtype} "
                f"up to {float(images.max())}"
            )
        weights = next(self.network.parameters())
        shape = (1, len(self.mean), 1, 1)
        mean = torch.tensor(self.mean, device=weights.device).reshape(shape)
        std = torch.tensor(self.std, device=weights.device).reshape(shape)
        if images.ndim != 4 or images.shape[1] != len(self.mean):
            raise OptionError(
                f"images must be b x {len(self.mean)} x h x w, got {tuple(images.shape)}"
            )
        was_training = self.network.training
        self.network.eval()
        with torch.no_grad():
            logits = self.network((images.to(weights.device) - mean) / std)
        self.network.train(was_training)
        return torch.softmax(logits.float(), dim=1)


def save_model(path: str | Path, model: TrainedModel) -> None:
    """Write a model so that the file is whole or not there.

    Args:
        path: The file, such as ``model.pt``.
        model: The model.

    Raises:
        CellError: If the class of the cell is not registered.
        TrainingError: If the file cannot be written, as on a full disk.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "cell": model.cell.to_dict(),
        "codes": np.asarray(model.codes).tolist(),
        "config": model.network.config.to_dict(),
        "own_operations": list(model.own_operations),
        "weights": {name: w.detach().cpu() for name, w in model.network.state_dict().items()},
        "classes": list(model.classes),
        "mean": list(model.mean),
        "std": list(model.std),
        "image_size": list(model.image_size),
        "metrics": dict(model.metrics),
    }
    try:
        write_state(Path(path), content)
    except TrainingError as error:
        raise TrainingError(error.message, "make room, or choose another folder") from error


def load_model(
    path: str | Path, operations: Mapping[str, OperationFactory] | None = None
) -> TrainedModel:
    """Read a model that `save_model` has written; nothing in the file is executed.

    Args:
        path: The file.
        operations: The operations of the user's own that the network was built with.

    Returns:
        The model, on the CPU and in evaluation mode.

    Raises:
        TrainingError: If the file cannot be read, is damaged or foreign, or comes from a
            later version.
        OptionError: If it needs operations that were not given.
        UnknownNameError: If the class of its cell is not registered.
    """
    path = Path(path)
    content = _content(path)
    own, given = content["own_operations"], dict(operations or {})
    missing = [name for name in own if name not in given]
    if missing:
        raise OptionError(
            f"the model in {path} was built with own operations {missing}",
            "load_model(path, operations={name: factory, ...})",
        )
    cell = cells.from_dict(content["cell"])
    codes = np.array(content["codes"], dtype=np.int64)
    try:
        config = NetworkConfig.from_dict(content["config"])
        network = build_network(cell, codes, config, {name: given[name] for name in own}, seed=0)
        network.load_state_dict(content["weights"])
    except RuntimeError as error:
        raise TrainingError(
            f"the weights in {path} are not those of its architecture",
            "give the operations that it was trained with" if own else None,
        ) from error
    except (AnasodError, TypeError) as error:
        raise TrainingError(f"{path} describes no network: {error}") from error
    height, width = content["image_size"]
    return TrainedModel(
        network=network.eval(),
        cell=cell,
        codes=codes,
        classes=tuple(content["classes"]),
        mean=tuple(content["mean"]),
        std=tuple(content["std"]),
        image_size=(height, width),
        metrics=content["metrics"],
        own_operations=tuple(own),
    )


def _content(path: Path) -> dict[str, Any]:
    hint = "load_model reads what ax-anasod evaluate or save_model has written"
    try:
        content = read_state(path)
    except TrainingError as error:
        raise TrainingError(error.message, hint) from error
    if content.get("format") != FORMAT:
        raise TrainingError(f"{path} is no model of ax_anasod", hint)
    if content.get("version") != VERSION:
        raise TrainingError(
            f"{path} has the version {content.get('version')} of the model format, not {VERSION}",
            "update ax_anasod",
        )
    if set(content) != _KEYS:
        differing = ", ".join(sorted(set(content) ^ _KEYS))
        raise TrainingError(f"{path} is damaged: it lacks, or has too many, of {differing}", hint)
    return content
