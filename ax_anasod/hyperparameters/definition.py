"""Ranges, choices and fixed values, and the numbers that stand for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from ax_anasod.exceptions import OptionError, ParameterError, nearest_hint
from ax_anasod.typing import Settings

Value: TypeAlias = str | bool | int | float

# Ax's own tolerance of a linear constraint, and what a unit value loses by rounding.
_TOLERANCE: Final = 1e-8


@dataclass(frozen=True)
class Range:
    """A number between two bounds, both included.

    Args:
        name: Its name.
        lower: The smallest value.
        upper: The largest value.
        integer: Whether only whole numbers are allowed.
        log: Whether ratios count, not differences.

    Raises:
        OptionError: The bounds are not in order, not finite, or, with ``log``, not positive.
    """

    name: str
    lower: float
    upper: float
    integer: bool = False
    log: bool = False

    def __post_init__(self) -> None:
        bounds = f"{self.lower:g}..{self.upper:g}"
        # Written so that NaN fails.
        if not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            raise OptionError(f"the bounds of {self.name!r} must be finite, got {bounds}")
        if not self.lower < self.upper:
            raise OptionError(
                f"the lower bound of {self.name!r} must be below the upper one, got {bounds}",
                "a parameter of one value is a FixedParameter",
            )
        if self.log and self.lower <= 0:
            raise OptionError(
                f"{self.name!r} is on a log scale, so that its bounds must be above 0, got {bounds}"
            )
        if not math.isfinite(self.upper - self.lower):
            raise OptionError(f"the range of {self.name!r} is too wide: {bounds}")

    def is_like(self, other: Hyperparameter) -> bool:
        """Whether the other one has the same values."""
        return self == other

    @property
    def size(self) -> int | None:
        """How many values it has; None where these are a continuum."""
        return int(self.upper) - int(self.lower) + 1 if self.integer else None

    def number(self, value: object) -> float:
        """A value as the number of its column.

        Raises:
            ParameterError: It is none of the range.
        """
        is_number = isinstance(value, int | float | np.integer | np.floating)
        inside = is_number and not isinstance(value, bool) and self.lower <= value <= self.upper  # type: ignore[operator]
        if not inside or (self.integer and value != int(value)):  # type: ignore[call-overload]
            kind = "a whole number" if self.integer else "a number"
            raise ParameterError(
                f"{self.name} = {value!r} is out of range: needed is {kind} from {self.lower:g} "
                f"to {self.upper:g}"
            )
        return float(value)  # type: ignore[arg-type]

    def value(self, number: float) -> Value:
        """The value that the number of a column stands for."""
        return int(number) if self.integer else float(number)

    def unit(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Numbers as places between 0 and 1."""
        lower, upper = self._scaled(np.array([self.lower, self.upper]))
        places: npt.NDArray[np.float64] = (self._scaled(numbers) - lower) / (upper - lower)
        return places

    def nearest(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The numbers at places between 0 and 1; whole ones where only these are allowed."""
        lower, upper = self._scaled(np.array([self.lower, self.upper]))
        scaled = lower + np.clip(places, 0.0, 1.0) * (upper - lower)
        numbers = np.exp(scaled) if self.log else scaled
        if self.integer:
            numbers = np.rint(numbers)
        return np.clip(numbers, self.lower, self.upper)

    def spread(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The numbers at uniform places, so that all whole ones get the same share.

        On a log scale a whole number gets the logarithms that round to it.
        """
        if not self.integer:
            return self.nearest(places)
        lower, upper = self._scaled(np.array([self.lower - 0.5, self.upper + 0.5]))
        scaled = lower + places * (upper - lower)
        numbers = np.rint(np.exp(scaled) if self.log else scaled)
        return np.clip(numbers, self.lower, self.upper)

    def _scaled(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.log(numbers) if self.log else numbers


@dataclass(frozen=True)
class Choice:
    """One of several values; the number of its column is the place in the list.

    Args:
        name: Its name.
        values: The values, all different.
        ordered: Whether neighbours in the list are alike.

    Raises:
        OptionError: There are fewer than two values, or two are the same.
    """

    name: str
    values: tuple[Value, ...]
    ordered: bool = False

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise OptionError(
                f"the choice {self.name!r} has {len(self.values)} value(s), needed are two or more",
                "a parameter of one value is a FixedParameter",
            )
        if len({*self.values}) < len(self.values):
            raise OptionError(f"the choice {self.name!r} has a value twice: {list(self.values)}")

    def is_like(self, other: Hyperparameter) -> bool:
        """Whether the other one has the same values, in the same order where there is one."""
        if not isinstance(other, Choice) or self.ordered or other.ordered:
            return self == other
        # Ax may sort the values of a choice that it loads.
        return self.name == other.name and {*self.values} == {*other.values}

    @property
    def size(self) -> int:
        """How many values it has."""
        return len(self.values)

    def number(self, value: object) -> float:
        """A value as the number of its column.

        Raises:
            ParameterError: It is none of the choice.
        """
        for place, known in enumerate(self.values):
            # True is 1 to Python.
            if value == known and isinstance(value, bool) == isinstance(known, bool):
                return float(place)
        raise ParameterError(
            f"{self.name} = {value!r} is no value of the choice",
            nearest_hint(str(value), map(str, self.values)),
        )

    def value(self, number: float) -> Value:
        """The value that the number of a column stands for."""
        return self.values[int(number)]

    def unit(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Places between 0 and 1 of an ordered choice; the numbers themselves of another."""
        return numbers / (self.size - 1) if self.ordered else numbers

    def nearest(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The inverse of :meth:`unit`, at the nearest value."""
        scaled = places * (self.size - 1) if self.ordered else places
        return np.clip(np.rint(scaled), 0, self.size - 1)

    def spread(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The numbers at uniform places: all values get the same share."""
        return np.minimum(np.floor(places * self.size), self.size - 1)


@dataclass(frozen=True)
class Fixed:
    """One value that every trial has.

    Args:
        name: Its name.
        value: The value.
    """

    name: str
    value: Value

    def is_like(self, other: Hyperparameter) -> bool:
        """Whether the other one has the same value."""
        return self == other


Hyperparameter: TypeAlias = Range | Choice | Fixed
Column: TypeAlias = Range | Choice
_KINDS: Final[dict[str, type[Range] | type[Choice] | type[Fixed]]] = {
    "range": Range,
    "choice": Choice,
    "fixed": Fixed,
}


@dataclass(frozen=True)
class Bound:
    """A linear constraint on ranges: a weighted sum of their values is at most a bound.

    Args:
        weights: Name -> weight.
        upper: The bound.
    """

    weights: Mapping[str, float]
    upper: float

    def __str__(self) -> str:
        terms = " + ".join(f"{weight!r}*{name}" for name, weight in self.weights.items())
        return f"{terms} <= {self.upper!r}"


@dataclass(frozen=True)
class Hyperparameters:
    """What is searched beside the architecture.

    A setting is a row of numbers, one for each range (its value) and choice (the place of its
    value in the list), in the order of their definition; what is fixed is no column.

    Args:
        parameters: Ranges, choices and fixed values.
        bounds: Linear constraints on the ranges.

    Raises:
        OptionError: Two have one name, or a bound is on a name that is no range.
    """

    parameters: tuple[Hyperparameter, ...] = ()
    bounds: tuple[Bound, ...] = ()

    def __post_init__(self) -> None:
        names = [parameter.name for parameter in self.parameters]
        for name in names:
            if names.count(name) > 1:
                raise OptionError(f"two parameters have the name {name!r}")

    def __bool__(self) -> bool:
        return bool(self.parameters)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What is a column of a setting."""
        return tuple(p for p in self.parameters if not isinstance(p, Fixed))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all, those that are fixed included."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def places(self) -> dict[str, int]:
        """Name -> column."""
        return {column.name: place for place, column in enumerate(self.columns)}

    @cached_property
    def continuous(self) -> tuple[int, ...]:
        """The columns that are a continuum."""
        return tuple(i for i, column in enumerate(self.columns) if column.size is None)

    @cached_property
    def unordered(self) -> tuple[int, ...]:
        """The columns whose values have no order."""
        return tuple(
            i for i, c in enumerate(self.columns) if isinstance(c, Choice) and not c.ordered
        )

    @cached_property
    def numeric(self) -> tuple[int, ...]:
        """The columns whose values have an order."""
        return tuple(i for i in range(len(self.columns)) if i not in self.unordered)

    # Settings as parameters, and back

    def settings(self, parameterizations: Sequence[Mapping[str, Any]]) -> Settings:
        """The parameters of trials as settings ``n x h``; other names are not looked at.

        Raises:
            ParameterError: A parameter is missing, or its value none of it.
        """
        rows = [self._setting(parameters) for parameters in parameterizations]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.columns))

    def _setting(self, parameters: Mapping[str, Any]) -> list[float]:
        missing = [name for name in self.names if name not in parameters]
        if missing:
            raise ParameterError(
                f"parameters {sorted(parameters)} lack {missing}", f"needed are {[*self.names]}"
            )
        for parameter in self.parameters:
            if isinstance(parameter, Fixed) and parameters[parameter.name] != parameter.value:
                raise ParameterError(
                    f"{parameter.name} = {parameters[parameter.name]!r} is fixed to "
                    f"{parameter.value!r}"
                )
        setting = [column.number(parameters[column.name]) for column in self.columns]
        if self.bounds:
            self._check_bounds(np.array(setting))
        return setting

    def _check_bounds(self, setting: Settings) -> None:
        for bound in self.bounds:
            total = sum(w * setting[self.places[name]] for name, w in bound.weights.items())
            if total > bound.upper + _TOLERANCE:
                raise ParameterError(f"the parameters break {bound}: it is {total:g}")

    def partial(self, parameters: Mapping[str, Any]) -> dict[int, float]:
        """Some of the parameters as column -> number; others than the columns are ignored.

        Raises:
            ParameterError: A value is none of its parameter.
        """
        fixed = {p.name: p.value for p in self.parameters if isinstance(p, Fixed)}
        for name, value in parameters.items():
            if name in fixed and value != fixed[name]:
                raise ParameterError(f"{name} = {value!r} is fixed to {fixed[name]!r}")
        found = {}
        for name, value in parameters.items():
            if name in self.places:
                place = self.places[name]
                found[place] = self.columns[place].number(value)
        return found

    def parameterizations(self, settings: Settings) -> list[dict[str, Any]]:
        """Settings ``n x h`` as parameters, what is fixed included."""
        fixed = {p.name: p.value for p in self.parameters if isinstance(p, Fixed)}
        return [
            {
                **{c.name: c.value(x) for c, x in zip(self.columns, setting, strict=True)},
                **fixed,
            }
            for setting in settings.tolist()
        ]

    def allowed(self, settings: Settings) -> npt.NDArray[np.bool_]:
        """Which of ``n`` settings keep the bounds, ``n``."""
        allowed = np.ones(len(settings), dtype=np.bool_)
        for bound in self.bounds:
            weights = np.zeros(len(self.columns))
            for name, weight in bound.weights.items():
                weights[self.places[name]] = weight
            allowed &= settings @ weights <= bound.upper + _TOLERANCE
        return allowed

    # As a model sees them

    def unit(self, settings: Settings) -> npt.NDArray[np.float64]:
        """Settings ``n x h`` with ranges and ordered choices between 0 and 1.

        A range on a log scale is so in logarithms; an unordered choice stays the place of its
        value.
        """
        scaled = np.empty(settings.shape)
        for i, column in enumerate(self.columns):
            scaled[:, i] = column.unit(settings[:, i])
        return scaled

    def nearest(self, units: npt.NDArray[np.float64]) -> Settings:
        """The settings at units, the inverse of :meth:`unit`."""
        settings = np.empty(units.shape)
        for i, column in enumerate(self.columns):
            settings[:, i] = column.nearest(units[:, i])
        return settings

    # Storage

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-able data."""
        kinds = {kind: name for name, kind in _KINDS.items()}
        return {
            "parameters": [{"kind": kinds[type(p)], **_listed(asdict(p))} for p in self.parameters],
            "bounds": [{"weights": dict(b.weights), "upper": b.upper} for b in self.bounds],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave."""
        return cls(
            tuple(_from_dict(entry) for entry in stored["parameters"]),
            tuple(Bound(dict(b["weights"]), b["upper"]) for b in stored["bounds"]),
        )


def _listed(stored: dict[str, Any]) -> dict[str, Any]:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in stored.items()}


def _from_dict(stored: Mapping[str, Any]) -> Hyperparameter:
    fields = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in stored.items()
        if name != "kind"
    }
    return _KINDS[stored["kind"]](**fields)
