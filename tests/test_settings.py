"""What a setting must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.settings import (
    PositiveFloat,
    PositiveInt,
    Probability,
    argument_texts,
    check_value,
    checked,
)


@checked
@dataclass(frozen=True)
class Part:
    """One.

    Args:
        size: Of it.
    """

    size: PositiveInt = 1


@checked
@dataclass(frozen=True)
class Settings:
    """All of them.

    Args:
        number: How many,
            of which kind.
        most: None for no end.
        rate: A step.

    Raises:
        OptionError: One is wrong.
    """

    number: PositiveInt = 1
    most: PositiveInt | None = None
    rate: PositiveFloat = 0.5
    share: Probability = 0.0
    yes: bool = False
    name: str = ""
    kind: Literal["one", "other"] = "one"
    either: PositiveInt | Literal["auto"] = "auto"
    part: Part = Part()
    widths: tuple[PositiveInt, ...] = ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"number": 0}, "number must be at least 1, got 0"),
        ({"number": 2.0}, "number must be a whole number, got 2.0"),
        ({"number": np.int64(2)}, "number must be a whole number, got "),
        ({"number": True}, "number must be a whole number, got True"),
        ({"most": "1"}, "most must be a whole number or None, got '1'"),
        ({"rate": 0}, "rate must be above 0, got 0"),
        ({"rate": float("nan")}, "rate must be finite, got nan"),
        ({"rate": 10**400}, "rate must be a number, got "),
        ({"rate": False}, "rate must be a number, got False"),
        ({"share": 1.5}, "share must be at least 0 and at most 1, got 1.5"),
        ({"yes": 1}, "yes must be true or false, got 1"),
        ({"name": b"x"}, "name must be a text, got b'x'"),
        ({"kind": None}, "kind must be 'one' or 'other', got None"),
        ({"either": 0}, "either must be at least 1 or 'auto', got 0"),
        ({"part": {"size": 2}}, "part must be of Part, got {'size': 2}"),
        ({"widths": (1, 0)}, "widths must be at least 1, got 0"),
        ({"widths": 3}, "widths must be a tuple, got 3"),
    ],
)
def test_what_an_annotation_does_not_allow_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as refusal:
        Settings(**given)
    assert str(refusal.value).startswith(message)


def test_names_that_do_not_exist_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown option 'numbers'.*did you mean 'number'"):
        Settings(numbers=1)  # type: ignore[call-arg]
    with pytest.raises(UnknownNameError, match="unknown kind 'on'.*did you mean 'one'"):
        Settings(kind="on")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        Settings(either="aut")  # type: ignore[arg-type]


def test_what_is_allowed_is_kept() -> None:
    settings = Settings(3, rate=2, kind="other", widths=(4, 5), part=Part(2), name="\udcff")
    assert (settings.number, settings.rate, settings.kind) == (3, 2, "other")
    assert (settings.widths, settings.part, settings.name) == ((4, 5), Part(2), "\udcff")


def test_a_class_is_checked_once() -> None:
    before = Settings.__init__
    assert checked(Settings).__init__ is before


def test_what_the_docstring_says_of_each_argument() -> None:
    texts = argument_texts(Settings)
    assert texts == {
        "number": "How many, of which kind.",
        "most": "None for no end.",
        "rate": "A step.",
    }


def test_a_single_value() -> None:
    assert check_value("share", 0.5, Probability) == 0.5
    with pytest.raises(OptionError, match="share must be at least 0 and at most 1, got -1"):
        check_value("share", -1, Probability)
