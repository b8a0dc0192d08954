"""``--strategies`` as the contenders of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ax_anasod.cli.strategy_options import parse_options, parse_texts, read_start
from ax_anasod.compare import Contender
from ax_anasod.exceptions import CellError, OptionError
from ax_anasod.generation_strategy import STRATEGIES, get
from ax_anasod.nasbench import Benchmark

ALL: Final = "all"
_START: Final = {"from": "str", "from_cells": "int", "from_uniform": "float"}


def parse_contenders(text: str, trials: int) -> list[Contender]:
    """Read the strategies of a comparison.

    Args:
        text: Names, separated by commas, each followed by options that differ from the
            defaults, ``NAME:OPTION=VALUE:OPTION=VALUE``; ``"all"`` stands for every strategy
            (see `leave_out_unfit`). ``from=DIR`` is the differentiable search that a strategy
            starts from, with ``from_cells=N`` and ``from_uniform=SHARE`` as in ``search``.
        trials: The budget of each.

    Raises:
        UnknownNameError: There is no such strategy, or it has no such option.
        OptionError: An entry is empty, or an option has no value or one of the wrong type.
        RunError: What a strategy starts from is missing or damaged.
    """
    contenders = []
    for name, options in named_options(text, "--strategies"):
        if name == ALL and not options:
            contenders += [Contender(each, {}, trials) for each in STRATEGIES]
        else:
            contenders.append(_contender(name, options, trials))
    return contenders


def _contender(name: str, texts: list[str], trials: int) -> Contender:
    strategy = get(name)
    of_start = [text for text in texts if text.partition("=")[0] in _START]
    start = parse_texts(of_start, _START, "--strategies", "option of a start:")
    place = start.get("from")
    return Contender(
        name,
        parse_options(strategy, [text for text in texts if text not in of_start]),
        trials,
        read_start(
            None if place is None else Path(place),
            start.get("from_cells"),
            start.get("from_uniform"),
        ),
    )


def named_options(text: str, flag: str) -> Iterator[tuple[str, list[str]]]:
    """Names, each with the texts of its options.

    Args:
        text: ``NAME:OPTION=VALUE:OPTION=VALUE,NAME,...``
        flag: The option of the command line that it was given with.

    Raises:
        OptionError: A name is empty, or an option has no value.
    """
    for entry in _entries(text):
        name, *options = entry.split(":")
        if not name:
            raise OptionError(
                f"{flag} {text!r} has an empty name", "separate names by single commas"
            )
        for option in options:
            if not all(option.partition("=")[:2]):
                raise OptionError(f"{flag}: {entry!r} is not of the form NAME:OPTION=VALUE")
        yield name, options


def leave_out_unfit(
    text: str, contenders: list[Contender], benchmark: Benchmark
) -> tuple[list[Contender], list[str]]:
    """Of ``"all"``, those that can search the cell; a strategy that was named stays.

    Args:
        text: What `parse_contenders` has read.
        contenders: What it has made of that.
        benchmark: What they are compared on.

    Returns:
        The contenders, and why each of the others cannot.

    Raises:
        AnasodError: A strategy cannot run for another reason than the cell.
    """
    entries = list(_entries(text))
    if ALL not in entries:
        return contenders, []
    fit, reasons = [], []
    for contender in contenders:
        try:
            contender.check(benchmark)
        except CellError as error:
            if contender.label not in entries:
                reasons.append(error.message)
                continue
        fit.append(contender)
    return fit, reasons


def _entries(text: str) -> Iterator[str]:
    return (part.strip() for part in text.split(","))
