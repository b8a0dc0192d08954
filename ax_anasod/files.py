"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import IO, Any, Final

from ax_anasod.exceptions import RunError

MOST_BYTES: Final = 2**26
"""How many bytes a file of texts and settings may have; real ones have at most a hundredth."""


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


def open_file(path: Path) -> IO[bytes]:
    """Open a file for reading bytes.

    Raises:
        OSError: It is not there, or is no file: what waits for a writer is not waited for.
    """
    # Without the flag, opening a pipe waits until another program writes to it.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.open(path, flags)
    kind = os.fstat(file).st_mode
    if stat.S_ISREG(kind):
        return os.fdopen(file, "rb")
    os.close(file)
    what = "a folder" if stat.S_ISDIR(kind) else "a pipe or a device"
    raise OSError(errno.EINVAL, f"it is {what}, not a file")


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a whole file.

    Args:
        path: The file.
        most: How many bytes it may have.

    Raises:
        OSError: It cannot be read, is no file, or has more bytes.
    """
    with open_file(path) as file:
        # Not its size first: a file may grow, or say nothing about it.
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes, which no real one has")
    return content


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Args:
        path: The file.

    Raises:
        RunError: It is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunError(
            f"{path} is damaged: {error}", "bring it back from a copy, or choose another folder"
        ) from error


def _remove(unfinished: Path) -> None:
    try:
        unfinished.unlink(missing_ok=True)
    except OSError:
        # The folder itself is gone or closed, so that nothing of ours is left in it.
        return
