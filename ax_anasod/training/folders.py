"""Images in class folders, or in tar files of class folders."""

from __future__ import annotations

import io
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ax_anasod.exceptions import DataError, nearest_hint
from ax_anasod.optional import require

EXTENSIONS: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".webp"})
_TARS: Final = (".tar", ".tar.gz", ".tgz")
# Modes of more than 8 bits a channel, which would be cut to 8 without a word.
_DEEP: Final = frozenset({"I", "F", "I;16", "I;16B", "I;16L"})
_SKIP_HINT: Final = "leave such images out with --skip-damaged"

Progress = Callable[[int, int], None]
"""Told how many of how many images have been read."""


@dataclass(frozen=True)
class ClassFolders:
    """The images of one split, listed but not yet read.

    Args:
        path: The folder, or the tar file.
        names: Path of each image inside it, ``n``.
        labels: Class number of each image, ``n``.
        classes: Names of the classes, in alphabetical order.
    """

    path: Path
    names: tuple[str, ...]
    labels: Tensor
    classes: tuple[str, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read: the images, or the tar file."""
        return (self.path,) if is_tar(self.path) else tuple(self.path / n for n in self.names)

    def read(
        self, indices: Tensor, image_size: int | None = None, progress: Progress | None = None
    ) -> Tensor:
        """Decode images as RGB.

        Args:
            indices: Which images, ``m``, in ascending order.
            image_size: Height and width that images are resized to; None keeps theirs.
            progress: Told how far it is.

        Returns:
            ``m x 3 x h x w``, uint8.

        Raises:
            DataError: An image is missing, damaged, or of another size than the first.
        """
        pixels, damaged = self.read_sound(indices, image_size, progress)
        if damaged:
            raise next(iter(damaged.values()))
        return pixels

    def read_sound(
        self, indices: Tensor, image_size: int | None = None, progress: Progress | None = None
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
            DataError: An image has another size than the first, or too many bits.
        """
        require("PIL", "train")
        wanted = [self.names[index] for index in indices.tolist()]
        contents = _from_tar(self.path, wanted) if is_tar(self.path) else _files(self.path, wanted)
        damaged: dict[int, DataError] = {}
        pixels, first = np.empty((0, 0, 0, 3), dtype=np.uint8), ""
        for place, (name, image) in enumerate(_decoded(contents, self.path, image_size)):
            if progress is not None:
                progress(place + 1, len(wanted))
            if isinstance(image, DataError):
                damaged[place] = image
                continue
            if not first:
                first, pixels = name, np.empty((len(wanted), *image.shape), dtype=np.uint8)
            if image.shape != pixels.shape[1:]:
                raise DataError(
                    f"{self.path / name} has {_size(image)} pixels, {self.path / first} "
                    f"{_size(pixels[0])}",
                    "resize all images to one size with --image-size",
                )
            pixels[place - len(damaged)] = image
        sound = pixels[: len(wanted) - len(damaged)]
        return torch.from_numpy(sound.transpose(0, 3, 1, 2).copy()), damaged


def is_tar(path: Path) -> bool:
    """Whether a file is named like a tar file."""
    return path.name.endswith(_TARS) and path.is_file()


def find_split(folder: Path, *names: str) -> Path | None:
    """The folder or tar file of a split, by the first of these names that is there."""
    for name in names:
        for candidate in (folder / name, *(folder / f"{name}{end}" for end in _TARS)):
            if candidate.is_dir() or is_tar(candidate):
                return candidate
    return None


def list_images(path: Path) -> ClassFolders:
    """List the images of a split.

    Args:
        path: A folder of class folders, or a tar file of one.

    Raises:
        DataError: It cannot be read, has no classes, or only one.
    """
    names = sorted(_names_in_tar(path) if is_tar(path) else _names_in_folder(path))
    if not names:
        raise DataError(
            f"{path} holds no images in class folders",
            f"needed is CLASS/NAME with one of {', '.join(sorted(EXTENSIONS))}",
        )
    kinds = [PurePosixPath(name).parent for name in names]
    classes = sorted(set(kinds))
    if classes == [PurePosixPath(".")] or len(classes) == 1:
        raise DataError(
            f"{path} holds images of one class only: {classes[0].name or path.name!r}",
            "put the images of each class into a folder of its own",
        )
    if PurePosixPath(".") in classes:
        stray = next(n for n, kind in zip(names, kinds, strict=True) if kind == PurePosixPath("."))
        raise DataError(f"{path / stray} lies beside the class folders", "move it into one")
    names_of_classes = tuple(kind.name for kind in classes)
    twice, times = Counter(names_of_classes).most_common(1)[0]
    if times > 1:
        alike = [str(path / kind) for kind in classes if kind.name == twice]
        raise DataError(
            f"{alike[0]} and {alike[1]} are two folders of one class, {twice!r}",
            "put the images of each class into a single folder",
        )
    number = {kind: position for position, kind in enumerate(classes)}
    labels = torch.tensor([number[kind] for kind in kinds], dtype=torch.int64)
    return ClassFolders(path, tuple(names), labels, names_of_classes)


def _names_in_folder(path: Path) -> Iterator[str]:
    if not path.is_dir():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"{path} is no folder", nearest_hint(path.name, beside) if beside else None)
    for folder, _, files in os.walk(path):
        for file in files:
            if _is_image(file):
                yield (Path(folder) / file).relative_to(path).as_posix()


