"""Files that are either whole or not there, written through no link and read without waiting."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import re
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from ax_anasod.exceptions import RunError, nearest_hint
from ax_anasod.schema import Kind, parse_json

MOST_BYTES: Final = 2**26
"""Largest size of a JSON or CSV file that is read: 64 MiB."""

_UNFINISHED: Final = re.compile(r".+\.[0-9a-f]{16}\.unfinished")
# A link in the place of a new file is refused, and so is a file that another user has put there.
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
# A FIFO without a writer would be waited for.
_LOOK: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)
_PIECE: Final = 2**20


def write_whole(
    path: Path,
    content: str | bytes | memoryview,
    hint: str | None = "choose a folder that is writable and has space",
    *,
    make_folder: bool = False,
) -> None:
    """Write a file so that it is the old one or the new one, whole, at every instant.

    It is written under a name of its own and then renamed: a symbolic link at ``path`` is
    replaced, and what it points to stays as it is.

    Args:
        path: The file.
        content: What it holds; text is written as UTF-8, its line ends as they are.
        hint: What to do when it cannot be written.
        make_folder: Make folders that are missing. A folder that was deleted while a run
            worked in it must not come back as if nothing had happened.

    Raises:
        RunError: The file cannot be written (a missing permission, a full disk); what was at
            ``path`` is untouched.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "run" / "trials.csv"
        >>> write_whole(path, "trial,error", make_folder=True)
        >>> path.read_text()
        'trial,error'
    """
    unfinished = path.with_name(f"{path.name}.{os.urandom(8).hex()}.unfinished")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_new(unfinished, content)
        unfinished.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}", hint) from error
    finally:
        # Where the folder itself is gone or closed, nothing of ours is left in it.
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_json(path: Path, content: object, *, indent: int = 2, make_folder: bool = False) -> None:
    """Write a JSON file for people and programs, with `write_whole`.

    Args:
        path: The file.
        content: What it holds: mappings, sequences, texts, numbers, booleans and None.
        indent: The spaces before what is one level deeper.
        make_folder: Make folders that are missing.

    Raises:
        RunError: The file cannot be written.
    """
    write_whole(path, json.dumps(content, indent=indent) + "\n", make_folder=make_folder)


def write_new(path: Path, content: str | bytes | memoryview, mode: int = 0o666) -> None:
    """Write a file that is not there yet, and return once it is on the disk.

    Args:
        path: The file.
        content: What it holds.
        mode: Who may read and write it, as far as the process's mask allows.

    Raises:
        OSError: There is a file or a link at ``path``, or it cannot be written.
    """
    rest = memoryview(content.encode("utf-8") if isinstance(content, str) else content)
    file = os.open(path, _NEW | _BINARY, mode)
    try:
        while rest:
            rest = rest[os.write(file, rest[:_PIECE]) :]
        # Without it a power failure after a renaming could leave an empty file.
        os.fsync(file)
    finally:
        os.close(file)


def sync_folder(folder: Path) -> None:
    """Make the names of new files durable, where the system can.

    Raises:
        OSError: The disk fails.
    """
    # Windows does not open folders.
    with suppress(PermissionError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed have left of the files that they were writing.

    Args:
        folder: A folder in which only the calling process works; folders in it stay as they are.
    """
    # Leftovers do no harm: where they cannot be removed, they stay.
    with suppress(OSError):
        for path in folder.iterdir():
            if _UNFINISHED.fullmatch(path.name):
                path.unlink()


def ensure_folder(path: Path, hint: str | None = None) -> None:
    """Make a folder and those above it, as far as they are missing.

    Args:
        path: The folder.
        hint: What to do when it cannot be made.

    Raises:
        RunError: The folder cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the folder {path} cannot be made: {error.strerror}", hint) from error


def refuse_link(path: Path) -> None:
    """Raise an error for a symbolic link in the place of a folder that belongs to a run.

    Raises:
        RunError: ``path`` is a symbolic link.
    """
    if path.is_symlink():
        raise RunError(
            f"{path} is a symbolic link: nothing is written through links in the folder of a run",
            "move the folder that it points to here",
        )


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a file, which must be an ordinary one of a sensible size.

    Args:
        path: The file.
        most: How many bytes it may have.

    Raises:
        OSError: The file cannot be read, is larger, or is no ordinary file: a FIFO without a writer
            and a device without an end are refused instead of waited for.
    """
    file = os.open(path, _LOOK | _BINARY)
    try:
        return read_open(file, most)
    finally:
        os.close(file)


def read_open(file: int, most: int = MOST_BYTES) -> bytes:
    """Read a file that is open, from its beginning.

    Args:
        file: Its descriptor.
        most: How many bytes it may have.

    Raises:
        OSError: See `read_bytes`.
    """
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no ordinary file"
        raise OSError(errno.EINVAL, f"it is {kind}")
    os.lseek(file, 0, os.SEEK_SET)
    pieces: list[bytes] = []
    size = 0
    # The size is asked first, so that a file with a hole of terabytes takes no memory.
    while size <= most >= status.st_size:
        piece = os.read(file, _PIECE)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")


def open_file(path: Path) -> BufferedReader:
    """Open a file for reading bytes, which must be an ordinary one.

    Raises:
        OSError: See `read_bytes`.
    """
    file = os.open(path, _LOOK | _BINARY)
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(file, "rb")
    os.close(file)
    kind = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
    raise OSError(errno.EINVAL, f"it is {kind}")


def is_there(path: Path) -> bool:
    """Return True if there is something at a path; a path that no system could have has nothing."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_json(path: Path, kind: type[Kind]) -> Kind:
    """Read a JSON file.

    Args:
        path: The file.
        kind: The type of its content, see `ax_anasod.schema.parse_json`.

    Raises:
        RunError: The file is missing, damaged, or of another form.
    """
    try:
        return parse_json(kind, read_bytes(path))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RunError(
            f"{path} is damaged: it {error}", "bring it back from a copy, or choose another folder"
        ) from error


def what_is_there(path: Path) -> str | None:
    """A hint where a file is missing: the nearest name in its folder, or some alike."""
    if not is_there(path.parent):
        return f"there is no folder {path.parent}"
    try:
        names = sorted(other.name for other in path.parent.iterdir())
    except OSError:
        return None
    alike = [name for name in names if path.suffix and name.endswith(path.suffix)]
    if not alike:
        return None
    return nearest_hint(path.name, alike, f"in that folder: {', '.join(alike[:5])}")


class BoundedReader(io.RawIOBase):
    """The content of a compressed file, which unfolds to no more than real ones do.

    Args:
        file: What it unfolds to.
        most: How many bytes that may be; reading more is an OSError.
    """

    def __init__(self, file: gzip.GzipFile, most: int) -> None:
        self._file, self._most, self._left = file, most, most

    def readable(self) -> bool:
        """Return True: the stream is open for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as one read does; the number of bytes."""
        part = self._file.read(len(buffer))
        self._left -= len(part)
        if self._left < 0:
            raise OSError(errno.EFBIG, f"it unfolds to more than {self._most:,} bytes")
        buffer[: len(part)] = part
        return len(part)
