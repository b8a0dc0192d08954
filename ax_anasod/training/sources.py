"""Where images come from: a data set by name, or the user's own folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from torch import Tensor

from ax_anasod.exceptions import DataError, OptionError
from ax_anasod.optional import require
from ax_anasod.training.folders import Progress, find_split, is_tar, list_images

EXTRA: Final = "train"


class Split(Protocol):
    """Images of one split, whose labels are known before any is read."""

    @property
    def labels(self) -> Tensor:
        """``n`` class numbers."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...

    def read(
        self, indices: Tensor, image_size: int | None = None, progress: Progress | None = None
    ) -> Tensor:
        """Images as ``m x c x h x w`` uint8."""
        ...


@dataclass(frozen=True)
class Source:
    """A data set.

    Args:
        train: Its training split.
        test: Its test split, None where it has none of its own.
        mirror_images: Whether a mirrored image is still of its class.
        files: What it is read from; a change of them makes a cached copy worthless.
    """

    train: Split
    test: Split | None
    mirror_images: bool
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class InMemory:
    """A split that is in memory as a whole.

    Args:
        pixels: ``n x c x h x w``, uint8.
        labels: ``n`` class numbers.
        classes: Names of the classes.
    """

    pixels: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def read(
        self, indices: Tensor, image_size: int | None = None, progress: Progress | None = None
    ) -> Tensor:
        """Images as ``m x c x h x w`` uint8, resized where ``image_size`` says so."""
        chosen = self.pixels[indices]
        if image_size is not None and tuple(chosen.shape[2:]) != (image_size, image_size):
            require("torchvision", EXTRA)
            from torchvision.transforms.v2 import functional

            resized: Tensor = functional.resize(chosen, [image_size, image_size], antialias=True)
            return resized
        return chosen


def open_source(dataset: str, path: Path | None) -> Source:
    """Open a data set without reading its images.

    Args:
        dataset: ``"digits"`` (scikit-learn's, 1,797 images of 8 x 8 pixels, no download),
            ``"cifar10"``, ``"cifar100"`` or ``"fashion-mnist"`` (torchvision's, downloaded
            into ``path`` unless they are there), or any name for the images in ``path``.
        path: Folder of the data. It may hold ``train`` and ``test`` (or ``val``, ``valid``),
            each a folder or a tar file of class folders, or class folders alone.

    Raises:
        DataError: The data is not there, or not as it should be.
        OptionError: The data set needs a folder, or takes none.
        OptionalImportError: A package of the extra ``train`` is not installed.
    """
    if dataset == "digits" and path is None:
        return _digits()
    if path is None:
        raise OptionError(f"the data set {dataset!r} needs --data", "give the folder of its images")
    if dataset in _TORCHVISION and find_split(path, "train") is None:
        return _torchvision(dataset, path)
    return _class_folders(path)


def _class_folders(path: Path) -> Source:
    if not path.exists():
        raise DataError(f"the data folder {path} does not exist")
    train = None if is_tar(path) else find_split(path, "train", "training")
    test = None if is_tar(path) else find_split(path, "test", "val", "valid", "validation")
    if train is None:
        return Source(list_images(path), None, mirror_images=True, files=(path,))
    learned = list_images(train)
    if test is None:
        return Source(learned, None, mirror_images=True, files=(train,))
    measured = list_images(test)
    if measured.classes != learned.classes:
        odd = sorted(set(measured.classes) ^ set(learned.classes))
        raise DataError(f"{train} and {test} have different classes: {', '.join(odd[:5])}")
    return Source(learned, measured, mirror_images=True, files=(train, test))


def _digits() -> Source:
    require("sklearn", EXTRA)
    from sklearn.datasets import load_digits

    content = load_digits()
    # Grey values from 0 to 16.
    pixels = torch.from_numpy(content.images).mul(255 / 16).round().to(torch.uint8)[:, None]
    labels = torch.from_numpy(content.target).to(torch.int64)
    classes = tuple(map(str, content.target_names))
    return Source(InMemory(pixels, labels, classes), None, mirror_images=False)


_TORCHVISION: Final = {
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
    "fashion-mnist": "FashionMNIST",
}


def _torchvision(dataset: str, path: Path) -> Source:
    require("torchvision", EXTRA)
    import torchvision.datasets

    make: Callable[..., Any] = getattr(torchvision.datasets, _TORCHVISION[dataset])
    splits = []
    for train in (True, False):
        try:
            content = make(root=str(path), train=train, download=True)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"{dataset} is not in {path} and cannot be downloaded: {error}",
                "name a folder that holds it, or train.tar.gz and test.tar.gz of class folders",
            ) from error
        splits.append(_in_memory(content))
    return Source(splits[0], splits[1], mirror_images=True, files=(path,))


def _in_memory(content: Any) -> InMemory:
    pixels = torch.as_tensor(content.data)
    # FashionMNIST is n x h x w, the CIFARs are n x h x w x c.
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
    labels = torch.as_tensor(content.targets, dtype=torch.int64)
    return InMemory(pixels, labels, tuple(content.classes))
