"""What the two search spaces have in common: a cell, and arms that must fit it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from ax.core.parameter import Parameter
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.search_space import SearchSpace
from ax.core.types import TParamValue

from ax_anasod.cells import Architecture, Cell, from_dict
from ax_anasod.core.membership import check_cell
from ax_anasod.exceptions import AnasodError, CellError


class CellBoundSearchSpace(SearchSpace):
    """A search space over a cell, which knows what every arm stands for.

    Build one with ``from_cell``; the constructor keeps Ax's signature, because Ax itself
    clones and rebuilds search spaces through it, and then without a cell.

    Args:
        parameters: The parameters.
        parameter_constraints: The constraints.
        cell: The cell (or its ``to_dict()``).
    """

    refusal: ClassVar[type[AnasodError]]
    """What is raised for parameters outside of the space."""

    def __init__(
        self,
        parameters: list[Parameter],
        parameter_constraints: list[ParameterConstraint] | None = None,
        cell: Cell | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(parameters=parameters, parameter_constraints=parameter_constraints)
        self._cell = cell if cell is None or isinstance(cell, Cell) else from_dict(dict(cell))

    @abstractmethod
    def check(self, parameters: Mapping[str, TParamValue]) -> None:
        """Refuse parameters that are outside of the space.

        Raises:
            AnasodError: They are; the class is :attr:`refusal`.
        """

    @property
    def cell(self) -> Cell:
        """The cell that is searched.

        Raises:
            CellError: The space was built without a cell.
        """
        if self._cell is None:
            name = type(self).__name__
            raise CellError(
                f"this {name} was built without its cell",
                f"build it with {name}.from_cell(cell)",
            )
        return self._cell

    def clone(self) -> Self:
        """A copy with parameters of its own and the same constraints."""
        # The constraints are shared: Ax never changes one in place, and its own clone
        # parses the text with sympy again, several times for every trial.
        return type(self)(
            parameters=[p.clone() for p in self.parameters.values()],
            parameter_constraints=list(self.parameter_constraints),
            cell=self._cell,
        )

    def check_membership(
        self,
        parameterization: Mapping[str, TParamValue],
        raise_error: bool = False,
        check_all_parameters_present: bool = True,
        check_range_bounds: bool = True,
    ) -> bool:
        """Whether a parameterization is inside the space (see :meth:`check`).

        Raises:
            AnasodError: It is not, and ``raise_error`` is set; the class is :attr:`refusal`.
        """
        if self._cell is None or not check_all_parameters_present or not check_range_bounds:
            return super().check_membership(
                parameterization=parameterization,
                raise_error=raise_error,
                check_all_parameters_present=check_all_parameters_present,
                check_range_bounds=check_range_bounds,
            )
        try:
            self.check(parameterization)
        except self.refusal:
            if raise_error:
                raise
            return False
        return True

    def check_types(
        self,
        parameterization: Mapping[str, TParamValue],
        allow_none: bool = True,
        allow_extra_params: bool = True,
        raise_error: bool = False,
    ) -> bool:
        """Whether a parameterization may be an arm: whether it is inside the space.

        This is all that Ax asks before it adds an arm to a trial, where it lets arms outside
        of the space pass. Outside of this one there are no architectures.

        Raises:
            AnasodError: It is not, and ``raise_error`` is set; the class is :attr:`refusal`.
        """
        if self._cell is None:
            return super().check_types(
                dict(parameterization), allow_none, allow_extra_params, raise_error
            )
        return self.check_membership(parameterization, raise_error=raise_error)

    def _in_order(self, parameters: Mapping[str, TParamValue]) -> list[TParamValue]:
        """The values of exactly this space's parameters."""
        missing = [name for name in self.parameters if name not in parameters]
        unknown = [name for name in parameters if name not in self.parameters]
        if missing or unknown:
            raise self.refusal(
                f"parameters {sorted(parameters)} do not fit: missing {missing}, unknown {unknown}",
                f"needed are {list(self.parameters)}",
            )
        return [parameters[name] for name in self.parameters]

    def _own(self, architecture: Architecture | str) -> Architecture:
        """An architecture of the cell, maybe given as its string."""
        if isinstance(architecture, str):
            architecture = self.cell.architecture(architecture)
        check_cell(architecture, self.cell)
        return architecture
