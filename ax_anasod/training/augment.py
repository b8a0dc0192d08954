"""Augmentation of whole batches, on the device that trains.

Every random choice is made on the CPU by a generator that is given, so that the same seed
gives the same images on any device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from ax_anasod.exceptions import OptionError
from ax_anasod.optional import require
from ax_anasod.training.images import Images
from ax_anasod.training.training_config import TrainingConfig

# Images of a batch that share one draw of AutoAugment, which torchvision makes for a whole
# tensor at a time: the batch is in random order, so that each image still gets each policy
# with the same probability, with an eighth of the calls.
_SHARED_POLICY: Final = 8


def crop(images: Tensor, padding: int, generator: torch.Generator) -> Tensor:
    """Move each image by up to ``padding`` pixels, in each direction on its own.

    torchvision's ``RandomCrop`` makes one draw for a whole batch.

    Args:
        images: ``n x c x h x w``.
        padding: Largest move in pixels; what comes in is 0.
        generator: The source of randomness, on the CPU.
    """
    n, _, height, width = images.shape
    moves = torch.randint(2 * padding + 1, (2, n), generator=generator)
    # One transfer for both; each row and column of the result is looked up at once.
    down, right = moves.to(images.device, non_blocking=True)
    padded = functional.pad(images, (padding, padding, padding, padding))
    rows = down[:, None] + torch.arange(height, device=images.device)
    columns = right[:, None] + torch.arange(width, device=images.device)
    batch = torch.arange(n, device=images.device)
    moved = padded[batch[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image ``n x c x h x w`` with probability one half."""
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    where = mirrored.to(images.device, non_blocking=True)[:, None, None, None]
    return torch.where(where, images.flip(3), images)


def cutout(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Blank a square at a random place of each image.

    Source: DeVries & Taylor 2017; the square may stand out over the edge, as there.

    Args:
        images: ``n x c x h x w``, normalised, so that 0 is the mean.
        side: Side of the square in pixels.
        generator: The source of randomness, on the CPU.
    """
    n, _, height, width = images.shape
    centres = torch.stack(
        [torch.randint(size, (n,), generator=generator) for size in (height, width)]
    )
    down, right = centres.to(images.device, non_blocking=True)
    rows = torch.arange(height, device=images.device) - (down - side // 2)[:, None]
    columns = torch.arange(width, device=images.device) - (right - side // 2)[:, None]
    inside = ((rows >= 0) & (rows < side))[:, :, None] & ((columns >= 0) & (columns < side))[
        :, None, :
    ]
    return images.masked_fill(inside[:, None], 0.0)


def _drawing_from(generator: torch.Generator, transform: Callable[..., Any], *inputs: Any) -> Any:
    """A torchvision transform, which knows the global generator only, with one of ours."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        return transform(*inputs)


class Augmentation:
    """The changes of a batch between the memory and the network.

    Args:
        config: Which augmentations.
        mean: Of each channel, ``c``, as a share of 255.
        std: The standard deviation of each channel, ``c``, as a share of 255.
        num_classes: Number of classes.
        image_side: Smaller side of the images in pixels.
        mirror_images: Whether mirrored images are still of their class.

    Raises:
        OptionError: Crops could miss the image.
        OptionalImportError: AutoAugment, CutMix or Mixup is wanted, and torchvision is not
            installed.
    """

    def __init__(
        self,
        config: TrainingConfig,
        mean: Tensor,
        std: Tensor,
        num_classes: int,
        image_side: int,
        mirror_images: bool,
    ) -> None:
        self._config = config
        self._scale = (255 * std)[:, None, None]
        self._shift = (mean / std)[:, None, None]
        self._padding = image_side // 8 if config.crop_padding is None else config.crop_padding
        if self._padding > image_side:
            raise OptionError(
                f"crop_padding must be at most {image_side}, the side of the images, got "
                f"{self._padding}"
            )
        self._flips = mirror_images if config.flip is None else config.flip
        self._mix: Callable[..., Any] | None = None
        self._policy: Callable[..., Any] | None = None
        if config.mix != "none" or config.auto_augment:
            require("torchvision", "train")
            from torchvision.transforms import v2

            mixes = {"cutmix": v2.CutMix, "mixup": v2.MixUp}
            if config.mix != "none":
                self._mix = mixes[config.mix](num_classes=num_classes, alpha=config.mix_alpha)
            if config.auto_augment:
                self._policy = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels ``n x c x h x w`` (uint8) as numbers of mean 0 and standard deviation 1."""
        return pixels / self._scale - self._shift

    def __call__(
        self, pixels: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Augment a batch.

        Args:
            pixels: ``n x c x h x w``, uint8.
            labels: ``n`` class numbers.
            generator: The source of randomness, on the CPU.

        Returns:
            Normalised images ``n x c x h x w``, and the labels ``n``, or where images are
            mixed ``n x num_classes`` shares.
        """
        if self._policy is not None:
            groups = torch.split(pixels, _SHARED_POLICY)
            pixels = torch.cat([_drawing_from(generator, self._policy, g) for g in groups])
        # Moving and mirroring bytes costs a quarter of moving floating-point numbers; what
        # comes in at the edges is black, as in the transforms of DARTS.
        if self._padding:
            pixels = crop(pixels, self._padding, generator)
        if self._flips:
            pixels = flip(pixels, generator)
        images = self.normalise(pixels)
        if self._config.cutout:
            images = cutout(images, self._config.cutout, generator)
        if self._mix is not None and len(images) > 1:
            images, labels = _drawing_from(generator, self._mix, images, labels)
        return images, labels


def augmented_batches(
    images: Images,
    batches: Iterable[Tensor],
    augmentation: Augmentation,
    generator: torch.Generator,
    device: torch.device,
    memory_format: torch.memory_format,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and labels of batches, as a network takes them.

    Args:
        images: The images.
        batches: The rows of each batch, on the device of the images.
        augmentation: What happens to them.
        generator: Where its random choices come from.
        device: The device of the network.
        memory_format: How images are stored.
    """
    for rows in batches:
        batch = images.subset(rows).to(device)
        pixels, labels = augmentation(batch.pixels, batch.labels, generator)
        yield pixels.contiguous(memory_format=memory_format), labels
