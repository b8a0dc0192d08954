"""The training runs of NAS-Bench-201 as a Parquet file beside the official one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ax_anasod.exceptions import BenchmarkError, RunError
from ax_anasod.files import open_file, write_whole
from ax_anasod.nasbench.nasbench201_trials import MOST_RUNS, RUNS, SPLITS, Trials, checked_trials
from ax_anasod.nasbench.source_files import first_line
from ax_anasod.optional import require
from ax_anasod.schema import parse_json

_KEY: Final = b"ax_anasod.nasbench201"
_VERSION: Final = 1
_SUFFIX: Final = ".trials.parquet"


def cache_path(path: Path) -> Path:
    """The path of the cache of an official file or folder: beside it."""
    return path.with_name(path.name + _SUFFIX)


def is_current(kept: Path, path: Path) -> bool:
    """Return True if there is a cache of exactly this state of the official file.

    Raises:
        BenchmarkError: If there is a file of that name which is damaged or no cache.
    """
    return kept.exists() and _read_note(kept).source == _state(path)


def read_cache(kept: Path) -> Trials:
    """The runs in a Parquet file that `write_cache` has written.

    Raises:
        BenchmarkError: If the file is damaged, or another kind of Parquet file.
        OptionalImportError: pyarrow is not installed.
    """
    _read_note(kept)  # which makes sure of pyarrow
    import pyarrow.parquet

    try:
        with open_file(kept) as file:
            parquet = pyarrow.parquet.ParquetFile(file)
            if parquet.metadata.num_rows > MOST_RUNS:
                raise ValueError(f"it says that it has {parquet.metadata.num_rows:,} runs")
            table = parquet.read()
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
        architectures, place = np.unique(columns["arch"].astype(str), return_inverse=True)
        run = np.array([RUNS.index(name) for name in columns["run"]], dtype=np.int64)
        accuracy = {split: columns[split].astype(np.float64) for split in SPLITS}
        trials = Trials(
            tuple(architectures.tolist()),
            place,
            columns["epochs"].astype(np.int64),
            run,
            columns["seed"].astype(np.int64),
            accuracy,
            columns["seconds"].astype(np.float64),
        )
    except (
        OSError,
        pyarrow.ArrowException,
        LookupError,
        TypeError,
        ValueError,
        OverflowError,
    ) as error:
        raise _damaged(kept, error) from error
    return checked_trials(trials, str(kept))


def write_cache(kept: Path, trials: Trials, path: Path | None = None) -> None:
    """Writes the runs as Parquet, all or nothing.

    Args:
        kept: The file to write.
        trials: The runs.
        path: The official file they come from, if there is one.

    Raises:
        BenchmarkError: If the file cannot be written.
        OptionalImportError: pyarrow is not installed.
    """
    require("pyarrow", "parquet")
    import pyarrow.parquet

    architectures = pyarrow.array(trials.architectures)
    table = pyarrow.table(
        {
            "arch": pyarrow.DictionaryArray.from_arrays(trials.architecture, architectures),
            "epochs": trials.epochs,
            "run": pyarrow.DictionaryArray.from_arrays(trials.run, pyarrow.array(RUNS)),
            "seed": trials.seed,
            **trials.accuracy,
            "seconds": trials.seconds,
        }
    )
    note = {"version": _VERSION, "source": None if path is None else _state(path)}
    table = table.replace_schema_metadata({_KEY: json.dumps(note).encode()})
    content = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, content, compression="zstd")
    try:
        write_whole(kept, memoryview(content.getvalue()))
    except RunError as error:
        raise BenchmarkError(
            f"the cache {error.message}", "make the folder writable, or use no cache"
        ) from error


@dataclass(frozen=True)
class _Note:
    """The description that a cache holds of itself.

    Args:
        version: Version of the format.
        source: The state of the official file that it was made from, if there is one.
    """

    version: int
    source: list[str | int] | None


def _read_note(kept: Path) -> _Note:
    require("pyarrow", "parquet")
    import pyarrow.parquet

    try:
        with open_file(kept) as file:
            metadata = pyarrow.parquet.read_schema(file).metadata or {}
    except (OSError, pyarrow.ArrowException) as error:
        raise _damaged(kept, error) from error
    if _KEY not in metadata:
        raise BenchmarkError(
            f"{kept} is a Parquet file, but none of NAS-Bench-201 runs that ax_anasod wrote",
            "for a table with a column 'arch', use TableBenchmark",
        )
    try:
        note = parse_json(_Note, metadata[_KEY])
    except ValueError as error:
        raise _damaged(kept, error) from error
    if note.version != _VERSION:
        raise BenchmarkError(
            f"{kept} has version {note.version} of the cache's format, known is {_VERSION}",
            "delete it, and it is written again",
        )
    return note


def _damaged(kept: Path, error: Exception) -> BenchmarkError:
    return BenchmarkError(
        f"the Parquet file {kept} cannot be read, or is cut off: {first_line(error)}",
        "delete it, and it is written again from the official file",
    )


def _state(path: Path) -> list[str | int]:
    """The state of the official file: name, number of bytes, newest change.

    Raises:
        BenchmarkError: If the official file cannot be looked at.
    """
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        states = [file.stat() for file in files]
    except OSError as error:
        raise BenchmarkError(f"{error.filename} cannot be read: {error.strerror}") from error
    return [
        path.name,
        len(files),
        sum(state.st_size for state in states),
        max(state.st_mtime_ns for state in states),
    ]
