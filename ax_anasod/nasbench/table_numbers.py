"""Numbers as tables hold them: of Python, of spreadsheets, of other languages."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from ax_anasod.exceptions import BenchmarkError, shown
from ax_anasod.nasbench.benchmark import FloatArray

_EXPONENT: Final = r"(?:[eE][+-]?\d+)?"
# Between groups of three digits: besides the sign that is not the decimal one, spaces and
# apostrophes.
_BETWEEN: Final = "\u0020\u00a0\u202f'’"


def _written(point: str, group: str) -> re.Pattern[str]:
    digits = rf"(?:\d{{1,3}}(?:[{group}{_BETWEEN}]\d{{3}})+|\d+)"
    return re.compile(rf"[+-]?{digits}(?:{point}\d+)?{_EXPONENT}", re.ASCII)


# Decimal sign -> how numbers are written with it.
_STYLES: Final = {".": _written(r"\.", ","), ",": _written(",", r"\.")}


def to_numbers(source: str, name: str, values: list[Any]) -> FloatArray:
    """The numbers of a column.

    Texts may be written with a decimal comma, with signs between groups of three digits, or with
    a percent sign, if all of the column then have one meaning only.

    Args:
        source: The table in words, for messages.
        name: The column.
        values: ``n`` values: numbers, or texts.

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
            # Python's own way of writing large numbers is nobody's in a table.
            if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
                raise ValueError
            numbers[row] = float(value)
        except (TypeError, ValueError, OverflowError):
            return _of_texts(source, name, values, row)
    return numbers


def _of_texts(source: str, name: str, values: list[Any], wrong: int) -> FloatArray:
    """The same of texts of which one, in the row ``wrong``, is not written as in Python."""
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
                f"column {name!r} of {source} holds {shown(values[row])} in row {row + 1}, which "
                f"may be {ways[0][row]:.15g} or {ways[1][row]:.15g}",
                "write numbers with a decimal point, and nothing between groups of digits",
            )
    value = values[wrong]
    empty = value is None or (isinstance(value, str) and not value.strip())
    raise BenchmarkError(
        f"column {name!r} of {source} {'is empty' if empty else f'holds {shown(value)}'} in row "
        f"{wrong + 1}, not a number",
        None
        if empty or not isinstance(value, str) or not any(map(str.isdecimal, value))
        else "write all numbers of a column in one way, without units",
    )


def _translated(texts: list[str], point: str) -> list[float]:
    other = "," if point == "." else "."
    plain = str.maketrans({point: "."} | dict.fromkeys(other + _BETWEEN))
    return [float(text.translate(plain)) for text in texts]
