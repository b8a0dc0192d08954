"""The kinds of hyperparameters, and the numbers that stand for their values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ax_anasod.exceptions import OptionError, ParameterError, nearest_hint
from ax_anasod.typing import FloatArray

Value: TypeAlias = str | bool | int | float


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
        """Return True if the other one has the same values."""
        return self == other

    @property
    def size(self) -> int | None:
        """The number of values; None for a continuum."""
        return int(self.upper) - int(self.lower) + 1 if self.integer else None

    def number(self, value: object) -> float:
        """A value as the number of its column.

        Raises:
            ParameterError: The value is not in the range.
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

    def unit(self, numbers: FloatArray) -> FloatArray:
        """Numbers as places between 0 and 1."""
        lower, upper = self._scaled(np.array([self.lower, self.upper]))
        places: FloatArray = (self._scaled(numbers) - lower) / (upper - lower)
        return places

    def nearest(self, places: FloatArray) -> FloatArray:
        """The numbers at places between 0 and 1; whole ones where only these are allowed."""
        lower, upper = self._scaled(np.array([self.lower, self.upper]))
        scaled = lower + np.clip(places, 0.0, 1.0) * (upper - lower)
        numbers = np.exp(scaled) if self.log else scaled
        # Twelve digits, so that a number that a user wrote comes back as it was.
        numbers = np.rint(numbers) if self.integer else _rounded(numbers)
        return np.asarray(np.clip(numbers, self.lower, self.upper))

    def spread(self, places: FloatArray) -> FloatArray:
        """The numbers at uniform places, so that all whole ones get the same share.

        On a log scale a whole number gets the logarithms that round to it.
        """
        if not self.integer:
            return self.nearest(places)
        lower, upper = self._scaled(np.array([self.lower - 0.5, self.upper + 0.5]))
        scaled = lower + places * (upper - lower)
        numbers = np.rint(np.exp(scaled) if self.log else scaled)
        return np.asarray(np.clip(numbers, self.lower, self.upper))

    def _scaled(self, numbers: FloatArray) -> FloatArray:
        return np.log(numbers) if self.log else numbers


@dataclass(frozen=True)
class Choice:
    """One of several values; the number of its column is the place in the list.

    Args:
        name: Its name.
        values: The values, all different.
        ordered: Whether neighbours in the list are alike.

    Raises:
        OptionError: There are fewer than two values, two values are equal, or types differ.
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
        kinds = {float if type(v) is int else type(v) for v in self.values}
        if len(kinds) > 1:
            raise OptionError(
                f"the values of the choice {self.name!r} are of different types: {[*self.values]}"
            )

    def is_like(self, other: Hyperparameter) -> bool:
        """Return True if the other one has the same values, in the same order if there is one."""
        if not isinstance(other, Choice) or self.ordered or other.ordered:
            return self == other
        # Ax may sort the values of a choice that it loads.
        return self.name == other.name and {*self.values} == {*other.values}

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)

    def number(self, value: object) -> float:
        """A value as the number of its column.

        Raises:
            ParameterError: The value is not in the choice.
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

    def unit(self, numbers: FloatArray) -> FloatArray:
        """Places between 0 and 1 of an ordered choice; the numbers themselves of another choice."""
        return numbers / (self.size - 1) if self.ordered else numbers

    def nearest(self, places: FloatArray) -> FloatArray:
        """The inverse of :meth:`unit`, at the nearest value."""
        scaled = places * (self.size - 1) if self.ordered else places
        return np.clip(np.rint(scaled), 0, self.size - 1)

    def spread(self, places: FloatArray) -> FloatArray:
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
        """Return True if the other one has the same value."""
        return self == other


Hyperparameter: TypeAlias = Range | Choice | Fixed
Column: TypeAlias = Range | Choice


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


def _rounded(numbers: FloatArray) -> FloatArray:
    """Numbers with twelve significant digits."""
    sizes = np.where(numbers == 0, 1.0, np.abs(numbers))
    scales = 10.0 ** (11 - np.floor(np.log10(sizes)))
    # The scale of the smallest floating-point numbers is infinite.
    scales = np.where(np.isfinite(scales), scales, 1e300)
    return np.rint(numbers * scales) / scales
