"""Finding the files of benchmarks, now and when a run is resumed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ax_anasod.exceptions import BenchmarkError


def check_source(path: Path, what: str, *, directory: bool = False) -> None:
    """Raises a `BenchmarkError` unless there is a file at ``path``.

    Args:
        path: The file that the user named.
        what: The file in words, for messages.
        directory: Accept a folder, too.
    """
    if not path.exists():
        raise BenchmarkError(f"{what} {path} does not exist", _what_is_there(path))
    if path.is_dir() and not directory:
        raise BenchmarkError(f"{what} {path} is a folder, not a file")


def find_path(description: Mapping[str, Any]) -> Path:
    """The file of a saved description: where it was, else the path as it was given.

    Raises:
        BenchmarkError: If it is at neither place.
    """
    resolved, given = Path(description["resolved_path"]), Path(description["path"])
    for path in (resolved, given):
        if path.exists():
            return path
    also = "" if given == resolved else f", nor at {given}"
    raise BenchmarkError(f"the data of the run is no longer at {resolved}{also}", "put it back")


def first_line(error: Exception) -> str:
    """What an error of another library says, on one line."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _what_is_there(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    alike = sorted(other.name for other in path.parent.glob(f"*{path.suffix}"))[:5]
    return f"in that folder: {', '.join(alike)}" if alike and path.suffix else None
