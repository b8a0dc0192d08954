"""Checks of single options that several generators share."""

from __future__ import annotations

import math

from ax_anasod.exceptions import OptionError


def check_number(
    name: str,
    value: float,
    minimum: float,
    maximum: float = math.inf,
    *,
    open_start: bool = False,
    open_end: bool = False,
) -> None:
    """Refuse an option that is out of range.

    Args:
        name: What the option is called.
        value: Its value.
        minimum: The smallest value allowed.
        maximum: The largest value allowed.
        open_start: Whether the minimum itself is refused.
        open_end: Whether the maximum itself is refused.

    Raises:
        OptionError: The value is NaN, infinite or out of range.

    Example:
        >>> check_number("learning_rate", 0.1, 0, open_start=True)
    """
    too_low = value <= minimum if open_start else value < minimum
    too_high = value >= maximum if open_end else value > maximum
    # NaN is neither.
    if math.isfinite(value) and not too_low and not too_high:
        return
    finite = "finite and " if math.isinf(value) else ""
    allowed = f"{finite}{'above' if open_start else 'at least'} {minimum:g}"
    if maximum < math.inf:
        allowed += f" and {'below' if open_end else 'at most'} {maximum:g}"
    raise OptionError(f"{name} must be {allowed}, got {value}")
