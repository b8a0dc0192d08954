"""``--strategies`` as the contenders of a comparison."""

from __future__ import annotations

from typing import Final

from ax_anasod.cli.strategy_options import parse_options
from ax_anasod.compare import Contender
from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy import STRATEGIES, get

ALL: Final = "all"


def parse_contenders(text: str, trials: int) -> list[Contender]:
    """Read the strategies of a comparison.

    Args:
        text: Names, separated by commas, each followed by options that differ from the
            defaults, ``NAME:OPTION=VALUE:OPTION=VALUE``; ``"all"`` stands for every strategy.
        trials: The budget of each.

    Raises:
        UnknownNameError: There is no such strategy, or it has no such option.
        OptionError: An entry is empty, or an option has no value or one of the wrong type.
    """
    contenders = []
    for entry in (part.strip() for part in text.split(",")):
        if entry == ALL:
            contenders += [Contender(name, {}, trials) for name in STRATEGIES]
            continue
        name, *options = entry.split(":")
        if not name:
            raise OptionError(
                f"--strategies {text!r} has an empty name", "separate names by single commas"
            )
        strategy = get(name)
        for option in options:
            if not all(option.partition("=")[:2]):
                raise OptionError(f"--strategies: {entry!r} is not of the form NAME:OPTION=VALUE")
        contenders.append(Contender(name, parse_options(strategy, options), trials))
    return contenders
