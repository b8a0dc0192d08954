"""Benchmarks: values of architectures, looked up instead of trained; and their registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, Self, TypeVar

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.exceptions import BenchmarkError, OptionError, UnknownNameError, nearest_hint, shown
from ax_anasod.hyperparameters import Hyperparameters
from ax_anasod.objectives import Objective, find_quantity
from ax_anasod.typing import FloatArray, IntArray, Settings

NOTHING_BESIDE: Final = Hyperparameters()
"""No hyperparameters: the value for benchmarks that search the cell alone."""

KIND = "benchmark"
"""Key of the registered name in the description that `to_dict` returns."""


class Benchmark(Protocol):
    """Real evaluations of the architectures of a cell, looked up or predicted.

    Your own benchmark needs the five attributes, `query`, and, if its runs are to
    be resumed, `to_dict` and `from_dict` with `register_benchmark`. Inheriting from
    this class gives it the rest.

    Attributes:
        name: What the benchmark is called in results, e.g. ``"nas-bench-201"``.
        dataset: The data set that its networks were trained on, where there is one.
        cell: The cell whose architectures it can answer for, all of them.
        objectives: The quantities that are searched.
        reported: Quantities that are not searched but given for the incumbent, such
            as the test error of the architecture that is best on validation.
        hyperparameters: What is searched beside the cell, answered for by `query_jointly`;
            nothing by default.
    """

    name: str
    dataset: str | None
    cell: Cell
    objectives: tuple[Objective, ...]
    reported: tuple[Objective, ...]
    hyperparameters: Hyperparameters = NOTHING_BESIDE

    def query(self, codes: IntArray, seeds: IntArray | None = None) -> dict[str, FloatArray]:
        """The values of architectures.

        Args:
            codes: ``n x d`` codes of the cell, one architecture a row.
            seeds: ``n`` training seeds, one a row, where the benchmark asks for them.

        Returns:
            Name -> ``n`` values for each objective and reported quantity (errors in
            percent), and ``"cost_seconds"`` where the data has the training time.

        Raises:
            ArchitectureError: If an architecture is none that the benchmark knows.
        """
        ...

    def query_jointly(self, codes: IntArray, settings: Settings) -> dict[str, FloatArray]:
        """The values of architectures with what is searched beside them, as for `query`.

        Args:
            codes: ``n x d`` codes of the cell.
            settings: ``n x h`` settings of `hyperparameters`.
        """
        raise NotImplementedError(f"{type(self).__name__} has architectures only")

    def draw_seeds(self, codes: IntArray, rng: np.random.Generator) -> IntArray | None:
        """Training seeds to query these architectures with, None where none are needed.

        Args:
            codes: ``n x d`` codes of the cell.
            rng: The generator that decides, so that equal states give equal seeds.
        """
        return None

    def optimum(self, objective: str) -> float | None:
        """The best value that any architecture of the cell has, where it is known.

        Raises:
            UnknownNameError: If the benchmark has no quantity of this name.
        """
        quantities = (*self.objectives, *self.reported)
        find_quantity(objective, quantities)
        return None

    def all_values(self) -> Mapping[str, FloatArray] | None:
        """The answers of queries for all architectures of the cell, where they lie in memory.

        Returns:
            Name -> ``n`` values, in an order of the benchmark's own (NaN where there is none);
            None where they are not at hand, or a query draws from several.
        """
        return None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description from which `ax_anasod.nasbench.from_dict` restores it."""
        ...

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """The benchmark that `to_dict` described."""
        ...


def searched_beside(benchmark: object) -> Hyperparameters:
    """The hyperparameters of a benchmark; a class that does not inherit from ours has none."""
    beside: Hyperparameters = getattr(benchmark, "hyperparameters", NOTHING_BESIDE)
    return beside


def refuse_seeds(benchmark: str, seeds: IntArray | None) -> None:
    """Make sure that a benchmark without single-seed values was given no seeds.

    Raises:
        OptionError: If ``seeds`` is not None.
    """
    if seeds is not None:
        raise OptionError(
            f"the benchmark {benchmark!r} was given seeds, but has no single-seed values",
            "leave seeds out",
        )


def check_seeds(seeds: IntArray, number: int) -> IntArray:
    """Make sure that there is one seed for each architecture.

    Args:
        seeds: The ``n`` seeds.
        number: How many architectures there are.

    Returns:
        The seeds as an array.

    Raises:
        OptionError: If there are more or fewer seeds, or seeds that are no whole numbers.
    """
    seeds = np.asarray(seeds)
    if seeds.shape != (number,) or (number and seeds.dtype.kind not in "iu"):
        raise OptionError(
            f"seeds must be {number} whole numbers, one for each architecture, got "
            f"shape {seeds.shape} of type {seeds.dtype}"
        )
    return seeds


_Class = TypeVar("_Class", bound=type[Benchmark])
_CLASSES: dict[str, type[Benchmark]] = {}


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
        UnknownNameError: If there is no benchmark of this name.
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
        OptionError: If an option is unknown to the benchmark, or a required one is absent.
        BenchmarkError: If the data is missing or damaged.

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
