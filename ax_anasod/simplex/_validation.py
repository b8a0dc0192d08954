"""Checks of single numbers that the whole room shares."""

from __future__ import annotations

import math
import operator
from typing import SupportsFloat, SupportsIndex

from ax_anasod.exceptions import OptionError


def whole_number(name: str, value: SupportsIndex, minimum: int, maximum: int | None = None) -> int:
    """Returns ``value`` as an int.

    Args:
        name: What the number is called in the message.
        value: An int or a NumPy integer.
        minimum: The smallest value allowed.
        maximum: The largest value allowed; None for no upper end.

    Raises:
        OptionError: If the value is no whole number, or outside the range.
    """
    allowed = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    message = f"{name} must be a whole number {allowed}, got {value!r}"
    if isinstance(value, bool):
        raise OptionError(message)
    try:
        number = operator.index(value)
    except TypeError:
        raise OptionError(message) from None
    if number < minimum or (maximum is not None and number > maximum):
        raise OptionError(message)
    return number


def finite_number(
    name: str, value: SupportsFloat, minimum: float, *, strict: bool = False
) -> float:
    """Returns ``value`` as a float.

    Args:
        name: What the number is called in the message.
        value: A real number.
        minimum: The smallest value allowed.
        strict: Whether the minimum itself is refused.

    Raises:
        OptionError: If the value is no number, not finite, or below the minimum.
    """
    message = (
        f"{name} must be a finite number {'above' if strict else 'of at least'} {minimum:g}, "
        f"got {value!r}"
    )
    if isinstance(value, (bool, str)):
        raise OptionError(message)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise OptionError(message) from None
    if not math.isfinite(number) or number < minimum or (strict and number == minimum):
        raise OptionError(message)
    return number
