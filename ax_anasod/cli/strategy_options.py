"""``--option NAME=VALUE`` as the typed options of a strategy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generation_strategy import Start, Strategy


def parse_options(strategy: Strategy, texts: Sequence[str]) -> dict[str, Any]:
    """Read the options of a strategy.

    Args:
        strategy: The strategy.
        texts: ``NAME=VALUE`` each.

    Raises:
        UnknownNameError: The strategy has no such option.
        OptionError: A text has no value, one of the wrong type, or a name comes twice.
    """
    return parse_texts(
        texts, option_types(strategy), "--option", f"option of strategy {strategy.name!r}:"
    )


def parse_texts(
    texts: Sequence[str], types: Mapping[str, str], flag: str, kind: str
) -> dict[str, Any]:
    """Read values of known names and types.

    Args:
        texts: ``NAME=VALUE`` each.
        types: Name -> its type as Python writes it, e.g. ``"int | None"``.
        flag: The option of the command line that they were given with.
        kind: What a name should have been.

    Raises:
        UnknownNameError: There is no such name.
        OptionError: A text has no value, one of the wrong type, or a name comes twice.
    """
    options: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise OptionError(f"{flag} {text!r} is not of the form NAME=VALUE")
        if name not in types:
            raise UnknownNameError(kind, name, types or ["(none)"])
        if name in options:
            raise OptionError(f"{flag} {name} is given twice")
        options[name] = _parse(name, value, types[name])
    return options


def read_start(place: Path | None, cells: int | None, uniform: float | None) -> Start | None:
    """Read ``--from``, ``--from-cells`` and ``--from-uniform``; None where none was given.

    Args:
        place: The folder of a differentiable search, or its result.
        cells: How many of its cells are the first trials.
        uniform: The share of a uniform distribution.

    Raises:
        OptionError: A value is out of range, or there is nothing to start from.
        RunError: The result is missing or damaged.
    """
    given: dict[str, Any] = {"cells": cells, "uniform": uniform}
    given = {name: value for name, value in given.items() if value is not None}
    if place is None:
        for name in given:
            raise OptionError(f"--from-{name} is for --from DIR")
        return None
    return replace(Start.of(place), **given)


def option_types(strategy: Strategy) -> dict[str, str]:
    """Option -> its type as Python writes it, e.g. ``"int | None"``."""
    return {name: option.type for name, option in strategy.options.items()}


def field_types(config: type[Any]) -> dict[str, str]:
    """Field of a dataclass -> its type as Python writes it."""
    return {
        field.name: field.type if isinstance(field.type, str) else field.type.__name__
        for field in fields(config)
    }


def option_defaults(strategy: Strategy) -> dict[str, str]:
    """Option -> its default in the words of the command line."""
    return {
        # A schedule over the planned number of trials is told that number.
        name: "--trials" if name == "num_trials" else str(option.default).lower()
        for name, option in strategy.options.items()
    }


def _parse(name: str, value: str, annotation: str) -> Any:
    for kind in (part.strip() for part in annotation.split("|")):
        try:
            return _READERS[kind](value)
        except (KeyError, ValueError):
            continue
    kinds = " or ".join(_WORDS.get(kind.strip(), kind.strip()) for kind in annotation.split("|"))
    raise OptionError(f"option {name} must be {kinds}, got {value!r}")


def _read_float(value: str) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


_NAMED: Final = {"true": True, "false": False}
_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "None": lambda value: {"none": None}[value.lower()],
    "bool": lambda value: _NAMED[value.lower()],
    "int": int,
    "float": _read_float,
    "str": str,
}
_WORDS: Final = {
    "None": "none",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
}
