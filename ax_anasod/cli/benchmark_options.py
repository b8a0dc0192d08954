"""The options of ``search`` as the arguments of a benchmark."""

from __future__ import annotations

import inspect
from typing import Final

from ax_anasod.cli.benchmark_arguments import FLAGS, Given
from ax_anasod.exceptions import BenchmarkError, OptionError
from ax_anasod.nasbench import Benchmark, get_class, make

# NAS-Bench-201 searches one split, where the other benchmarks search several columns.
_ONE_SPLIT: Final = "search"

# Errors of benchmarks advise in the words of Python.
_WORDS: Final = {
    "present_only=True": "--present-only",
    "with accuracy, with minimize or with maximize": "with --accuracy, --minimize or --maximize",
    "pass cost='cost_seconds'": "pass --cost cost_seconds",
    "choose with surrogate=": "choose with --surrogate",
    "name it with python=PATH": "name it with --python PATH",
}


def flags_of(name: str) -> tuple[list[str], list[str]]:
    """The options that a benchmark needs, and those that it also takes.

    Raises:
        UnknownNameError: There is no such benchmark.
    """
    needed: list[str] = []
    possible: list[str] = []
    for argument, parameter in inspect.signature(get_class(name)).parameters.items():
        flag = FLAGS.get("accuracy" if argument == _ONE_SPLIT else argument)
        if flag is not None:
            (needed if parameter.default is parameter.empty else possible).append(flag)
    return needed, possible


def make_benchmark(name: str, given: Given) -> Benchmark:
    """Build a benchmark from the options of the command line.

    Args:
        name: Name of the benchmark.
        given: What was given; None, False and empty lists are
            options that were not given.

    Raises:
        UnknownNameError: There is no such benchmark, data set, cell or column.
        OptionError: The benchmark needs an option that is not given, or does not have one
            that is.
        BenchmarkError: Its data is missing or damaged.
    """
    arguments = {
        argument: value
        for argument, value in given.items()
        # By identity, since 0, which may be given, equals False.
        if value is not None and value is not False and value != []
    }
    needed, possible = flags_of(name)
    for argument in arguments:
        if FLAGS[argument] not in (*needed, *possible):
            raise OptionError(
                f"the benchmark {name!r} has no option {FLAGS[argument]}",
                f"its options: {', '.join((*needed, *possible))}",
            )
    missing = [f for f in needed if f not in {FLAGS[argument] for argument in arguments}]
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
        for words, option in _WORDS.items():
            hint = hint.replace(words, option)
        raise type(error)(error.message, hint) from error
