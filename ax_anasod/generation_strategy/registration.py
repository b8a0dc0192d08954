"""Strategies of a user's own, under a name like the built-in ones."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, Final

from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy.strategies import STRATEGIES
from ax_anasod.generation_strategy.strategy import GIVEN, Strategy
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.registered import Class, register_generator
from ax_anasod.settings import check_value, checked

# The names that the command line and file names can hold.
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.+-]*", flags=re.ASCII)


def register_strategy(
    name: str, summary: str, *, num_initial: int = NUM_INITIAL
) -> Callable[[Class], Class]:
    """Class decorator: a generator becomes a strategy like the built-in ones.

    `make`, `make_client`, `compare_strategies` and everything else that takes the name of a
    strategy then take this one; its runs are saved and loaded as Ax saves and loads any. The
    arguments of the class besides ``cell`` and ``seed`` are the strategy's options, so that
    each needs a default that is a number, a text, a truth value or None.

    A process that loads a run of the strategy must have imported the module of the class; the
    processes of a comparison do so by themselves.

    Args:
        name: The name, of letters, digits and ``. _ + -``.
        summary: One line for people.
        num_initial: Default of the option of this name: random trials with data before the
            first of the generator.

    Raises:
        OptionError: The name is taken or cannot be one, or an argument has no default.

    Example:
        Neighbours of the best architecture so far (docs/extending.md has more)::

            @register_strategy("greedy", "neighbours of the best architecture", num_initial=5)
            class GreedyGenerator(HistoryGenerator):
                space = "architecture"

                def propose(self, n, history, fixed):
                    codes, values = history.imputed()
                    neighbours = self.cell.neighbours(codes[values.argmin()])
                    return self.rng(history).choice(neighbours, n)
    """
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"a strategy cannot be called {name!r}", "use letters, digits and . _ + - only"
        )
    if name in STRATEGIES and STRATEGIES[name].origin is None:
        raise OptionError(f"there is a strategy {name!r} already", "choose another name")

    def register(kind: Class) -> Class:
        strategy = Strategy(name, summary, kind, defaults={"num_initial": num_initial}, draws=True)
        _check_arguments(kind)
        try:
            options = strategy.options.values()
        except NameError as error:
            raise OptionError(
                f"a type in the arguments of {kind.__name__} cannot be read: {error}",
                "import it outside of TYPE_CHECKING, and define it outside of functions",
            ) from error
        for option in options:
            check_value(option.name, option.default, option.annotation)
        register_generator(name, checked(kind))
        STRATEGIES[name] = strategy
        return kind

    return register


def _check_arguments(kind: type[Any]) -> None:
    """Check that each argument of a generator can be an option."""
    for argument in inspect.signature(kind).parameters.values():
        unclear = argument.empty in (argument.default, argument.annotation)
        if unclear and argument.name not in GIVEN:
            raise OptionError(
                f"the argument {argument.name!r} of {kind.__name__} needs a type and a default",
                "write it as name: float = 0.5",
            )
