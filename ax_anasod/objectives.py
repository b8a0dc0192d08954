"""Objectives: what is known of every architecture, and what of it is searched."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, Self

from ax_anasod.exceptions import OptionError, UnknownNameError

COST: Final = "cost_seconds"
"""Name under which a query returns the simulated cost, in seconds."""

_LIMIT: Final = re.compile(
    r"\s*(.*?\S)\s*(<=|>=)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([kMG]?)\s*"
)

# Other ways in which people write it.
_NEARLY: Final = re.compile(
    r"\s*(.*?[^\s<>=])\s*([<>=]+)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:\s*[kMG]\b)?)\s*"
    r"([^\W\d_]*|%)\s*"
)

THOUSANDS: Final = {"k": 1e3, "M": 1e6, "G": 1e9}
"""Letters that may stand behind the number of a limit -> their factor."""

PERCENT: Final = "percent"
"""Unit of every error and every accuracy."""


@dataclass(frozen=True)
class Objective:
    """One quantity that is known of every architecture, searched or only reported.

    Args:
        name: Key of its values in the result of a query. Errors end in ``_error``.
        unit: Its unit, e.g. ``"percent"`` or ``"seconds"``; empty where unknown.
        minimize: Whether lower is better.
        metric: What a run calls it inside Ax; empty outside of runs.
        optimum: What a run knows to be its best value over all architectures, None where that
            is unknown.
    """

    name: str
    unit: str
    minimize: bool = True
    metric: str = ""
    optimum: float | None = None

    @property
    def sign(self) -> float:
        """The factor of its values with which less is better."""
        return 1.0 if self.minimize else -1.0

    def regret(self, value: float) -> float | None:
        """The difference between a value and the optimum; None where that is unknown."""
        # Plus 0, since -1 times 0 is -0.
        return None if self.optimum is None else self.sign * (value - self.optimum) + 0.0

    @property
    def extreme(self) -> str:
        """The name of its best value: ``"lowest"`` or ``"highest"``."""
        return "lowest" if self.minimize else "highest"


@dataclass(frozen=True)
class Limit:
    """An upper bound of a quantity: ``sign * value <= bound``.

    Args:
        name: The quantity; inside Ax its metric's signature.
        sign: -1 where the value itself must be at least ``-bound``.
        bound: The bound, with the sign.
    """

    name: str
    sign: float
    bound: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a limit such as ``"latency <= 5"``, ``"accuracy>=90"`` or ``"flops<=5M"``.

        Raises:
            OptionError: The text is none.
        """
        match = _LIMIT.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise OptionError(f"{text!r} is no limit", _advice(text))
        name, operator, bound, factor = match.groups()
        sign = 1.0 if operator == "<=" else -1.0
        return cls(name, sign, sign * float(bound) * THOUSANDS.get(factor, 1.0))

    def keeps(self, value: float) -> bool:
        """Return True if a value keeps the limit."""
        return self.sign * value <= self.bound

    def __str__(self) -> str:
        return f"{self.name} {'<=' if self.sign > 0 else '>='} {self.sign * self.bound!r}"


def _advice(text: object) -> str:
    """A hint for a text that is no limit."""
    match = _NEARLY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return "write it as 'latency <= 5' or 'flops <= 5M'"
    name, operator, bound, unit = match.groups()
    right = f"{name} {'>=' if '>' in operator else '<='} {bound}"
    if operator in ("<=", ">="):
        return f"leave {unit!r} out, numbers are in the unit of the quantity: {right!r}"
    return f"a limit has <= or >=, and no unit: {right!r}"


def find_quantity(name: str, quantities: Iterable[Objective]) -> Objective:
    """The quantity with this name.

    Raises:
        UnknownNameError: If there is none, with the nearest name.
    """
    by_name = {quantity.name: quantity for quantity in quantities}
    if name not in by_name:
        raise UnknownNameError("objective", name, by_name)
    return by_name[name]


def name_list(option: str, value: str | Iterable[str]) -> tuple[str, ...]:
    """The names given for an option as a tuple; one name may be given as it is.

    Raises:
        OptionError: A name is no text, or given twice, or the names have no order.
    """
    if not isinstance(value, Iterable):
        raise OptionError(f"{option} is {value!r}", "give names")
    if isinstance(value, Set):
        # It would be another one in each process.
        raise OptionError(f"{option} is a set, which has no order", "give a list")
    given = (value,) if isinstance(value, str) else tuple(value)
    for position, name in enumerate(given):
        if not isinstance(name, str):
            raise OptionError(f"{option} holds {name!r}", "give names")
        if name in given[:position]:
            raise OptionError(f"{option} names {name!r} twice")
    # NumPy's texts cannot be stored as JSON.
    return tuple(map(str, given))


def check_chosen(names: Sequence[str], quantities: Collection[str]) -> None:
    """Refuse what is searched or reported but unknown, or named twice.

    Args:
        names: What was chosen.
        quantities: The names of all that a benchmark has.

    Raises:
        UnknownNameError: There is no such quantity.
        OptionError: A name stands twice.
    """
    for position, name in enumerate(names):
        if name not in quantities:
            raise UnknownNameError("quantity", name, quantities)
        if name in names[:position]:
            raise OptionError(f"{name!r} is named twice", "search it or report it, once")


def keeps_all(values: Mapping[str, float], limits: Iterable[Limit]) -> bool:
    """Return True if a trial with these values, quantity -> value, keeps all limits."""
    return all(limit.keeps(values[limit.name]) for limit in limits)


def point_of(values: Mapping[str, float], objectives: Iterable[Objective]) -> tuple[float, ...]:
    """The values of the objectives of a trial with these values, so that less is better.

    Example:
        >>> point_of({"ms": 9.0, "auc": 0.8}, [Objective("auc", "", minimize=False)])
        (-0.8,)
    """
    return tuple(objective.sign * values[objective.name] for objective in objectives)
