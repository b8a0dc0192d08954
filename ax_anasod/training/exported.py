"""A trained network with what comes before and after it, to be used by other programs."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from ax_anasod.exceptions import ExportError, OptionError, UnknownNameError
from ax_anasod.files import write_whole
from ax_anasod.networks import Network
from ax_anasod.networks.export import EXPORT_FORMATS, OPSET, ExportFormat, exported, runner
from ax_anasod.training.checkpoint import ROOM_HINT

TOLERANCE: Final = 1e-4
"""Largest difference between the probabilities of an exported network and those of torch."""

_BATCH: Final = 100


class Classifier(nn.Module):
    """Pixels in, probabilities out.

    Args:
        network: Maps normalised images to logits.
        mean: Mean of each channel, in units of the largest pixel value, 255.
        std: Standard deviation of each channel, in units of the largest pixel value, 255.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        device = next(network.parameters()).device
        # A scale in units of pixel values, and one number a channel.
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, 255 * torch.tensor(values, device=device)[:, None, None])

    def normalise(self, pixels: Tensor) -> Tensor:
        """The input of the network, made of pixels ``b x c x h x w`` from 0 to 255."""
        return (pixels - self.mean) / self.std

    def forward(self, pixels: Tensor) -> Tensor:
        """Probabilities ``b x num_classes`` of pixels ``b x c x h x w``, uint8."""
        return torch.softmax(self.network(self.normalise(pixels)), dim=1)


@dataclass(frozen=True)
class Exported:
    """A file that was written, and how it was checked.

    Args:
        path: The file.
        format: ``"onnx"`` or ``"pt2"``.
        bytes: Its size.
        opset: Version of the ONNX operators; None for other formats.
        images: How many images it was checked on.
        difference: The largest difference of a probability from that of torch on these.
    """

    path: Path
    format: ExportFormat
    bytes: int
    opset: int | None
    images: int
    difference: float


def export_classifier(
    classifier: Classifier,
    images: Tensor,
    path: Path,
    file_format: ExportFormat | None,
    metadata: Mapping[str, Any],
) -> Exported:
    """Write a classifier as a file, once that file has been seen to do what torch does.

    Args:
        classifier: The classifier; it is copied.
        images: ``n x c x h x w``, uint8, that both are compared on.
        path: The file.
        file_format: Its format; None tells by the suffix.
        metadata: What else the file holds, see :func:`ax_anasod.networks.export.exported`.

    Raises:
        ExportError: The network cannot be exported, or what was exported says something else.
        OptionError: No image is given.
        OptionalImportError: A package of the extra ``onnx`` is not installed.
        RunError: The file cannot be written.
        UnknownNameError: The format is unknown.
    """
    chosen = file_format or path.suffix.removeprefix(".")
    if chosen not in EXPORT_FORMATS:
        raise UnknownNameError("export format", chosen, EXPORT_FORMATS)
    file_format = chosen
    if not len(images):
        raise OptionError("an exported network is checked on images, got none")
    ours = copy.deepcopy(classifier).cpu().eval()
    ours.network.auxiliary = None  # which only training uses
    content = exported(ours, images[:1].expand(2, -1, -1, -1).contiguous(), file_format, metadata)
    theirs = runner(content, file_format)
    with torch.no_grad():
        difference = max(
            float((theirs(batch) - ours(batch)).abs().max())
            for batch in torch.split(images, _BATCH)
        )
    # Not "more than", which NaN is not.
    if not difference <= TOLERANCE:
        raise ExportError(
            f"the exported network gives other probabilities than torch: they differ by up to "
            f"{difference:.2g}, more than {TOLERANCE:g}",
            "nothing was written; report the operations of the network as a bug",
        )
    write_whole(path, content, ROOM_HINT)
    opset = OPSET if file_format == "onnx" else None
    return Exported(path, file_format, len(content), opset, len(images), difference)
