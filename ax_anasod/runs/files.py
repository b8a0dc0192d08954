"""Writing the files of a run folder."""

from __future__ import annotations

import os
from pathlib import Path

from ax_anasod.exceptions import RunError


def write_atomically(path: Path, content: str) -> None:
    """Write a file so that it is the old one or the new one, whole, at every instant.

    Args:
        path: The file.
        content: Its new text.

    Raises:
        RunError: It cannot be written, as on a full disk.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