def _names_in_tar(path: Path) -> list[str]:
    with _opened(path) as archive:
        return [m.name for m in _members(archive, path) if m.isfile() and _is_image(m.name)]


def _is_image(name: str) -> bool:
    file = PurePosixPath(name)
    # macOS leaves files "._NAME" in archives that are no images.
    return file.suffix.lower() in EXTENSIONS and not file.name.startswith("._")


def _opened(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a tar file: {error}") from error


def _members(archive: tarfile.TarFile, path: Path) -> Iterator[tarfile.TarInfo]:
    try:
        yield from archive
    except (OSError, tarfile.TarError, EOFError) as error:
        raise DataError(f"the tar file {path} is damaged: {error}") from error


def _from_tar(path: Path, wanted: Sequence[str]) -> Iterator[tuple[str, bytes | DataError]]:
    """The contents of members in the order of their names.

    A compressed file can only be read from its start to its end, so that all wanted contents,
    still compressed as images, are held in memory until they are decoded.
    """
    missing, contents = set(wanted), {}
    with _opened(path) as archive:
        for member in _members(archive, path):
            if member.name in missing:
                file = archive.extractfile(member)
                contents[member.name] = b"" if file is None else file.read()
                missing.discard(member.name)
    for name in wanted:
        gone = DataError(f"{path / name} is no longer there", _SKIP_HINT)
        yield name, contents.pop(name, gone)


def _files(path: Path, wanted: Sequence[str]) -> Iterator[tuple[str, bytes | DataError]]:
    for name in wanted:
        try:
            content: bytes | DataError = (path / name).read_bytes()
        except OSError as error:
            content = DataError(f"{path / name} cannot be read: {error.strerror}", _SKIP_HINT)
        yield name, content


def _decoded(
    contents: Iterator[tuple[str, bytes | DataError]], path: Path, image_size: int | None
) -> Iterator[tuple[str, npt.NDArray[np.uint8] | DataError]]:
    # Decoders let go of the interpreter's lock: a few threads use a few cores.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        yield from pool.map(
            lambda item: (item[0], _decode(item[0], item[1], path, image_size)), contents
        )


def _decode(
    name: str, content: bytes | DataError, path: Path, image_size: int | None
) -> npt.NDArray[np.uint8] | DataError:
    """An image, or what is wrong with it where it is missing or damaged."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(content, DataError):
        return content
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode in _DEEP:
                raise DataError(
                    f"{path / name} has more than 8 bits a channel (mode {image.mode})",
                    "convert the images to 8 bits a channel",
                )
            colours = image.convert("RGB")
            if image_size is not None and colours.size != (image_size, image_size):
                colours = colours.resize((image_size, image_size), Image.Resampling.LANCZOS)
            return np.asarray(colours, dtype=np.uint8)
    except (
        OSError,
        SyntaxError,
        ValueError,
        UnidentifiedImageError,
        Image.DecompressionBombError,  # a header that claims billions of pixels
    ):
        return DataError(
            f"the image {path / name} is damaged ({len(content)} bytes cannot be decoded)",
            f"remove or replace it, or {_SKIP_HINT}",
        )


def _size(image: npt.NDArray[np.uint8]) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"
