"""Checks that single numbers are valid and that every row is an encoding."""

from __future__ import annotations

import math
import operator
from typing import NoReturn, SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from ax_anasod.exceptions import AnasodError, EncodingError, OptionError, shown
from ax_anasod.typing import AnyArray, Counts, Indices, Mask

_INT64_MAX = np.iinfo(np.int64).max


def whole_number(
    name: str,
    value: object,
    minimum: int,
    maximum: int | None = None,
    error: type[AnasodError] = OptionError,
) -> int:
    """Returns ``value`` as an int.

    Args:
        name: The name of the number in the message.
        value: An int or a NumPy integer.
        minimum: The smallest value allowed.
        maximum: The largest value allowed; None for no upper end.
        error: The exception that is raised.

    Raises:
        AnasodError: The value is no whole number, or outside the range; of the class ``error``.
    """
    message = f"{name} must be a whole number of at least {minimum}, got {shown(value)}"
    if isinstance(value, bool):
        raise error(message)
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise error(message) from None
    if number < minimum:
        raise error(message)
    if maximum is not None and number > maximum:
        raise error(f"{name} must be at most {maximum:,}, got {shown(value)}")
    return number


def finite_number(name: str, value: SupportsFloat, minimum: float) -> float:
    """Returns ``value`` as a float.

    Args:
        name: The name of the number in the message.
        value: A real number.
        minimum: The smallest value allowed.

    Raises:
        OptionError: If the value is no number, not finite, or below the minimum.
    """
    message = f"{name} must be a finite number of at least {minimum:g}, got {value!r}"
    if isinstance(value, (bool, str)):
        raise OptionError(message)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise OptionError(message) from None
    if not math.isfinite(number) or number < minimum:
        raise OptionError(message)
    return number


def validate_counts(counts: ArrayLike, total: int | None = None) -> Counts:
    """Checks that every row is an encoding.

    Args:
        counts: ``n x k`` counts, of an integer type or floats with whole values; ``k`` is
            one row.
        total: The sum that each row must have; None accepts any sum of at least 1.

    Returns:
        ``n x k`` int64 counts, the argument itself where it already has that form.

    Raises:
        EncodingError: If a count is fractional, negative, NaN or no number, or a row does
            not sum to ``total``; names the first such row and its value.
        OptionError: If ``total`` is no whole number of at least 1.

    Example:
        >>> validate_counts([3.0, 2.0, 1.0], total=6)
        array([[3, 2, 1]])
    """
    rows = _whole_rows(_as_rows(counts))
    if rows.size and rows.min() < 0:
        _refuse_entry(rows, rows < 0, "must not be negative")
    sums = rows.sum(axis=1)
    if total is None:
        if sums.size and sums.min() < 1:
            row = int(np.argmax(sums < 1))
            raise EncodingError(f"counts must sum to at least 1, but row {row} sums to {sums[row]}")
        return rows
    total = whole_number("total", total, 1)
    # An entry above the total is wrong even where the sum overflows to the right value.
    wrong = (sums != total) | (rows > total).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise EncodingError(
            f"counts must sum to {total}, but row {row} {rows[row].tolist()} sums to "
            f"{sum(rows[row].tolist())}"
        )
    return rows


def _as_rows(counts: ArrayLike) -> AnyArray:
    try:
        rows = np.asarray(counts)
    except ValueError:
        raise EncodingError("counts must form an n x k array, got rows of unequal length") from None
    if rows.dtype.kind not in "iuf":
        raise EncodingError(f"counts must be whole numbers, got {counts!r}")
    rows = rows[None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise EncodingError(
            f"counts must form an n x k array with k at least 1, got shape {np.shape(counts)}"
        )
    return rows


def _whole_rows(rows: AnyArray) -> Indices:
    if rows.dtype.kind == "f":
        # NaN and the infinities fail the comparison as well.
        whole = (rows == np.rint(rows)) & (np.abs(rows) < 2.0**63)
        if not whole.all():
            hint = "bomze_round gives the nearest encoding"
            _refuse_entry(rows, ~whole, "must be whole numbers", hint)
    elif rows.dtype == np.uint64 and rows.size and rows.max() > _INT64_MAX:
        _refuse_entry(rows, rows > _INT64_MAX, "must fit 63 bits")
    return rows.astype(np.int64, copy=False)


def _refuse_entry(rows: AnyArray, wrong: Mask, rule: str, hint: str | None = None) -> NoReturn:
    row, column = (int(index[0]) for index in np.nonzero(wrong))
    raise EncodingError(
        f"counts {rule}, but row {row} {rows[row].tolist()} has {rows[row, column].item()!r} "
        f"at position {column}",
        hint,
    )
