from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypedDict

import pytest
import typer

from ax_anasod.cli.app import app as whole_app
from ax_anasod.cli.option_groups import Given, OptionGroup, expanded
from ax_anasod.exceptions import OptionError
from ax_anasod.settings import PositiveInt


@dataclass(frozen=True)
class Settings:
    """What something is.

    Args:
        size: How large it is, such as
            ``3``.
        name: What it is called.
        rate: How fast it is.
        quiet: Say nothing.
    """

    size: int | None = None
    name: str = "one"
    rate: float = 0.5
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise OptionError(f"rate must be at least 0, got {self.rate}")


class Others(TypedDict, total=False):
    """More of it.

    Args:
        number: How many.
        places: Where.
    """

    number: PositiveInt
    places: list[str]


SETTINGS = OptionGroup(
    Settings,
    "Settings",
    ("size", "name", "rate", "quiet"),
    changes={"name": {"flag": "--called"}, "rate": {"default": 0.1}},
)
OTHERS = OptionGroup(Others, "Others", ("number", "places"), default="as it was")

Read = Callable[..., tuple[Given, Given]]


def command(
    *, settings: Annotated[Given, SETTINGS], others: Annotated[Given, OTHERS]
) -> tuple[Given, Given]:
    """Do it."""
    return settings, others


@pytest.fixture
def read() -> Read:
    app = typer.Typer()
    app.command()(expanded(command))
    return lambda *arguments: typer.main.get_command(app).main(
        list(arguments), standalone_mode=False
    )


def test_a_command_gets_what_was_given_and_its_own_defaults(read: Read) -> None:
    assert read() == ({"rate": 0.1}, {})
    # The default of the field, too, where somebody has asked for it.
    assert read("--called", "one", "--rate", "0.5", "--quiet") == (
        {"name": "one", "rate": 0.5, "quiet": True},
        {},
    )
    assert read("--size", "3", "--number", "2", "--places", "a", "--places", "b") == (
        {"size": 3, "rate": 0.1},
        {"number": 2, "places": ["a", "b"]},
    )


@dataclass(frozen=True, kw_only=True)
class Common:
    """What two commands have in common."""

    place: Annotated[str, typer.Argument()]
    others: Annotated[Given, OTHERS]
    word: Annotated[list[str], typer.Option()]


def with_bundle(
    *, common: Common, last: Annotated[PositiveInt, typer.Option()] = 1
) -> tuple[Common, int]:
    """Do that."""
    return common, last


def test_a_command_takes_a_bundle_of_options() -> None:
    app = typer.Typer()
    app.command()(expanded(with_bundle))
    run = typer.main.get_command(app).main
    assert run(["here", "--number", "2"], standalone_mode=False) == (
        Common(place="here", others={"number": 2}, word=[]),
        1,
    )
    words = ["here", "--word", "a", "--word", "b", "--last", "2"]
    assert run(words, standalone_mode=False) == (
        Common(place="here", others={}, word=["a", "b"]),
        2,
    )
    with pytest.raises(OptionError, match="--last must be at least 1, got 0"):
        run(["here", "--last", "0"], standalone_mode=False)


def test_types_ranges_and_the_dataclass_refuse(read: Read) -> None:
    for arguments, message in {
        ("--size", "3.5"): "'3.5' is not a whole number$",
        ("--rate", "much"): "'much' is not a number$",
    }.items():
        with pytest.raises(typer.BadParameter, match=message):
            read(*arguments)
    with pytest.raises(OptionError, match="--number must be at least 1, got 0"):
        read("--number", "0")
    with pytest.raises(OptionError, match="--rate must be finite, got inf"):
        read("--rate", "inf")
    with pytest.raises(OptionError, match=r"rate must be at least 0, got -1\.0"):
        read("--rate", "-1")


def test_help_is_that_of_the_docstring() -> None:
    helps = {name: p.annotation.__metadata__[0].help for name, p in SETTINGS.parameters.items()}
    assert helps["size"] == "How large it is, such as 3."
    defaults = {name: parameter.default for name, parameter in SETTINGS.parameters.items()}
    assert defaults == {"size": None, "name": "one", "rate": 0.1, "quiet": False}
    number = OTHERS.parameters["number"]
    assert number.default is None
    assert number.annotation.__metadata__[0].show_default == "as it was"


def test_every_option_of_every_command_says_what_it_is() -> None:
    for name, each in typer.main.get_command(whole_app).commands.items():  # type: ignore[attr-defined]
        for parameter in each.params:
            assert parameter.help, (name, parameter.name)
