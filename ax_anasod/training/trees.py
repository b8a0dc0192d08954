"""The files and folders of a data set, and their contents."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ax_anasod.exceptions import DataError, nearest_hint
from ax_anasod.training.image_decoding import MOST_BYTES, SKIP_HINT

EXTENSIONS: Final = (
    *(".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"),
    ".gif",
)
"""Ends of the names of images: torchvision's ``IMG_EXTENSIONS``, and GIF."""
Span = tuple[int, int]
"""First byte and number of bytes of a file in its tar file, once that is unzipped."""

_HELPERS: Final = frozenset(
    {"thumbs.db", "desktop.ini", "lost+found", "$recycle.bin", "system volume information"}
)


@dataclass
class Tree:
    """Files and folders by their paths inside a folder or tar file, ``/`` between the parts.

    Args:
        files: Path of each file -> where it lies in the tar file; None in a folder.
        folders: Paths of the folders.
        helpers: Paths of files that are hidden or kept by programs, and of all in such folders.
        replaced: Paths of members of a tar file that a later member has replaced, one for each.
    """

    files: dict[str, Span | None] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    helpers: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)


def is_helper(name: str) -> bool:
    """Return True if a file or folder is one that programs keep beside a user's own.

    Example:
        >>> [
        ...     name
        ...     for name in ("cat", ".ipynb_checkpoints", "@eaDir", "Thumbs.db")
        ...     if is_helper(name)
        ... ]
        ['.ipynb_checkpoints', '@eaDir', 'Thumbs.db']
    """
    return name.startswith((".", "@", "__MACOSX")) or name.lower() in _HELPERS


def is_image(name: str) -> bool:
    """Return True if a file is named like an image; upper case is the same."""
    return name.lower().endswith(EXTENSIONS)


def read_files(
    path: Path, names: Sequence[str], most: int = MOST_BYTES
) -> Iterator[tuple[int, Path, bytes | DataError]]:
    """Read files of a folder.

    Args:
        path: The folder.
        names: Paths of the files inside it.
        most: Number of bytes beyond which a file is not read.

    Yields:
        The place of each file among ``names``, its path, and its content or what is wrong.
    """
    for place, name in enumerate(names):
        yield place, path / name, _content(path / name, most)


def _content(path: Path, most: int) -> bytes | DataError:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return file.read(size) if size <= most else too_long(path, size, most)
    except OSError as error:
        return DataError(f"{path} cannot be read: {error.strerror}", SKIP_HINT)


def too_long(path: Path, size: int, most: int) -> DataError:
    """The error for a file of more bytes than are read."""
    return DataError(f"{path} has {size:,} bytes, more than the {most:,} that are read", SKIP_HINT)


def tree_of_folder(path: Path) -> Tree:
    """List a folder; links are followed.

    Raises:
        DataError: A part of it cannot be read, is neither file nor folder, or is reached twice.
    """
    if path.is_file():
        raise DataError(f"{path} is neither a folder nor a .tar, .tar.gz or .tgz", "unpack it")
    if not path.is_dir():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"{path} is no folder", nearest_hint(path.name, beside) if beside else None)
    tree, seen, waiting = Tree(), dict[str, Path](), [""]
    while waiting:
        inside = waiting.pop()
        folder = path / inside
        first = seen.setdefault(os.path.realpath(folder), folder)
        if first != folder:
            raise DataError(f"{folder} and {first} are one folder", "remove the link")
        for entry in sorted_entries(folder):
            member = f"{inside}/{entry.name}" if inside else entry.name
            if is_helper(entry.name):
                tree.helpers += _files_below(path, member)
            elif is_folder(entry):
                tree.folders.add(member)
                waiting.append(member)
            else:
                tree.files[member] = None
    return tree


def sorted_entries(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder, by name.

    Raises:
        DataError: The folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read: {error.strerror}", "make it readable, or remove it"
        ) from error


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return True if an entry is a folder and False if it is a file, behind a link too.

    An image that is a link which leads nowhere is a file, whose content is missing.

    Raises:
        DataError: The entry is neither, or leads nowhere.
    """
    try:
        if entry.is_dir():
            return True
        if entry.is_file():
            return False
        there = not entry.is_symlink() or Path(entry.path).exists()
    except OSError as error:
        raise DataError(f"{entry.path} cannot be read: {error.strerror}") from error
    if there:
        raise DataError(
            f"{entry.path} is neither a file nor a folder, but a pipe, a socket or a device",
            "remove it",
        )
    if is_image(entry.name):
        return False
    raise DataError(f"the link {entry.path} leads nowhere", "mend or remove it")


def _files_below(path: Path, member: str) -> list[str]:
    """The files in a helper folder, as far as it can be read; links are not followed."""
    below = [
        (Path(folder) / file).relative_to(path).as_posix()
        for folder, _, files in os.walk(path / member)
        for file in files
    ]
    return sorted(below) or [member]
