"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

from ax_anasod.checked import Kind, parse_json
from ax_anasod.exceptions import RunError

MOST_BYTES: Final = 2**26
"""What no description, table of figures or state of a trial of ours ever has: 64 MiB."""


def write_whole(
    path: Path,
    content: str | bytes | memoryview,
    hint: str | None = "choose a folder that is writable and has space",
) -> None:
    """Write a file so that it is the old one or the new one, whole, at every instant.

    Folders that are missing are made.

    Args:
        path: The file.
        content: What it holds; text is written as UTF-8, its line ends as they are.
        hint: What to do when it cannot be written.

    Raises:
        RunError: It cannot be written (a missing permission, a full disk); what was at
            ``path`` is untouched.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "run" / "trials.csv"
        >>> write_whole(path, "trial,error")
        >>> path.read_text()
        'trial,error'
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            # Without it a power failure after the renaming could leave an empty file.
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        _remove(unfinished)
        raise RunError(f"{path} cannot be written: {error.strerror or error}", hint) from error


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a file, which must be an ordinary one of a sensible size.

    Args:
        path: The file.
        most: How many bytes it may have.

    Raises:
        OSError: It cannot be read, is larger, or is no ordinary file: a FIFO that nobody writes
            to and a device without an end are refused instead of waited for.
    """
    with open_file(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return content


def open_file(path: Path) -> BufferedReader:
    """Open a file for reading bytes, which must be an ordinary one.

    Raises:
        OSError: As for `read_bytes`.
    """
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(file, "rb")
    os.close(file)
    kind = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
    raise OSError(errno.EINVAL, f"it is {kind}")


def is_there(path: Path) -> bool:
    """Whether there is something at a path; nothing is at one that no system could have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_json(path: Path, kind: type[Kind]) -> Kind:
    """Read a JSON file.

    Args:
        path: The file.
        kind: The type of its content, see `ax_anasod.checked.parse_json`.

    Raises:
        RunError: It is missing, damaged, or of another form.
    """
    try:
        return parse_json(kind, read_bytes(path))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunError(
            f"{path} is damaged: it {error}", "bring it back from a copy, or choose another folder"
        ) from error


def _remove(unfinished: Path) -> None:
    try:
        unfinished.unlink(missing_ok=True)
    except OSError:
        # The folder itself is gone or closed, so that nothing of ours is left in it.
        return
