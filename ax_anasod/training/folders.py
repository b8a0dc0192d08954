"""Images in class folders, or in tar files of class folders.

What is a class, a split and an image follows torchvision's ``ImageFolder``; the rules stand in
``docs/training.md``.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ax_anasod.exceptions import DataError
from ax_anasod.training.archives import is_tar, read_members, tree_of_tar
from ax_anasod.training.image_decoding import Pixels, decoded
from ax_anasod.training.images import HELPERS, NO_IMAGES, REPLACED
from ax_anasod.training.splits import ARCHIVES, LIKE_A_SPLIT
from ax_anasod.training.trees import EXTENSIONS, Span, Tree, is_image, read_files, tree_of_folder

ReadProgress = Callable[[int, int], None]
"""A function that is called with the number of images read and the number of all images."""

# Tiny ImageNet's list of the classes of its validation images.
_ANNOTATIONS: Final = "val_annotations.txt"
_MOST_ANNOTATIONS: Final = 2**26
_NAMED: Final = 5
_NEEDED: Final = f"needed is CLASS/NAME with one of {', '.join(EXTENSIONS)}"


class SingleClassError(DataError):
    """Images of one class, or whose classes the folders do not say."""


@dataclass(frozen=True)
class ClassFolders:
    """The images of one split, listed but not yet read.

    Args:
        path: The folder, or the tar file.
        names: Path of each image inside it, ``n``, in alphabetical order.
        labels: Class number of each image, ``n``.
        classes: Names of the classes, in alphabetical order.
        spans: Where each image lies in the tar file, ``n``; None for a folder.
        left_out: Path and reason of everything inside that is no image of a class.
    """

    path: Path
    names: tuple[str, ...]
    labels: Tensor
    classes: tuple[str, ...]
    spans: tuple[Span, ...] | None = None
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read: the images, or the tar file."""
        return tuple(self.path / n for n in self.names) if self.spans is None else (self.path,)

    def read(
        self, indices: Tensor, image_size: int | None = None, progress: ReadProgress | None = None
    ) -> Tensor:
        """Decode images as RGB.

        Args:
            indices: Which images, ``m``, in ascending order.
            image_size: Height and width that images are resized to; None keeps theirs.
            progress: Told how far it is.

        Returns:
            ``m x 3 x h x w``, uint8.

        Raises:
            DataError: An image is missing, damaged, or of another size than the others.
        """
        pixels, damaged = self.read_sound(indices, image_size, progress)
        if damaged:
            raise damaged[min(damaged)]
        return pixels

    def read_sound(
        self, indices: Tensor, image_size: int | None = None, progress: ReadProgress | None = None
    ) -> tuple[Tensor, dict[int, DataError]]:
        """Decode the images that are there and whole, as RGB.

        Args:
            indices: Which images, ``m``, in ascending order.
            image_size: Height and width that images are resized to; None keeps theirs.
            progress: Told how far it is.

        Returns:
            ``s x 3 x h x w``, uint8, of those that can be decoded, and what is wrong with each
            of the others, by its place among ``indices``.

        Raises:
            DataError: An image has another size than the others, or too many bits; or they do
                not fit into the memory.
        """
        names = [self.names[index] for index in indices.tolist()]
        contents = (
            read_files(self.path, names)
            if self.spans is None
            else read_members(self.path, names, [self.spans[i] for i in indices.tolist()])
        )
        damaged: dict[int, DataError] = {}
        pixels: npt.NDArray[np.uint8] = np.empty((0, 3, 0, 0), dtype=np.uint8)
        first = ""
        done = 0
        with closing(decoded(contents, image_size)) as images:
            for place, image in images:
                done += 1
                if progress is not None:
                    progress(done, len(names))
                if isinstance(image, DataError):
                    damaged[place] = image
                    continue
                if not first:
                    first, pixels = names[place], _room(len(names), image)
                if image.shape[:2] != pixels.shape[2:]:
                    raise DataError(
                        f"{self.path / names[place]} has {_size(image.shape[:2])} pixels, "
                        f"{self.path / first} {_size(pixels.shape[2:])}",
                        "resize all images to one size with --image-size",
                    )
                pixels[place] = image.transpose(2, 0, 1)
        if damaged:
            pixels = np.delete(pixels, list(damaged), axis=0) if first else pixels
        return torch.from_numpy(pixels), damaged


def list_images(path: Path) -> ClassFolders:
    """List the images of a split.

    Args:
        path: A folder of class folders, or a tar file of one.

    Raises:
        DataError: The data cannot be read, have no classes or only one, or hold what would be lost
            (a class without images, images beside the classes, an archive).
    """
    tree = tree_of_tar(path) if is_tar(path) else tree_of_folder(path)
    images = sorted(filter(is_image, tree.files))
    others = sorted(tree.files.keys() - set(images))
    root = _root(tree, images)
    if f"{root}{_ANNOTATIONS}" in others:
        of_image = _annotated(path, root, tree, images)
        others.remove(f"{root}{_ANNOTATIONS}")
    else:
        _check_classes(path, root, tree, images, others)
        of_image = [name[len(root) :].split("/")[0] for name in images]
    # A name may be written with accents of its own (NFD), as macOS does, or without (NFC).
    composed = [unicodedata.normalize("NFC", name) for name in of_image]
    classes = sorted(set(composed))
    number = {name: position for position, name in enumerate(classes)}
    reasons = ((tree.helpers, HELPERS), (others, NO_IMAGES), (tree.replaced, REPLACED))
    spans = [tree.files[name] for name in images]
    return ClassFolders(
        path,
        tuple(images),
        torch.tensor([number[name] for name in composed], dtype=torch.int64),
        tuple(classes),
        tuple(span for span in spans if span is not None) if is_tar(path) else None,
        tuple((str(path / name), reason) for names, reason in reasons for name in names),
    )


