"""A search space that stays what it was when it was built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from ax.core.parameter import Parameter
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.search_space import SearchSpace
from ax.core.types import TParamValue

from ax_anasod.exceptions import OptionError


class FrozenSearchSpace(SearchSpace):
    """Ax's search space, of which nothing can be changed.

    A strategy of ours is built for the parameters of its space, and would go on without new ones.
    """

    def add_parameter(self, parameter: Parameter) -> NoReturn:
        """Always raise: the strategy was built for these parameters and would ignore a new one.

        Raises:
            OptionError: Always.
        """
        self._refuse_change(f"parameter {parameter.name!r} cannot be added to")

    def update_parameter(self, parameter: Parameter) -> NoReturn:
        """Refused, as for :meth:`add_parameter`.

        Raises:
            OptionError: Always.
        """
        self._refuse_change(f"parameter {parameter.name!r} cannot be changed in")

    def disable_parameters(self, default_parameter_values: Mapping[str, TParamValue]) -> NoReturn:
        """Refused, as for :meth:`add_parameter`.

        Raises:
            OptionError: Always.
        """
        self._refuse_change(f"parameters {sorted(default_parameter_values)} cannot be disabled in")

    def add_parameter_constraints(
        self, parameter_constraints: list[ParameterConstraint]
    ) -> NoReturn:
        """Refused, as for :meth:`add_parameter`.

        Raises:
            OptionError: Always.
        """
        self._refuse_change("constraints cannot be added to")

    def set_parameter_constraints(self, parameter_constraints: list[ParameterConstraint]) -> None:
        """Done once, by the constructor; other constraints are refused later.

        Ax removes the constraints from the copies of the space that its models get.

        Raises:
            OptionError: The constraints are not those of the space.
        """
        known = getattr(self, "_parameter_constraints", None)
        if known is not None and parameter_constraints and parameter_constraints != known:
            self._refuse_change("constraints cannot be changed in")
        super().set_parameter_constraints(parameter_constraints)

    def _refuse_change(self, what: str) -> NoReturn:
        name = type(self).__name__
        raise OptionError(
            f"{what} an existing {name}: the strategy of a run is built for its space",
            f"{name}.from_cell(cell, parameters=[...], parameter_constraints=[...]) takes all",
        )
