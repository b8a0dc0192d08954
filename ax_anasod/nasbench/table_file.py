"""Reading a table of architectures from a CSV or Parquet file, strictly.

Tables are read as spreadsheets and loggers write them, where that has one meaning only; what has
several, or none, is an error that names the place and what to do: the line of a CSV file, the row
of a Parquet file, both counted from 1.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from ax_anasod.exceptions import BenchmarkError, UnknownNameError, shown
from ax_anasod.files import BoundedReader, open_file
from ax_anasod.nasbench.source_files import check_source, first_line
from ax_anasod.nasbench.table_rows import ROWS, RowNames, to_numbers
from ax_anasod.optional import require
from ax_anasod.typing import FloatArray

ARCH: Final = "arch"
"""Name of the column that holds the architecture strings."""

_HEAD: Final = 4096
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_OTHERS: Final = {
    b"PK\x03\x04": "a zip archive, or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"BZh": "compressed by bzip2",
    b"\xfd7zX": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
}
# A mark at the beginning of a text -> its encoding; the longer marks first.
_MARKS: Final = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
_EXCEL: Final = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_HINT: Final = "a table is a CSV file (.gz too) or a Parquet file"

# More than any table of architectures has: letters of a field and of the header, letters that a
# compressed file unfolds to, rows of a Parquet file, which needs no bytes for rows that are alike.
_LONGEST_FIELD: Final = 2**26
_LONGEST_HEADER: Final = 2**20
_SMALL, _MOST_COMPRESSED = 2**24, 50
_SMALL_ROWS, _MOST_ROWS_A_BYTE = 10**6, 100

# Column -> its values, and where the rows stand.
_Read = tuple[dict[str, list[Any]], RowNames]


@dataclass(frozen=True)
class TableFile:
    """The parts of a table that were asked for.

    Args:
        architectures: The strings of the column ``arch``, one a row.
        columns: Name -> one number a row, for each column that was asked for.
        parameters: Name -> one value a row as the file has it, text or number, as asked for.
        places: Where the rows stand, for messages.
    """

    architectures: list[str]
    columns: dict[str, FloatArray]
    parameters: dict[str, list[Any]]
    places: RowNames


def read_table(path: Path, columns: Sequence[str], parameters: Sequence[str] = ()) -> TableFile:
    """Reads the architectures and the named columns of a table.

    Args:
        path: A CSV file with a header (UTF-8, UTF-16 or UTF-32; separated by commas, semicolons
            or tabs; may be gzip-compressed) or a Parquet file, told apart by their first bytes.
        columns: Columns to read as numbers; all others are ignored.
        parameters: Others to read as they are.

    Raises:
        BenchmarkError: If the file is missing, empty, cut off, no table, has no
            column ``arch`` or no rows, or a named column does not hold numbers only.
        UnknownNameError: If a named column does not exist, with the nearest name.
    """
    check_source(path, "the table")
    try:
        with open_file(path) as file:
            rows, places = _read(path, file, [*columns, *parameters])
    except OSError as error:
        _refuse(path, error)
    if not rows[ARCH]:
        raise BenchmarkError(f"the table {path} has a header but no rows")
    texts = [_text(path, places.name(row), value) for row, value in enumerate(rows[ARCH])]
    return TableFile(
        texts,
        {name: to_numbers(f"the table {path}", name, rows[name], places) for name in columns},
        {name: rows[name] for name in parameters},
        places,
    )


def _read(path: Path, file: io.BufferedReader, columns: Sequence[str]) -> _Read:
    head = file.read(_HEAD)
    file.seek(0)
    if not head:
        raise BenchmarkError(f"the table {path} is empty (0 bytes)")
    for mark, kind in _OTHERS.items():
        if head.startswith(mark):
            raise BenchmarkError(f"the table {path} is {kind}, which is not read", _HINT)
    if head.startswith(_PARQUET):
        return _read_parquet(path, file, columns), ROWS
    if path.suffix == ".parquet":
        raise BenchmarkError(f"the table {path} is called .parquet, but is no Parquet file")
    if not head.startswith(_GZIP):
        return _read_csv(path, file, columns)
    size = os.fstat(file.fileno()).st_size
    unfolded = BoundedReader(gzip.GzipFile(fileobj=file), _SMALL + _MOST_COMPRESSED * size)
    return _read_csv(path, io.BufferedReader(unfolded), columns)


def _refuse(path: Path, error: Exception) -> NoReturn:
    why = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
    raise BenchmarkError(f"the table {path} cannot be read, or is cut off: {why}", _HINT) from error


# CSV


def _read_csv(path: Path, file: io.BufferedReader, columns: Sequence[str]) -> _Read:
    end, taken, places = 0, [], array("q")
    try:
        encoding = _encoding(file.peek(4))
        with io.TextIOWrapper(file, encoding, newline="") as text, _long_fields():
            separator, header, above = _header(text, columns)
            select = itemgetter(*(_place(path, header, name) for name in (ARCH, *columns)))
            # strict: a quote that is never closed is an error, not the rest of the file.
            lines = csv.reader(text, delimiter=separator, strict=True, skipinitialspace=True)
            end = above
            for line in lines:
                # A field in quotes may have several lines.
                start, end = end + 1, above + lines.line_num
                # Spreadsheets end a table with empty rows, and rows with empty fields.
                if not any(line):
                    continue
                if len(line) != len(header):
                    _drop_empty(line, len(header))
                    _check_row(path, start, len(line), len(header), separator)
                taken.append(select(line))
                places.append(start)
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        raise BenchmarkError(
            f"the table {path} cannot be read: after line {end} there is the byte {wrong:#04x}, "
            f"which is no {error.encoding.upper()}",
            "save the table as UTF-8 (in a spreadsheet: CSV UTF-8)",
        ) from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        _refuse(path, error)
    names = (ARCH, *columns)
    if not taken:
        return {name: [] for name in names}, ROWS
    # One field is selected as it is, several as a tuple.
    selected = zip(*taken, strict=True) if columns else [taken]
    rows = {name: list(values) for name, values in zip(names, selected, strict=True)}
    return rows, RowNames(places)


def _encoding(head: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    # Without a mark the zeros of the first letter tell, which is one of a name.
    first, second = head[:1] == b"\0", head[1:2] == b"\0"
    if first == second:
        return "utf-8-sig"
    return "utf-16-be" if first else "utf-16-le"


@contextmanager
def _long_fields() -> Iterator[None]:
    """Raise the limit on the length of a field, for long columns that are not used."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _header(text: IO[str], columns: Sequence[str]) -> tuple[str, list[str], int]:
    """The separator, the names of the columns, and how many lines end with them."""
    separators: Iterable[str] = _SEPARATORS
    line, above = _first_line(text)
    if told := _EXCEL.fullmatch(line.strip().strip('"')):
        separators, (line, more) = told[1], _first_line(text)
        above += more
    headers = {}
    for separator in separators:
        (fields,) = csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True)
        names = [field.strip() for field in fields]
        # A row that ends with a separator has no further column.
        _drop_empty(names, 0)
        headers[separator] = names
    # Prefer a separator that yields the column ``arch``, then all columns that were asked for.
    separator = max(
        headers, key=lambda s: (ARCH in headers[s], {*columns} <= {*headers[s]}, len(headers[s]))
    )
    return separator, headers[separator], above


