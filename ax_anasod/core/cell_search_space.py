"""The search space of architectures: one choice per block and wiring choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from ax.core.parameter import ChoiceParameter, Parameter, ParameterType
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.search_space import SearchSpace
from ax.core.types import TParamValue

from ax_anasod.cells import Architecture, Cell, from_dict
from ax_anasod.core.membership import check_cell
from ax_anasod.exceptions import ArchitectureError, CellError, nearest_hint


class CellSearchSpace(SearchSpace):
    """All architectures of a cell, for the strategies that search them directly.

    One unordered choice parameter ``block_<i>`` per operation block, whose values are the
    operation names, and one ``wire_<j>`` per wiring choice, whose values are 0..m-1.

    Args:
        parameters: The choice parameters.
        parameter_constraints: None; kept for Ax, which rebuilds spaces through it.
        cell: The cell (or its ``to_dict()``).
    """

    def __init__(
        self,
        parameters: list[Parameter],
        parameter_constraints: list[ParameterConstraint] | None = None,
        cell: Cell | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(parameters=parameters, parameter_constraints=parameter_constraints)
        self._cell = cell if cell is None or isinstance(cell, Cell) else from_dict(dict(cell))

    @classmethod
    def from_cell(cls, cell: Cell) -> CellSearchSpace:
        """The architectures of ``cell``."""
        parameters: list[Parameter] = [
            _choice(f"block_{i}", ParameterType.STRING, list(cell.operations))
            for i in range(cell.num_blocks)
        ]
        parameters += [
            _choice(f"wire_{j}", ParameterType.INT, list(range(alternatives)))
            for j, alternatives in enumerate(cell.wiring)
        ]
        return cls(parameters, cell=cell)

    @property
    def cell(self) -> Cell:
        """The cell whose architectures these are.

        Raises:
            CellError: The space was built without a cell.
        """
        if self._cell is None:
            raise CellError(
                "this CellSearchSpace was built without its cell",
                "build it with CellSearchSpace.from_cell(cell)",
            )
        return self._cell

    def clone(self) -> CellSearchSpace:
        """A copy with parameters of its own."""
        return type(self)(
            parameters=[p.clone() for p in self.parameters.values()],
            parameter_constraints=list(self.parameter_constraints),
            cell=self._cell,
        )

    def code(self, parameters: Mapping[str, TParamValue]) -> npt.NDArray[np.int64]:
        """Parameters as a code ``d``.

        Raises:
            ArchitectureError: A parameter is missing, unknown, or has no such value, or the
                cell does not allow the architecture.
        """
        missing = [name for name in self.parameters if name not in parameters]
        unknown = [name for name in parameters if name not in self.parameters]
        if missing or unknown:
            raise ArchitectureError(
                f"parameters {sorted(parameters)} do not fit: missing {missing}, unknown {unknown}",
                f"needed are {list(self.parameters)}",
            )
        code = np.empty(len(self.parameters), dtype=np.int64)
        for i, (name, parameter) in enumerate(self.parameters.items()):
            values = _values(parameter)
            if parameters[name] not in values:
                raise ArchitectureError(
                    f"{name} = {parameters[name]!r} is no value of cell {self.cell.name!r}",
                    nearest_hint(str(parameters[name]), map(str, values)),
                )
            code[i] = values.index(parameters[name])
        if not self.cell.is_valid(code[None, :])[0]:
            raise ArchitectureError(
                f"{dict(parameters)} is no valid architecture of cell {self.cell.name!r}"
            )
        return code

    def parameters_of(self, code: npt.ArrayLike) -> dict[str, TParamValue]:
        """A code ``d`` as Ax parameters."""
        row = np.asarray(code, dtype=np.int64).tolist()
        return {
            name: _values(parameter)[index]
            for (name, parameter), index in zip(self.parameters.items(), row, strict=True)
        }

    def decode(
        self, parameters: Mapping[str, TParamValue], seed: int = 0, trial_index: int = 0
    ) -> Architecture:
        """The architecture of a trial; nothing is drawn, seed and index are not used.

        The signature is that of :meth:`AnasodSearchSpace.decode`, so that one loop serves
        both spaces.

        Raises:
            ArchitectureError: The parameters are no architecture of the cell.
        """
        return self.cell.architecture(self.cell.canonical(self.code(parameters)[None, :])[0])

    def encode(self, architecture: Architecture | str) -> dict[str, TParamValue]:
        """An architecture as Ax parameters.

        Raises:
            ArchitectureError: The architecture is of another cell.
        """
        if isinstance(architecture, str):
            architecture = self.cell.architecture(architecture)
        check_cell(architecture, self.cell)
        return self.parameters_of(architecture.code)

    def check_membership(
        self,
        parameterization: Mapping[str, TParamValue],
        raise_error: bool = False,
        check_all_parameters_present: bool = True,
        check_range_bounds: bool = True,
    ) -> bool:
        """Whether a parameterization is a valid architecture (see :meth:`code`).

        Raises:
            ArchitectureError: It is not, and ``raise_error`` is set.
        """
        if self._cell is None or not check_all_parameters_present:
            return super().check_membership(
                parameterization=parameterization,
                raise_error=raise_error,
                check_all_parameters_present=check_all_parameters_present,
                check_range_bounds=check_range_bounds,
            )
        try:
            self.code(parameterization)
        except ArchitectureError:
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
        """Whether a parameterization may be an arm: a valid architecture, see :meth:`code`.

        As in :meth:`AnasodSearchSpace.check_types`.

        Raises:
            ArchitectureError: It is none, and ``raise_error`` is set.
        """
        if self._cell is None:
            return super().check_types(
                dict(parameterization), allow_none, allow_extra_params, raise_error
            )
        return self.check_membership(parameterization, raise_error=raise_error)


def _choice(name: str, parameter_type: ParameterType, values: list[Any]) -> ChoiceParameter:
    return ChoiceParameter(
        name=name,
        parameter_type=parameter_type,
        values=values,
        is_ordered=False,
        # Ax insists on sorting numeric values; 0..m-1 is sorted already.
        sort_values=parameter_type is ParameterType.INT,
    )


def _values(parameter: Parameter) -> list[TParamValue]:
    if not isinstance(parameter, ChoiceParameter):
        raise CellError(f"parameter {parameter.name!r} of a CellSearchSpace must be a choice")
    return list(parameter.values)
