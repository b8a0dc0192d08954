"""Reading a table of architectures from a CSV or Parquet file, strictly.

Nothing is guessed: a row with too few or too many fields, an empty field in a column
that was asked for, or a file that ends early is an error that names the place. Rows are
counted from 1, the header not counted.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

import numpy as np

from ax_anasod.exceptions import BenchmarkError, UnknownNameError
from ax_anasod.nasbench.benchmark import FloatArray
from ax_anasod.nasbench.paths import check_source, first_line

ARCH = "arch"
"""Name of the column that holds the architecture strings."""

_HEAD_BYTES = 4
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


@dataclass(frozen=True)
class TableFile:
    """The parts of a table that were asked for.

    Args:
        architectures: The strings of the column ``arch``, one a row.
        columns: Name -> one number a row, for each column that was asked for.
    """

    architectures: list[str]
    columns: dict[str, FloatArray]


def read_table(path: Path, columns: Sequence[str]) -> TableFile:
    """Reads the architectures and the named columns of a table.

    Args:
        path: A CSV file (UTF-8, comma separated, with a header; may be gzip-compressed)
            or a Parquet file, told apart by their first bytes.
        columns: Columns to read as numbers; all others are ignored.

    Raises:
        BenchmarkError: If the file is missing, empty, cut off, no table, has no
            column ``arch`` or no rows, or a named column does not hold numbers only.
        UnknownNameError: If a named column does not exist, with the nearest name.
    """
    head = _read_head(path)
    if path.suffix == ".parquet" and head != _PARQUET:
        raise BenchmarkError(f"the table {path} is called .parquet, but is no Parquet file")
    reader = _read_parquet if head == _PARQUET else _read_csv
    rows = reader(path, columns)
    if not rows[ARCH]:
        raise BenchmarkError(f"the table {path} has a header but no rows")
    texts = [_text(path, row, value) for row, value in enumerate(rows[ARCH], start=1)]
    return TableFile(texts, {name: _numbers(path, name, rows[name]) for name in columns})


def _read_head(path: Path) -> bytes:
    check_source(path, "the table")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        _refuse(path, error)
    if not head:
        raise BenchmarkError(f"the table {path} is empty (0 bytes)")
    return head


def _refuse(path: Path, error: Exception) -> NoReturn:
    raise BenchmarkError(
        f"the table {path} cannot be read, or is cut off: {first_line(error)}",
        "a table is a CSV file (.gz too) or a Parquet file",
    ) from error


def _read_csv(path: Path, columns: Sequence[str]) -> dict[str, list[Any]]:
    try:
        with _open_text(path) as file:
            # strict: a quote that is never closed is an error, not the rest of the file.
            lines = (line for line in csv.reader(file, strict=True) if line)
            header = next(lines, [])
            places = {name: _place(path, header, name) for name in (ARCH, *columns)}
            taken = list(zip(*_select(path, lines, len(header), places), strict=True))
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        _refuse(path, error)
    rows = taken or [()] * len(places)
    return {name: list(row) for name, row in zip(places, rows, strict=True)}


def _open_text(path: Path) -> TextIO:
    with path.open("rb") as file:
        compressed = file.read(len(_GZIP)) == _GZIP
    # utf-8-sig: spreadsheet programs write a mark before the first column's name.
    if compressed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _select(
    path: Path, lines: Iterator[list[str]], width: int, places: dict[str, int]
) -> Iterator[tuple[str, ...]]:
    wanted = tuple(places.values())
    for row, line in enumerate(lines, start=1):
        if len(line) != width:
            raise BenchmarkError(
                f"row {row} of the table {path} has {len(line)} fields, the header has {width}",
                "the file may be cut off there",
            )
        yield tuple(line[place] for place in wanted)


def _place(path: Path, header: list[str], name: str) -> int:
    if name not in header:
        if name == ARCH:
            shown = ", ".join(header[:8])
            raise BenchmarkError(
                f"the table {path} has no column {ARCH!r}, its first columns are: {shown}",
                "the architecture strings belong there",
            )
        raise UnknownNameError("column", name, [other for other in header if other != ARCH])
    if header.count(name) > 1:
        raise BenchmarkError(f"the table {path} has {header.count(name)} columns named {name!r}")
    return header.index(name)


def _read_parquet(path: Path, columns: Sequence[str]) -> dict[str, list[Any]]:
    # Loaded here, since most tables are CSV and the import takes a tenth of a second.
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        header = file.schema_arrow.names
        wanted = [header[_place(path, header, name)] for name in (ARCH, *columns)]
        table = file.read(columns=wanted)
    except (OSError, pyarrow.ArrowException) as error:
        _refuse(path, error)
    return {name: table.column(name).to_pylist() for name in wanted}


def _text(path: Path, row: int, value: object) -> str:
    if not isinstance(value, str) or not value:
        found = "nothing" if value is None or value == "" else repr(value)
        raise BenchmarkError(
            f"row {row} of the table {path} has {found} in column {ARCH!r}, "
            "not an architecture string"
        )
    return value


def _numbers(path: Path, name: str, values: list[Any]) -> FloatArray:
    numbers = np.empty(len(values), dtype=np.float64)
    for i, value in enumerate(values):
        try:
            if isinstance(value, bool):
                raise ValueError
            numbers[i] = float(value)
        except (TypeError, ValueError):
            found = "is empty" if value is None or value == "" else f"holds {value!r}"
            raise BenchmarkError(
                f"column {name!r} of the table {path} {found} in row {i + 1}, not a number"
            ) from None
    return numbers
