"""Files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

from ax_anasod.exceptions import RunError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then rename it.

    A reader, or a process killed in between, never sees half a file; an existing one is
    replaced. Folders that are missing are made.

    Args:
        path: The file.
        content: What it holds.

    Raises:
        RunError: The file cannot be written (a missing permission, a full disk); what was
            at ``path`` is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            # Without it a power failure after the renaming could leave an empty file.
            os.fsync(file)
        temporary.replace(path)
    except OSError as error:
        _remove(temporary)
        raise RunError(
            f"cannot write {path}: {error.strerror or error}",
            "choose a folder that is writable and has space",
        ) from error


def _remove(temporary: Path) -> None:
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        # The folder itself is gone or closed, so that nothing of ours is left in it.
        return
