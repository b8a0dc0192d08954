"""Hyperparameters searched beside the architecture, as rows of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np

from ax_anasod.exceptions import OptionError, ParameterError
from ax_anasod.hyperparameters.kinds import Bound, Choice, Column, Fixed, Hyperparameter, Range
from ax_anasod.schema import conform
from ax_anasod.typing import FloatArray, Mask, Settings

# Ax's own tolerance of a linear constraint, and the rounding error of a unit value.
_TOLERANCE: Final = 1e-8
_KINDS: Final[dict[str, type[Range] | type[Choice] | type[Fixed]]] = {
    "range": Range,
    "choice": Choice,
    "fixed": Fixed,
}


@dataclass(frozen=True)
class Hyperparameters:
    """The hyperparameters searched beside the architecture.

    A setting is a row of numbers, one for each range (its value) and choice (the place of its
    value in the list), in the order of their definition; fixed values are no columns.

    Args:
        parameters: Ranges, choices and fixed values.
        bounds: Linear constraints on the ranges.

    Raises:
        OptionError: Two parameters have one name, or a bound is on a name that is no range.
    """

    parameters: tuple[Hyperparameter, ...] = ()
    bounds: tuple[Bound, ...] = ()

    def __post_init__(self) -> None:
        names = [parameter.name for parameter in self.parameters]
        for name in names:
            if names.count(name) > 1:
                raise OptionError(f"two parameters have the name {name!r}")
        ranges = {p.name for p in self.parameters if isinstance(p, Range)}
        for bound in self.bounds:
            for name in bound.weights.keys() - ranges:
                raise OptionError(f"the constraint {bound} is on {name!r}, which is no range")

    def __bool__(self) -> bool:
        return bool(self.parameters)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The parameters that are columns of a setting."""
        return tuple(p for p in self.parameters if not isinstance(p, Fixed))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all parameters, including fixed ones."""
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
        """The parameters of trials as settings ``n x h``; other names are ignored.

        Raises:
            ParameterError: A parameter is missing, or a value is not allowed or breaks a bound.
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
        """Convert some of the parameters: column -> number. Other names are ignored.

        Raises:
            ParameterError: A value is not allowed.
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
        """Settings ``n x h`` as parameters, including fixed ones."""
        fixed = {p.name: p.value for p in self.parameters if isinstance(p, Fixed)}
        return [
            {
                **{c.name: c.value(x) for c, x in zip(self.columns, setting, strict=True)},
                **fixed,
            }
            for setting in settings.tolist()
        ]

    def allowed(self, settings: Settings) -> Mask:
        """Mask ``n`` of the settings that keep the bounds."""
        allowed = np.ones(len(settings), dtype=np.bool_)
        for bound in self.bounds:
            weights = np.zeros(len(self.columns))
            for name, weight in bound.weights.items():
                weights[self.places[name]] = weight
            allowed &= settings @ weights <= bound.upper + _TOLERANCE
        return allowed

    # Settings as inputs of a model

    def unit(self, settings: Settings) -> FloatArray:
        """Settings ``n x h`` with ranges and ordered choices between 0 and 1.

        A range on a log scale is scaled in logarithms; an unordered choice stays the place of its
        value.
        """
        scaled = np.empty(settings.shape)
        for i, column in enumerate(self.columns):
            scaled[:, i] = column.unit(settings[:, i])
        return scaled

    def nearest(self, units: FloatArray) -> Settings:
        """The settings at units, the inverse of :meth:`unit`."""
        settings = np.empty(units.shape)
        for i, column in enumerate(self.columns):
            settings[:, i] = column.nearest(units[:, i])
        return settings

    # Storage

    def to_dict(self) -> dict[str, Any]:
        """The hyperparameters as JSON-able data."""
        kinds = {kind: name for name, kind in _KINDS.items()}
        return {
            "parameters": [{"kind": kinds[type(p)], **_listed(asdict(p))} for p in self.parameters],
            "bounds": [{"weights": dict(b.weights), "upper": b.upper} for b in self.bounds],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The hyperparameters from the data of :meth:`to_dict`.

        Raises:
            ValueError: The data have another form.
            OptionError: A value is out of range.
        """
        parts = conform(_Stored, stored)
        return cls(tuple(map(_from_dict, parts.parameters)), parts.bounds)


@dataclass(frozen=True)
class _Stored:
    """The form of `Hyperparameters.to_dict`."""

    parameters: tuple[dict[str, Any], ...]
    bounds: tuple[Bound, ...]


def _listed(stored: dict[str, Any]) -> dict[str, Any]:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in stored.items()}


def _from_dict(stored: Mapping[str, Any]) -> Hyperparameter:
    kind = stored.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"has a parameter of the kind {kind!r}; there are {', '.join(_KINDS)}")
    return conform(_KINDS[kind], stored)
