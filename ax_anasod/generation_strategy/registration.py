"""Strategies of a user's own, under a name like the built-in ones."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, make_dataclass
from typing import Any, Final

from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.adapter import AnasodGenerators
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy.nodes import SearchStrategy, draws_then_model, node
from ax_anasod.generation_strategy.options import CheckedOptions
from ax_anasod.generation_strategy.strategy import STRATEGIES, Strategy
from ax_anasod.generators.checks import check_number
from ax_anasod.generators.registered import Class, RegisteredGenerator, register_generator

# What the command line and file names can hold.
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.+-]*", flags=re.ASCII)
_OWN: Final[set[str]] = set()


@dataclass(frozen=True)
class OwnOptions(CheckedOptions):
    """Options of every registered strategy.

    Args:
        num_initial: Random trials with data before the first of the generator.

    Raises:
        OptionError: A value is out of range or of the wrong type.
    """

    num_initial: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("num_initial", self.num_initial, 0)


def register_strategy(
    name: str, summary: str, *, num_initial: int = 10
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
    if name in STRATEGIES and name not in _OWN:
        raise OptionError(f"there is a strategy {name!r} already", "choose another name")

    def register(kind: Class) -> Class:
        options = _options_of(kind, num_initial)
        register_generator(name, kind)
        _OWN.add(name)
        STRATEGIES[name] = Strategy(
            name, summary, kind.space, options, _build, origin=kind.__module__
        )
        return kind

    return register


def _options_of(kind: type[Any], num_initial: int) -> type[OwnOptions]:
    """The class of the options of a generator."""
    options: list[tuple[str, Any, Any]] = [("num_initial", "int", field(default=num_initial))]
    for argument in inspect.signature(kind).parameters.values():
        if argument.name in ("cell", "seed"):
            continue
        if argument.default is argument.empty or argument.annotation is argument.empty:
            raise OptionError(
                f"the argument {argument.name!r} of {kind.__name__} needs a type and a default",
                "write it as name: float = 0.5",
            )
        annotation = argument.annotation
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        options.append((argument.name, text, field(default=argument.default)))
    made: type[OwnOptions] = make_dataclass(
        f"{kind.__name__}Options", options, bases=(OwnOptions,), frozen=True
    )
    made()  # refuses a default of another type
    made.__doc__ = kind.__doc__
    return made


def _build(
    name: str, space: AnasodSearchSpace | CellSearchSpace, seed: int, options: OwnOptions
) -> GenerationStrategy:
    own = asdict(options)
    num_initial = own.pop("num_initial")
    arguments: dict[str, Any] = {
        "cell": space.cell.to_dict(),
        "seed": seed,
        "registered_as": name,
        "options": own,
    }
    RegisteredGenerator(**arguments)  # refuses before the first trial
    if not num_initial:
        return SearchStrategy(name=name, nodes=[node(name, AnasodGenerators.REGISTERED, arguments)])
    draws = (
        AnasodGenerators.ANASOD_RANDOM
        if isinstance(space, AnasodSearchSpace)
        else AnasodGenerators.RANDOM_ARCHITECTURE
    )
    return draws_then_model(name, draws, AnasodGenerators.REGISTERED, arguments, num_initial)
