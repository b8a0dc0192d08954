"""Finding the files of benchmarks, now and when a run is resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from ax_anasod.exceptions import BenchmarkError, shown
from ax_anasod.files import is_there, read_bytes, what_is_there
from ax_anasod.schema import Kind, conform, parse_json

_LONGEST: Final = 500


@dataclass(frozen=True)
class Saved:
    """The entries that the saved descriptions of all benchmarks with files share.

    Args:
        path: Where its file or folder is, as it was given.
        resolved_path: The same, independent of the working folder.
        fingerprint: Digest of its values.
    """

    path: str
    resolved_path: str
    fingerprint: str

    def find(self) -> Path:
        """The path of the file: where it was before, else as it was given.

        Raises:
            BenchmarkError: If the file is at neither place.
        """
        resolved, given = Path(self.resolved_path), Path(self.path)
        for path in (resolved, given):
            if is_there(path):
                return path
        also = "" if given == resolved else f", nor at {given}"
        raise BenchmarkError(f"the data of the run is no longer at {resolved}{also}", "put it back")

    def options(self) -> dict[str, Any]:
        """The options of the benchmark: all that is saved but the place and the digest."""
        of_file = {field.name for field in fields(Saved)}
        return {name: value for name, value in vars(self).items() if name not in of_file}


def read_saved(kind: type[Kind], description: Mapping[str, Any]) -> Kind:
    """A saved description of a benchmark, in its type.

    Args:
        kind: The dataclass of the description.
        description: The description.

    Raises:
        BenchmarkError: If the description lacks an entry, or one is of another type.
    """
    try:
        return conform(kind, dict(description))
    except ValueError as error:
        raise BenchmarkError(f"the saved description of the benchmark {error}") from error


def check_source(path: Path, what: str, *, directory: bool = False) -> None:
    """Raises a `BenchmarkError` unless there is a file at ``path``.

    Args:
        path: The file that the user named.
        what: The file in words, for messages.
        directory: Accept a folder, too.
    """
    if not is_there(path):
        raise BenchmarkError(f"{what} {path} does not exist", what_is_there(path))
    if path.is_dir() and not directory:
        raise BenchmarkError(f"{what} {path} is a folder, not a file")


def read_settings(file: Path, kind: type[Kind]) -> Kind:
    """The content of a JSON file beside the data of a benchmark.

    Args:
        file: The file.
        kind: The type of its content, see `ax_anasod.schema.conform`.

    Raises:
        BenchmarkError: If the file cannot be read, or is of another form.
    """
    try:
        return parse_json(kind, read_bytes(file))
    except OSError as error:
        raise BenchmarkError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BenchmarkError(f"{file} is damaged: it {error}") from error


def one_line(said: object) -> str:
    """The output of another program, on one line of a sensible length."""
    text = said if isinstance(said, str) else shown(said)
    return " ".join(text[:_LONGEST].split())


def first_line(error: Exception) -> str:
    """The message of an error of another library, on one line."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
