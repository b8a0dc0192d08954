"""Texts of the command line as options of strategies, trainings and benchmarks."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ax_anasod.cli.option_groups import Given
from ax_anasod.cli.options import BENCHMARK, SCREEN, START
from ax_anasod.exceptions import BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench import Benchmark, get_class, make
from ax_anasod.nasbench.table_file import read_table
from ax_anasod.objectives import Limit
from ax_anasod.proxies import PROXIES
from ax_anasod.runs.run_config import Screening
from ax_anasod.settings import argument_types, type_name
from ax_anasod.training.training_config import TrainingConfig

if TYPE_CHECKING:
    from ax_anasod.generation_strategy import Start, Strategy


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
    "Path": Path,
}
_WORDS: Final = {
    "None": "none",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
}

# NAS-Bench-201 searches one split, where the other benchmarks search several columns.
_ONE_SPLIT: Final = "search"

# Hints of benchmark errors use Python syntax; these are the same hints as options.
_ADVICE: Final = {
    "present_only=True": "--present-only",
    "with accuracy, with minimize or with maximize": "with --accuracy, --minimize or --maximize",
    "with parameter=COLUMN": "--parameter COLUMN",
    "pass cost='cost_seconds'": "pass --cost cost_seconds",
    "choose with surrogate=": "choose with --surrogate",
    "name it with python=PATH": "name it with --python PATH",
}


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
        kind: Kind of the names, for messages.

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


def parse_training(given: Given, texts: Sequence[str]) -> dict[str, Any]:
    """Read ``--training NAME=VALUE`` beside the options that have names of their own.

    Args:
        given: Values of these options, as arguments of :class:`TrainingConfig`.
        texts: ``NAME=VALUE`` each.

    Raises:
        UnknownNameError: The training protocol has no such value.
        OptionError: A text has no value, one of the wrong type, or a name comes twice.
    """
    options = parse_texts(texts, field_types(TrainingConfig), "--training", "training option")
    for name in sorted(options.keys() & given.keys()):
        raise OptionError(
            f"{name} is given twice: --{name.replace('_', '-')} and --training {name}=...",
            "give one of them",
        )
    return {**given, **options}


def read_start(given: Given) -> Start | None:
    """Read ``--from``, ``--from-cells`` and ``--from-uniform``; None where none was given.

    Args:
        given: Their values, as `ax_anasod.cli.options.StartArguments`.

    Raises:
        OptionError: A value is out of range, or there is nothing to start from.
        RunError: The result is missing or damaged.
    """
    changes = dict(given)
    place = changes.pop("place", None)
    if place is None:
        for name in changes:
            raise OptionError(f"{START.flags[name]} is for --from DIR")
        return None
    from ax_anasod.generation_strategy import Start

    return replace(Start.of(place), **changes)


def read_screening(given: Given) -> Screening | None:
    """Read ``--screen``, ``--screen-cost`` and ``--screen-trials``; None where none was given.

    Args:
        given: Their values, as fields of `Screening`.

    Raises:
        OptionError: A number is out of range, or one is given without the others.
    """
    if "column" not in given:
        for name in given:
            raise OptionError(f"{SCREEN.flags[name]} is for --screen COLUMN")
        return None
    if "cost" not in given:
        raise OptionError(
            f"--screen {given['column']} needs --screen-cost X",
            "what an evaluation of it costs, in evaluations of the objective, such as 0.06",
        )
    return Screening(**given)


def option_types(strategy: Strategy) -> dict[str, str]:
    """Option -> its type as Python writes it, e.g. ``"int | None"``."""
    return {name: option.type for name, option in strategy.options.items()}


def field_types(config: type[Any]) -> dict[str, str]:
    """Field of a dataclass -> its type as Python writes it."""
    types = argument_types(config)
    return {field.name: type_name(types[field.name]) for field in fields(config)}


def option_defaults(strategy: Strategy) -> dict[str, str]:
    """Option -> its default in the words of the command line."""
    return {
        # A schedule over the planned number of trials is told that number.
        name: "--trials" if name == "num_trials" else str(option.default).lower()
        for name, option in strategy.options.items()
    }


ALL: Final = "all"
"""Stands for every strategy or method."""


def named_options(text: str, flag: str) -> Iterator[tuple[str, list[str]]]:
    """Names, each with the texts of its options.

    Args:
        text: ``NAME:OPTION=VALUE:OPTION=VALUE,NAME,...``
        flag: The option of the command line that it was given with.

    Raises:
        OptionError: A name is empty, or an option has no value.
    """
    for entry in entries(text):
        name, *options = entry.split(":")
        if not name:
            raise OptionError(
                f"{flag} {text!r} has an empty name", "separate names by single commas"
            )
        for option in options:
            if not all(option.partition("=")[:2]):
                raise OptionError(f"{flag}: {entry!r} is not of the form NAME:OPTION=VALUE")
        yield name, options


def entries(text: str) -> Iterator[str]:
    """The parts of a text, separated by commas."""
    return (part.strip() for part in text.split(","))


def flags_of(name: str) -> tuple[list[str], list[str]]:
    """The options that a benchmark needs, and those that it also takes.

    Raises:
        UnknownNameError: There is no such benchmark.
    """
    needed: list[str] = []
    possible: list[str] = []
    for argument, parameter in inspect.signature(get_class(name)).parameters.items():
        flag = BENCHMARK.flags.get("accuracy" if argument == _ONE_SPLIT else argument)
        if flag is not None:
            (needed if parameter.default is parameter.empty else possible).append(flag)
    return needed, possible


def with_columns(
    benchmark: str, given: Given, limits: Sequence[str], known: Sequence[str]
) -> Given:
    """The arguments of a benchmark; columns that are limited or known are reported.

    Args:
        benchmark: Name of the benchmark.
        given: Its arguments, as `ax_anasod.cli.options.BenchmarkArguments`.
        limits: Such as ``"latency<=5"``.
        known: Names of columns, or of proxies that the table has no column of.

    Raises:
        OptionError: A limit is none.
    """
    if benchmark != "table":
        return _with_quantities(benchmark, given, limits, known)
    there = [name for key in ("minimize", "maximize", "report") for name in given.get(key, [])]
    there += [f"{name}_error" for name in given.get("accuracy", [])]
    names = [*known, *(Limit.parse(text).name for text in limits)]
    lacking = [name for name in dict.fromkeys(names) if name not in there]
    lacking = [n for n in lacking if n not in PROXIES or _has_column(given.get("path"), n)]
    return {**given, "report": [*given.get("report", []), *lacking]} if lacking else given


def _with_quantities(
    benchmark: str, given: Given, limits: Sequence[str], known: Sequence[str]
) -> Given:
    names = dict.fromkeys([*known, *(Limit.parse(text).name for text in limits)])
    if not names:
        return given
    made = make_benchmark(benchmark, given)
    reported = made.to_dict().get("report")
    there = {quantity.name for quantity in (*made.objectives, *made.reported)}
    lacking = [name for name in names if name not in there and name not in PROXIES]
    if reported is None or not lacking:
        return given
    return {**given, "report": [*reported, *lacking]}


def _has_column(path: str | None, name: str) -> bool:
    """Return True if a table has a column, or cannot be read: the benchmark will report that."""
    try:
        return path is None or bool(read_table(Path(path), [name]))
    except UnknownNameError:
        return False
    except BenchmarkError:
        return True


def make_benchmark(name: str, given: Given) -> Benchmark:
    """Build a benchmark from the options of the command line.

    Args:
        name: Name of the benchmark.
        given: Its arguments, as `ax_anasod.cli.options.BenchmarkArguments`.

    Raises:
        UnknownNameError: There is no such benchmark, data set, cell or column.
        OptionError: The benchmark needs an option that is not given, or does not have one
            that is.
        BenchmarkError: Its data is missing or damaged.
    """
    arguments = dict(given)
    needed, possible = flags_of(name)
    for argument in arguments:
        if BENCHMARK.flags[argument] not in (*needed, *possible):
            raise OptionError(
                f"the benchmark {name!r} has no option {BENCHMARK.flags[argument]}",
                f"its options: {', '.join((*needed, *possible))}",
            )
    missing = [f for f in needed if f not in {BENCHMARK.flags[argument] for argument in arguments}]
    if missing:
        raise OptionError(f"the benchmark {name!r} needs {' and '.join(missing)}")
    if _ONE_SPLIT in inspect.signature(get_class(name)).parameters and "accuracy" in arguments:
        splits = arguments.pop("accuracy")
        if len(splits) > 1:
            raise OptionError(
                f"the benchmark {name!r} searches one split, got --accuracy {', '.join(splits)}"
            )
        arguments[_ONE_SPLIT] = splits[0]
    try:
        return make(name, **arguments)
    except (BenchmarkError, OptionError) as error:
        if error.hint is None:
            raise
        hint = error.hint
        for words, option in _ADVICE.items():
            hint = hint.replace(words, option)
        raise type(error)(error.message, hint) from error


def _parse(name: str, value: str, annotation: str) -> Any:
    for kind in (part.strip() for part in annotation.split("|")):
        try:
            return _READERS[kind](value)
        except (KeyError, ValueError):
            continue
    kinds = " or ".join(_WORDS.get(kind.strip(), kind.strip()) for kind in annotation.split("|"))
    raise OptionError(f"option {name} must be {kinds}, got {value!r}")
