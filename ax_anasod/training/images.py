"""Labelled images in memory, decoded once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from ax_anasod.exceptions import DataError

DAMAGED: Final = "images that are damaged or missing"
HELPERS: Final = "hidden or helper files"
NO_IMAGES: Final = "files that are no images"
REPLACED: Final = "members of a tar file that a later one of the same name replaces"
BESIDE: Final = "files or folders beside the splits"


@dataclass(frozen=True)
class Images:
    """Labelled images of one size.

    Args:
        pixels: ``n x c x h x w``, uint8.
        labels: ``n`` class numbers, int64.
    """

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> Images:
        """The images with these indices (``m``), in their order."""
        return Images(self.pixels[indices], self.labels[indices])

    def joined(self, other: Images) -> Images:
        """These images, then the others."""
        return Images(
            torch.cat([self.pixels, other.pixels]), torch.cat([self.labels, other.labels])
        )

    def to(self, device: torch.device) -> Images:
        """The images in the memory of a device."""
        return Images(self.pixels.to(device), self.labels.to(device))


@dataclass(frozen=True)
class ImageData:
    """The data of one training: images to learn from, and others to be measured on.

    Args:
        name: Name of the data set.
        train: Images to learn from.
        valid: Images to be measured on.
        classes: Name of each class.
        mirror_images: Whether a mirrored image is still of its class.
        left_out: Paths of what was left out, in the splits that were read and beside them.
        left_out_reasons: What each of them is, such as "images that are damaged or missing".
    """

    name: str
    train: Images
    valid: Images
    classes: tuple[str, ...]
    mirror_images: bool = True
    left_out: tuple[str, ...] = ()
    left_out_reasons: tuple[str, ...] = ()

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def channels(self) -> int:
        """Number of colour channels."""
        return int(self.train.pixels.shape[1])

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.train.pixels.shape[2:]
        return int(height), int(width)

    @property
    def chance_error(self) -> float:
        """Error on the validation images of always naming the most frequent class, in percent."""
        return 100 * (1 - float(torch.bincount(self.valid.labels).max()) / len(self.valid))

    def is_chance(self, error: float) -> bool:
        """Return True if an error on the validation images may be that of guessing.

        It is where it lies less than two standard errors below `chance_error`, of so many images.

        Args:
            error: The error, in percent.

        Example:
            >>> images = Images(torch.zeros(100, 1, 1, 1), torch.arange(100) % 4)
            >>> data = ImageData("mine", images, images, ("a", "b", "c", "d"))
            >>> data.chance_error, data.is_chance(70.0), data.is_chance(60.0)
            (75.0, True, False)
        """
        chance = self.chance_error
        spread = math.sqrt(chance * (100 - chance) / len(self.valid))
        return error > max(chance - 2 * spread, 0)

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel of the training images, ``c`` each.

        In units of the largest pixel value, 255.
        """
        pixels = self.train.pixels.transpose(0, 1).flatten(1)
        # Counted value by value, which is exact and needs no copy in floating point.
        counts = torch.stack([torch.bincount(channel, minlength=256) for channel in pixels])
        shares = counts.double() / counts.sum(dim=1, keepdim=True)
        values = torch.arange(256, dtype=torch.float64, device=pixels.device) / 255
        mean = shares @ values
        variance = (shares * (values - mean[:, None]) ** 2).sum(dim=1)
        # A channel that is the same everywhere must not be divided by 0.
        return mean.float(), variance.sqrt().clamp_min(1 / 255).float()


def split_off(
    images: Images, share: float, seed: int, classes: Sequence[str] | None = None
) -> tuple[Images, Images]:
    """Split images at random so that both parts have the classes in the same shares.

    Args:
        images: The images.
        share: Share of the second part, in (0, 1); at least one image of each class goes
            there, and at least one stays.
        seed: Decides which.
        classes: Names of the classes, for messages.

    Raises:
        DataError: A class has a single image.
    """
    generator = torch.Generator().manual_seed(seed)
    kept, taken = [], []
    for label in torch.unique(images.labels):
        members = (images.labels == label).nonzero().flatten()
        if len(members) < 2:
            name = int(label) if classes is None else repr(classes[int(label)])
            raise DataError(
                f"class {name} has a single image: it cannot be both learned and measured",
                "give each class at least two images",
            )
        members = members[torch.randperm(len(members), generator=generator)]
        number = min(max(round(share * len(members)), 1), len(members) - 1)
        taken.append(members[:number])
        kept.append(members[number:])
    # In their old order, so that the parts do not depend on the order of the classes.
    first, second = (torch.cat(part).sort().values for part in (kept, taken))
    return images.subset(first), images.subset(second)


def limited(labels: Tensor, number: int | None, seed: int) -> Tensor:
    """Indices of up to ``number`` images, with as many of each class as possible.

    Args:
        labels: ``n`` class numbers.
        number: How many to keep; None keeps all.
        seed: Decides which.

    Returns:
        ``m`` indices in ascending order.

    Raises:
        DataError: The data set has more classes than images are asked for.
    """
    if number is None or number >= len(labels):
        return torch.arange(len(labels))
    classes = torch.unique(labels)
    if number < 2 * len(classes):
        raise DataError(
            f"{number} images are too few for {len(classes)} classes",
            f"take at least two of each class: {2 * len(classes)}",
        )
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    # The first of each class come first, then the second of each, and so on.
    rank = torch.empty(len(labels), dtype=torch.int64)
    for label in classes:
        members = order[labels[order] == label]
        rank[members] = torch.arange(len(members))
    by_rank = order[rank[order].argsort(stable=True)]
    return by_rank[:number].sort().values
