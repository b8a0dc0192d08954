"""Sources of images: a data set by name, or the user's own folder."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from torch import Tensor

from ax_anasod.exceptions import DataError, OptionError
from ax_anasod.optional import require
from ax_anasod.training.archives import is_tar
from ax_anasod.training.folders import ClassFolders, ReadProgress, SingleClassError, list_images
from ax_anasod.training.image_decoding import resized
from ax_anasod.training.images import BESIDE, HELPERS
from ax_anasod.training.splits import SPLITS, Splits, find_splits
from ax_anasod.training.trees import is_folder, is_helper, sorted_entries

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
        self, indices: Tensor, image_size: int | None = None, progress: ReadProgress | None = None
    ) -> Tensor:
        """Images as ``m x c x h x w`` uint8."""
        ...


@dataclass(frozen=True)
class ImageSource:
    """A data set.

    Args:
        train: Its training split.
        test: Its test split, None where it has none of its own.
        mirror_images: Whether a mirrored image is still of its class.
        valid: The split on which a search measures, None where it takes a share of ``train``;
            only beside a test split.
        files: The files it is read from; a change of them makes a cached copy worthless.
        left_out: Path and reason of whatever lies beside the splits.
    """

    train: Split
    test: Split | None
    mirror_images: bool
    valid: Split | None = None
    files: tuple[Path, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


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
        self, indices: Tensor, image_size: int | None = None, progress: ReadProgress | None = None
    ) -> Tensor:
        """Images as ``m x c x h x w`` uint8, resized where ``image_size`` says so."""
        chosen = self.pixels[indices]
        return chosen if image_size is None else resized(chosen, (image_size, image_size))


def open_source(dataset: str, path: Path | None, *, download: bool = True) -> ImageSource:
    """Open a data set without reading its images.

    Args:
        dataset: ``"digits"`` (scikit-learn's, 1,797 images of 8 x 8 pixels, no download),
            ``"cifar10"``, ``"cifar100"`` or ``"fashion-mnist"`` (torchvision's, downloaded
            into ``path`` unless they are there), or any name for the images in ``path``.
        path: Folder of the data. It may hold ``train``, ``val`` and ``test`` (see
            `ax_anasod.training.splits.SPLITS`), each a folder or a tar file of class folders,
            or class folders alone. A validation split without a test split is measured on in
            its place.
        download: Whether torchvision's data sets are downloaded where they are not there.

    Raises:
        DataError: The data is not there, or not as it should be.
        OptionError: The data set needs a folder, or takes none.
        OptionalImportError: A package of the extra ``train`` is not installed.
    """
    if dataset == "digits" and path is None:
        return _digits()
    if path is None:
        raise OptionError(f"the data set {dataset!r} needs --data", "give the folder of its images")
    if dataset in _TORCHVISION and (not _is_there(path) or _splits(path).train is None):
        return _torchvision(dataset, path, download)
    if not _is_there(path):
        raise DataError(f"the data folder {path} does not exist")
    return _class_folders(path)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"the data folder {path} cannot be read: {reason}") from error
    return True


def _splits(path: Path) -> Splits:
    return find_splits(path) if path.is_dir() else Splits(None, None, None, ())


def _class_folders(path: Path) -> ImageSource:
    splits = _splits(path)
    if splits.train is None:
        for split in (splits.test, splits.valid):
            # A class may be called "test", too; it has no folders in it.
            if split is not None and (is_tar(split) or _holds_folders(split)):
                raise DataError(
                    f"{path} holds {split.name}, but no training split",
                    f"needed beside it is {' or '.join(SPLITS['training'])}; or name {split} with "
                    "--data",
                )
        alone = list_images(path)
        return ImageSource(alone, None, mirror_images=True, files=alone.files)
    if splits.beside and splits.train.is_dir() and not _holds_folders(splits.train):
        raise DataError(
            f"{splits.train} holds no class folders",
            "a folder of this name is the training split; if it is a class, put the folders of "
            "all classes into a folder called train",
        )
    # A data set without a test split is measured on its validation split.
    test = splits.test or splits.valid
    valid = splits.valid if splits.test is not None else None
    learned = list_images(splits.train)
    measured = None if test is None else _fitting(learned, test, splits)
    validated = None if valid is None else _fitting(learned, valid, splits)
    return ImageSource(
        learned,
        measured,
        mirror_images=True,
        valid=validated,
        files=tuple(f for s in (learned, measured, validated) if s is not None for f in s.files),
        left_out=tuple(
            (str(beside), HELPERS if is_helper(beside.name) else BESIDE) for beside in splits.beside
        ),
    )


def _holds_folders(path: Path) -> bool:
    return any(not is_helper(e.name) and is_folder(e) for e in sorted_entries(path))


def _fitting(train: ClassFolders, path: Path, splits: Splits) -> ClassFolders:
    """The images of a split beside the training split, which has the same classes."""
    for other in (splits.train, splits.valid, splits.test):
        if other is not None and other != path and other.resolve() == path.resolve():
            raise DataError(f"{other} and {path} are one folder", "remove the link")
    try:
        split = list_images(path)
    except SingleClassError as error:
        if splits.valid is None or path == splits.valid:
            raise
        # Tiny ImageNet's test images, and those of many competitions.
        raise DataError(
            error.message,
            f"{error.hint}; if nobody knows its classes, move it elsewhere: {splits.valid.name} is "
            "measured on then",
        ) from error
    if split.classes != train.classes:
        only = [
            f"only {one.path.name} has {', '.join(map(repr, names[:5]))}"
            + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            for one, other in ((train, split), (split, train))
            if (names := sorted(set(one.classes) - set(other.classes)))
        ]
        raise DataError(f"{train.path} and {path} have different classes: {'; '.join(only)}")
    return split


def _digits() -> ImageSource:
    require("sklearn", EXTRA)
    from sklearn.datasets import load_digits

    content = load_digits()
    # Grey values from 0 to 16.
    pixels = torch.from_numpy(content.images).mul(255 / 16).round().to(torch.uint8)[:, None]
    labels = torch.from_numpy(content.target).to(torch.int64)
    classes = tuple(map(str, content.target_names))
    return ImageSource(InMemory(pixels, labels, classes), None, mirror_images=False)


_TORCHVISION: Final = {
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
    "fashion-mnist": "FashionMNIST",
}
_PATIENCE: Final = 20.0


def _torchvision(dataset: str, path: Path, download: bool) -> ImageSource:
    require("torchvision", EXTRA)
    import torchvision.datasets

    make: Callable[..., Any] = getattr(torchvision.datasets, _TORCHVISION[dataset])
    folder = path / getattr(make, "base_folder", make.__name__)
    was_there = path.exists()
    had_files = any(file.is_file() for file in folder.rglob("*"))
    try:
        with _impatient():
            contents = [
                make(root=str(path), train=train, download=download) for train in (True, False)
            ]
    except (OSError, RuntimeError, AssertionError, IndexError, KeyError, ValueError) as error:
        # Files whose checksum is another than the published one are downloaded again; those of
        # Fashion-MNIST have none, and a damaged one raises anything.
        if not was_there:
            _remove_empty(path)
        found = f"the files in {folder} are damaged" if had_files else f"{dataset} is not in {path}"
        if not download:
            raise DataError(found, "name the folder that holds it with --data") from error
        raise DataError(
            f"{found}, and it could not be downloaded: {' '.join(str(error).split())}",
            "name a folder that holds it, or train.tar.gz and test.tar.gz of class folders",
        ) from error
    train, test = (_in_memory(content, folder) for content in contents)
    files = tuple(sorted(file for file in folder.rglob("*") if file.is_file()))
    return ImageSource(train, test, mirror_images=True, files=files)


def _remove_empty(path: Path) -> None:
    """Remove a folder and those in it, as far as they hold no files."""
    for folder in (*sorted(path.rglob("*"), reverse=True), path):
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def _impatient() -> Iterator[None]:
    """Give up on a server that does not answer, for which torchvision waits for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _in_memory(content: Any, folder: Path) -> InMemory:
    if len(content.data) != len(content.targets):
        raise DataError(
            f"{folder} has {len(content.data)} images, but {len(content.targets)} labels",
            "remove the files to download them again",
        )
    pixels = torch.as_tensor(content.data)
    # FashionMNIST is n x h x w, the CIFARs are n x h x w x c.
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
    labels = torch.as_tensor(content.targets, dtype=torch.int64)
    return InMemory(pixels, labels, tuple(content.classes))