def _root(tree: Tree, images: Sequence[str]) -> str:
    """The folder of the class folders: below folders that hold nothing but one folder."""
    root = ""
    while f"{root}{_ANNOTATIONS}" not in tree.files:
        inside = _children(tree, root)
        if len(inside) != 1 or _stray(images, root) is not None:
            break
        root = f"{root}{inside[0]}/"
    return root


def _children(tree: Tree, root: str) -> list[str]:
    """The folders directly below one."""
    depth = root.count("/")
    return sorted(
        folder[len(root) :]
        for folder in tree.folders
        if folder.count("/") == depth and folder.startswith(root)
    )


def _stray(images: Sequence[str], root: str) -> str | None:
    """An image that lies directly in a folder."""
    return next((name for name in images if "/" not in name[len(root) :]), None)


def _check_classes(
    path: Path, root: str, tree: Tree, images: Sequence[str], others: Sequence[str]
) -> None:
    """Raise an error if the classes of a folder would not be those that its owner sees."""
    classes, stray = _children(tree, root), _stray(images, root)
    for name in others:
        if root.startswith(name[: name.rfind("/") + 1]) and name.lower().endswith(ARCHIVES):
            raise DataError(f"{path / name} lies where class folders should be", "unpack it")
    parents = {folder.rpartition("/")[0] for folder in tree.folders}
    deep = [name for name in classes if f"{root}{name}" in parents]
    splits = [s for s, word in LIKE_A_SPLIT.items() if any(word.search(n.lower()) for n in deep)]
    if len(splits) > 1:
        raise DataError(
            f"{path / root} holds splits, not classes: {', '.join(deep[:_NAMED])}",
            "name the folder that holds them, and call them train and test",
        )
    if not images:
        instead = _instead([*others, *tree.helpers])
        raise DataError(f"{path} holds no images in class folders{instead}", _NEEDED)
    if len(classes) + (stray is not None) < 2:
        only = classes[0] if classes else root[:-1] or path.name
        raise SingleClassError(
            f"{path} holds images of one class only: {only!r}",
            "put the images of each class into a folder of its own",
        )
    if stray is not None:
        raise DataError(f"{path / stray} lies beside the class folders", "move it into one")
    full = {name[len(root) :].split("/")[0] for name in images}
    for name in classes:
        folder = path / root / name
        if name not in full:
            inside = [n for n in others if n.startswith(f"{root}{name}/")]
            raise DataError(
                f"the class folder {folder} holds no images{_instead(inside)}",
                f"remove it, or put images into it ({', '.join(EXTENSIONS)})",
            )
        if name.encode(errors="ignore").decode() != name:
            raise DataError(f"the name of the class folder {folder} is no UTF-8", "rename it")
    composed = Counter(unicodedata.normalize("NFC", name) for name in classes)
    twice = next((name for name, times in composed.items() if times > 1), None)
    if twice is not None:
        raise DataError(
            f"{path / root} has two folders of one class, {twice!r}, whose names are written with "
            "different Unicode characters",
            "put the images of each class into a single folder",
        )


def _instead(others: Sequence[str]) -> str:
    """The files that lie there instead of images, in words."""
    if not others:
        return ""
    ends = Counter(Path(name).suffix or Path(name).name for name in others)
    kinds = ", ".join(f"{number} {end}" for end, number in ends.most_common(_NAMED))
    return f", but {len(others)} other files ({kinds})"


def _annotated(path: Path, root: str, tree: Tree, images: Sequence[str]) -> list[str]:
    """The class of each image in the layout of Tiny ImageNet's validation images.

    Their list has a line an image: its name, its class, and a box, between tabs.
    """
    names, span = [f"{root}{_ANNOTATIONS}"], tree.files[f"{root}{_ANNOTATIONS}"]
    ((_, annotations, content),) = (
        read_files(path, names, _MOST_ANNOTATIONS)
        if span is None
        else read_members(path, names, [span], _MOST_ANNOTATIONS)
    )
    if isinstance(content, DataError):
        raise content
    try:
        lines = [line.split("\t") for line in content.decode().splitlines() if line.strip()]
        of_image = {f"{root}images/{line[0]}": line[1].strip() for line in lines}
        if len(of_image) < len(lines):
            raise ValueError("it names an image twice")
    except (IndexError, ValueError) as error:
        raise DataError(
            f"{annotations} is damaged: {error}", "needed is a line NAME<tab>CLASS for each image"
        ) from error
    if odd := sorted(of_image.keys() ^ set(images)):
        raise DataError(
            f"{annotations} and the images beside it do not fit: {', '.join(odd[:_NAMED])} "
            f"and {len(odd)} in all are in one of them only",
            "get both again",
        )
    return [of_image[name] for name in images]


def _room(number: int, image: Pixels) -> npt.NDArray[np.uint8]:
    """Memory for images of the size of this one, ``n x 3 x h x w``."""
    height, width = image.shape[:2]
    size = 3 * number * height * width
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # systems that do not say
        memory = size
    try:
        if size > memory:
            raise MemoryError
        return np.empty((number, 3, height, width), dtype=np.uint8)
    except MemoryError as error:
        raise DataError(
            f"{number} images of {_size((height, width))} pixels take {size / 2**30:.1f} GiB of "
            "memory, more than there is",
            "make them smaller with --image-size, or use fewer with --images",
        ) from error


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