def _first_line(text: IO[str]) -> tuple[str, int]:
    """The first line that is not empty, and which one it is, counted from 1."""
    number = 0
    for number, line in enumerate(iter(lambda: text.readline(_LONGEST_HEADER), ""), start=1):
        if line.strip():
            return line, number
    return "\n", number


def _drop_empty(line: list[str], width: int) -> None:
    """Drop empty fields at the end of a row that has more than the header."""
    while len(line) > width and not line[-1].strip():
        line.pop()


def _check_row(path: Path, start: int, number: int, expected: int, separator: str) -> None:
    if number == expected:
        return
    word = _SEPARATORS.get(separator, f"{separator!r}")
    raise BenchmarkError(
        f"line {start} of the table {path} has {number} fields, the header has {expected}",
        "the file may be cut off there"
        if number < expected
        else f"put fields that hold a {word} into double quotes; it separates fields here",
    )


def _place(path: Path, header: list[str], name: str) -> int:
    if name not in header:
        if name == ARCH:
            some = ", ".join(other if len(other) < 80 else shown(other) for other in header[:8])
            raise BenchmarkError(
                f"the table {path} has no column {ARCH!r}, its first columns are: {some}",
                f"call the column of the architecture strings {ARCH!r}; columns are separated by "
                "commas, semicolons or tabs",
            )
        raise UnknownNameError("column", name, [other for other in header if other != ARCH])
    if header.count(name) > 1:
        raise BenchmarkError(
            f"the table {path} has {header.count(name)} columns named {name!r}", "rename them"
        )
    return header.index(name)


# Parquet


def _read_parquet(path: Path, file: IO[bytes], columns: Sequence[str]) -> dict[str, list[Any]]:
    require("pyarrow", "parquet")
    import pyarrow
    import pyarrow.parquet

    size = os.fstat(file.fileno()).st_size
    wanted = [ARCH, *columns]
    try:
        schema = pyarrow.parquet.read_schema(file)
        for name in wanted:
            kind = schema.field(_place(path, schema.names, name)).type
            if pyarrow.types.is_nested(kind):
                raise BenchmarkError(
                    f"column {name!r} of the table {path} holds {kind}, not texts or numbers"
                )
        file.seek(0)
        # As dictionaries, in which texts that are alike are there once.
        parquet = pyarrow.parquet.ParquetFile(file, read_dictionary=wanted)
        rows, most = parquet.metadata.num_rows, _SMALL_ROWS + _MOST_ROWS_A_BYTE * size
        if rows > most:
            raise BenchmarkError(
                f"the table {path} says that it has {rows:,} rows in {size:,} bytes, no real one "
                f"has more than {most:,}"
            )
        table = parquet.read(columns=wanted)
        return {name: _values(path, name, table.column(name), size) for name in wanted}
    except (OSError, pyarrow.ArrowException) as error:
        _refuse(path, error)


def _values(path: Path, name: str, column: Any, size: int) -> list[Any]:
    """The values of a column, of texts or numbers."""
    import pyarrow.compute
    from pyarrow import types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_dictionary(column.type) and kind in _texts():
        letters = 0
        for chunk in column.chunks:
            lengths = pyarrow.compute.binary_length(chunk.dictionary)
            letters += pyarrow.compute.sum(lengths.take(chunk.indices)).as_py() or 0
        if letters > (most := _SMALL + _MOST_COMPRESSED * size):
            raise BenchmarkError(
                f"column {name!r} of the table {path} unfolds to more than {most:,} letters, "
                "which no real one has"
            )
    values: list[Any] = column.to_pylist()
    return values


def _texts() -> tuple[Any, ...]:
    import pyarrow

    return pyarrow.string(), pyarrow.large_string(), pyarrow.binary(), pyarrow.large_binary()


def _text(path: Path, place: str, value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str) or not value.strip():
        found = shown(value) if value is not None and value != "" else "nothing"
        raise BenchmarkError(
            f"{place} of the table {path} has {found} in column {ARCH!r}, "
            "not an architecture string"
        )
    return value
