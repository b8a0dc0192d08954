"""Checks of single options."""

from __future__ import annotations

import math

import pytest

from ax_anasod.exceptions import OptionError
from ax_anasod.generators.checks import check_number


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_closed_ends_are_allowed(value: float) -> None:
    check_number("share", value, 0, 1)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        (-0.1, "at least 0 and at most 1"),
        (1.1, "at least 0 and at most 1"),
        (math.nan, "at least 0 and at most 1"),
    ],
)
def test_values_outside_are_refused(value: float, allowed: str) -> None:
    with pytest.raises(OptionError, match=f"share must be {allowed}, got {value}"):
        check_number("share", value, 0, 1)


def test_open_ends_are_refused() -> None:
    with pytest.raises(OptionError, match="rate must be above 0, got 0"):
        check_number("rate", 0, 0, open_start=True)
    with pytest.raises(OptionError, match="share must be at least 0 and below 1, got 1"):
        check_number("share", 1, 0, 1, open_end=True)


def test_infinity_is_no_number() -> None:
    with pytest.raises(OptionError, match="rate must be finite and at least 0, got inf"):
        check_number("rate", math.inf, 0)
