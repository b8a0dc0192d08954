"""States on the disk: whole or not at all, and read without executing anything."""

from __future__ import annotations

import io
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

import torch

from ax_anasod.exceptions import RunError
from ax_anasod.files import read_bytes, write_whole

# What the state of no network has that a search trains: 16 GiB.
_MOST_BYTES: Final = 2**34
ROOM_HINT: Final = "make room; training goes on from the last epoch that was written"


def write_state(path: Path, state: dict[str, Any], *, make_folder: bool = False) -> None:
    """Write tensors and plain data so that the file is the old one or the new one, whole.

    Args:
        path: The file.
        state: What `torch.load` reads back with ``weights_only=True``.
        make_folder: Make folders that are missing.

    Raises:
        RunError: It cannot be written, as on a full disk; the old file is as it was.
    """
    # In memory first: what torch raises on a full disk does not say that it is full.
    content = io.BytesIO()
    torch.save(state, content)
    write_whole(path, content.getbuffer(), ROOM_HINT, make_folder=make_folder)


def read_state(path: Path) -> dict[str, Any]:
    """Read what `write_state` has written, into the memory of the CPU.

    Raises:
        RunError: It cannot be read, or is damaged.
    """
    try:
        content = io.BytesIO(read_bytes(path, _MOST_BYTES))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    try:
        state = torch.load(content, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError, ValueError, KeyError) as error:
        raise RunError(
            f"{path} is damaged, or no file of this package",
            "delete it to start from its beginning",
        ) from error
    if not isinstance(state, dict):
        raise RunError(f"{path} holds a {type(state).__name__}, not a state")
    return state
