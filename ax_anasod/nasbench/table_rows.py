"""The rows of a table: where they stand, and what they say (architectures, settings, numbers).

Numbers may be written as Python, spreadsheets, or other languages write them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.exceptions import ArchitectureError, BenchmarkError, shown
from ax_anasod.hyperparameters import Choice, Hyperparameters
from ax_anasod.hyperparameters.kinds import Value
from ax_anasod.nasbench.lookup_benchmark import ArchitectureIndex
from ax_anasod.typing import FloatArray, IntArray, Settings

# A column with more values holds measurements, not the settings of a grid.
_MOST_VALUES: Final = 1000
_EXPONENT: Final = r"(?:[eE][+-]?\d+)?"
# Between groups of three digits: besides the sign that is not the decimal one, spaces and
# apostrophes.
_BETWEEN: Final = "\u0020\u00a0\u202f'’"


@dataclass(frozen=True)
class RowNames:
    """The names of the rows of a table, counted as a reader of the file counts them.

    Args:
        lines: The line of each row in a text file, counted from 1 as editors and spreadsheets
            do, with the header and empty lines; None where rows are counted, from 1.
    """

    lines: Sequence[int] | None = None

    def name(self, *rows: int) -> str:
        """Rows, counted from 0, in words.

        Example:
            >>> RowNames().name(0), RowNames([2, 3, 5]).name(0, 2)
            ('row 1', 'lines 2 and 5')
        """
        numbers = [row + 1 if self.lines is None else self.lines[row] for row in rows]
        word = "row" if self.lines is None else "line"
        return f"{word}{'s' if len(rows) > 1 else ''} {' and '.join(map(str, numbers))}"


ROWS: Final = RowNames()
"""Rows counted from 1, as of a Parquet file."""


def read_architectures(
    path: Path, cell: Cell, strings: list[str], places: RowNames = ROWS
) -> IntArray:
    """The architectures of a table, ``n x d`` codes.

    Args:
        path: The table.
        cell: The cell.
        strings: The column ``arch``.
        places: Where the rows stand, for messages.

    Raises:
        BenchmarkError: A string is malformed.
    """
    try:
        return cell.from_strings(strings)
    except ArchitectureError as error:
        row, reason = _first_malformed(cell, strings, error)
        raise BenchmarkError(
            f"{places.name(row)} of the table {path}: {reason.message}", reason.hint
        ) from error


def read_parameters(
    path: Path, columns: Mapping[str, Sequence[Any]], places: RowNames = ROWS
) -> tuple[Hyperparameters, Settings]:
    """The hyperparameters of a table: the values that its columns have.

    A column of numbers is an ordered choice, so that a model sees the places of its values in
    their order, whether people chose them on a linear scale or on that of ratios; one of texts or
    truth values is an unordered choice. Nothing between the values of the table is searched,
    since no row says what it gives.

    Args:
        path: The table.
        columns: Name -> ``n`` values: numbers, truth values or texts.
        places: Where the rows stand, for messages.

    Returns:
        The choices, in the order of the columns, and the settings ``n x h`` of the rows.

    Raises:
        BenchmarkError: A column has a field that is empty or not finite, only one value, or more
            than 1,000 different ones.
    """
    choices, settings = [], []
    for name, column in columns.items():
        values = _values(path, name, column, places)
        different = sorted({*values})
        if not 2 <= len(different) <= _MOST_VALUES:
            found = (
                f"has no other value than {shown(different[0])}, so that there is nothing to search"
                if len(different) < 2
                else f"has {len(different):,} different values, as measurements have; a parameter "
                f"has at most {_MOST_VALUES:,}"
            )
            raise BenchmarkError(f"column {name!r} of the table {path} {found}")
        choices.append(Choice(name, tuple(different), _is_number(different[0])))
        levels = {value: level for level, value in enumerate(different)}
        settings.append([levels[value] for value in values])
    return Hyperparameters(tuple(choices)), np.array(settings, dtype=np.float64).T


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(path: Path, name: str, column: Sequence[Any], places: RowNames) -> Sequence[Value]:
    """The values of a column, all of one type."""
    if all(isinstance(value, bool) for value in column):
        return column
    for row, value in enumerate(column):
        if value is None or (isinstance(value, str) and not value.strip()):
            raise BenchmarkError(
                f"column {name!r} of the table {path} is empty in {places.name(row)}"
            )
    try:
        numbers = to_numbers(f"the table {path}", name, [*column], places)
    except BenchmarkError:
        # Texts, of which some may look like numbers: "none", "0.1", "0.2".
        return [value.strip() if isinstance(value, str) else str(value) for value in column]
    if not (finite := np.isfinite(numbers)).all():
        row = int(np.argmin(finite))
        raise BenchmarkError(
            f"column {name!r} of the table {path} holds {numbers[row]:g} in {places.name(row)}",
            "a parameter has finite values",
        )
    whole = bool((numbers == np.rint(numbers)).all())
    return [int(number) if whole else number for number in numbers.tolist()]


def refuse_repeats(
    path: Path,
    strings: Sequence[str],
    index: ArchitectureIndex,
    columns: Mapping[str, FloatArray],
    places: RowNames = ROWS,
) -> None:
    """Make sure that no two rows are of the same.

    Args:
        path: The table.
        strings: The column ``arch``.
        index: Finds the rows.
        columns: The columns of numbers, of which the message tells how they differ.
        places: Where the rows stand, for messages.

    Raises:
        BenchmarkError: Two rows hold the same architecture and settings.
    """
    repeats = index.repeats()
    if not len(repeats):
        return
    differing = {
        name: values[repeats[:, 0]] != values[repeats[:, 1]] for name, values in columns.items()
    }
    # A pair whose values differ, if there is one: what is kept of the other ones is the same.
    pair = int(np.argmax(np.any([*differing.values(), np.zeros(len(repeats), bool)], axis=0)))
    first, second = repeats[pair]
    values = [
        f", with {name!r} {columns[name][first]:.15g} and {columns[name][second]:.15g}"
        for name, wrong in differing.items()
        if wrong[pair]
    ]
    beside = index.hyperparameters.names
    same = f" and the same {', '.join(beside)}" if beside else ""
    raise BenchmarkError(
        f"{places.name(first, second)} of the table {path} hold the same architecture "
        f"{strings[second]!r}{same}{''.join(values[:1])} ({len(repeats):,} "
        f"{'repeat' if len(repeats) == 1 else 'repeats'})",
        "keep one row for each architecture, or their mean; or search what they differ in, too: "
        "with parameter=COLUMN",
    )


def _first_malformed(
    cell: Cell, strings: list[str], error: ArchitectureError
) -> tuple[int, ArchitectureError]:
    # Bisection: all strings before `good` are well formed, one before `bad` is not.
    good, bad = 0, len(strings)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            cell.from_strings(strings[good:middle])
            good = middle
        except ArchitectureError:
            bad = middle
    try:
        cell.from_strings(strings[good:bad])
    except ArchitectureError as alone:
        # Of one string, so that its message does not count places from 0 as well.
        error = alone
    return good, error


def _written(point: str, group: str) -> re.Pattern[str]:
    digits = rf"(?:\d{{1,3}}(?:[{group}{_BETWEEN}]\d{{3}})+|\d+)"
    return re.compile(rf"[+-]?{digits}(?:{point}\d+)?{_EXPONENT}", re.ASCII)


# Decimal sign -> how numbers are written with it.
_STYLES: Final = {".": _written(r"\.", ","), ",": _written(",", r"\.")}


def to_numbers(source: str, name: str, values: list[Any], places: RowNames = ROWS) -> FloatArray:
    """The numbers of a column.

    Texts may be written with a decimal comma, with signs between groups of three digits, or with
    a percent sign, if all of the column then have one meaning only.

    Args:
        source: The table in words, for messages.
        name: The column.
        values: ``n`` values: numbers, or texts.
        places: Where the rows stand, for messages.

    Returns:
        ``n`` numbers, with 90.5 for ``"90.5 %"``.

    Raises:
        BenchmarkError: If a value is no number, or may be several.

    Example:
        >>> to_numbers("a table", "error", ["1.204,5", "17", "3,25"]).tolist()
        [1204.5, 17.0, 3.25]
    """
    numbers = np.empty(len(values), dtype=np.float64)
    for row, value in enumerate(values):
        try:
            # Tables do not write large numbers as Python may, with underscores.
            if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
                raise ValueError
            numbers[row] = float(value)
        except (TypeError, ValueError, OverflowError):
            return _of_texts(source, name, values, row, places)
    return numbers


def _of_texts(
    source: str, name: str, values: list[Any], wrong: int, places: RowNames
) -> FloatArray:
    """Convert texts of which one, in the row ``wrong``, is not written as in Python."""
    if all(isinstance(value, str) and value.strip() for value in values):
        texts = [value.strip() for value in values]
        if all(text.endswith("%") for text in texts):
            texts = [text.removesuffix("%").rstrip() for text in texts]
        ways = [
            _translated(texts, point)
            for point, style in _STYLES.items()
            if all(map(style.fullmatch, texts))
        ]
        if len(ways) == 1 or (len(ways) == 2 and ways[0] == ways[1]):
            return np.array(ways[0], dtype=np.float64)
        if ways:
            row = next(row for row, two in enumerate(zip(*ways, strict=True)) if two[0] != two[1])
            raise BenchmarkError(
                f"column {name!r} of {source} holds {shown(values[row])} in {places.name(row)}, "
                f"which may be {ways[0][row]:.15g} or {ways[1][row]:.15g}",
                "write numbers with a decimal point, and nothing between groups of digits",
            )
    value = values[wrong]
    empty = value is None or (isinstance(value, str) and not value.strip())
    raise BenchmarkError(
        f"column {name!r} of {source} {'is empty' if empty else f'holds {shown(value)}'} in "
        f"{places.name(wrong)}, not a number",
        None
        if empty or not isinstance(value, str) or not any(map(str.isdecimal, value))
        else "write all numbers of a column in one way, without units",
    )


def _translated(texts: list[str], point: str) -> list[float]:
    other = "," if point == "." else "."
    plain = str.maketrans({point: "."} | dict.fromkeys(other + _BETWEEN))
    return [float(text.translate(plain)) for text in texts]
