"""Benchmarks by name: for the command line, and for resuming a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ax_anasod.exceptions import BenchmarkError, OptionError, UnknownNameError, nearest_hint, shown
from ax_anasod.nasbench.benchmark import Benchmark

_Class = TypeVar("_Class", bound=type[Benchmark])

_CLASSES: dict[str, type[Benchmark]] = {}

KIND = "benchmark"
"""Key of the registered name in the description that `to_dict` returns."""


def register_benchmark(name: str) -> Callable[[_Class], _Class]:
    """Class decorator: `make` and `from_dict` find the class under this name.

    Args:
        name: The name, e.g. ``"my-benchmark"``; `to_dict` must return it under the key
            ``"benchmark"``.

    Raises:
        OptionError: If another class has the name.
    """

    def register(cls: _Class) -> _Class:
        known = _CLASSES.setdefault(name, cls)
        # A module that is imported again (a notebook cell run twice) defines its
        # classes again: the newer one of the same origin takes over.
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise OptionError(f"the benchmark name {name!r} is taken by {known.__qualname__}")
        _CLASSES[name] = cls
        return cls

    return register


def names() -> tuple[str, ...]:
    """The registered names.

    Example:
        >>> [name for name in names() if name.startswith("nas-bench-g")]
        ['nas-bench-graph']
    """
    return tuple(_CLASSES)


def get_class(name: str) -> type[Benchmark]:
    """The class of a registered benchmark.

    Raises:
        UnknownNameError: If there is none of this name.
    """
    if not isinstance(name, str) or name not in _CLASSES:
        raise UnknownNameError("benchmark", name, _CLASSES)
    return _CLASSES[name]


def make(benchmark: str, /, **options: object) -> Benchmark:
    """Builds a benchmark by name.

    Args:
        benchmark: A registered name, see `names`.
        **options: The arguments of the class of that name.

    Raises:
        UnknownNameError: If there is no such benchmark.
        OptionError: If an option is unknown to it, or one that it needs is absent.
        BenchmarkError: If its data is missing or damaged.

    Example:
        >>> make("nas-bench-graph", dataset="cora").objectives[0].name
        'valid_error'
    """
    cls = get_class(benchmark)
    parameters = inspect.signature(cls).parameters
    for option in options:
        if option not in parameters:
            raise OptionError(
                f"the benchmark {benchmark!r} has no option {option!r}",
                nearest_hint(option, parameters),
            )
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in options:
            raise OptionError(f"the benchmark {benchmark!r} needs the option {name!r}")
    return cls(**options)


def from_dict(description: Mapping[str, Any]) -> Benchmark:
    """The benchmark that `Benchmark.to_dict` described, with its data read again.

    Raises:
        BenchmarkError: If the description is none, or the data is no longer there or
            holds other values.
        UnknownNameError: If its class is not registered.
    """
    if not isinstance(description, Mapping) or KIND not in description:
        raise BenchmarkError(
            f"the description of a benchmark has no {KIND!r}, it is {shown(description)}"
        )
    return get_class(description[KIND]).from_dict(description)
