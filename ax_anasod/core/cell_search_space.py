"""The search space of architectures: one choice per block and wiring choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from ax.core.parameter import ChoiceParameter, Parameter, ParameterType
from ax.core.types import TParamValue

from ax_anasod.cells import Architecture, Cell
from ax_anasod.core.bound_space import CellBoundSearchSpace
from ax_anasod.core.membership import require_cell
from ax_anasod.exceptions import ArchitectureError, CellError, nearest_hint


class CellSearchSpace(CellBoundSearchSpace):
    """All architectures of a cell, for the strategies that search them directly.

    One unordered choice parameter ``block_<i>`` per operation block, whose values are the
    operation names, and one ``wire_<j>`` per wiring choice, whose values are 0..m-1.

    Args:
        parameters: The choice parameters.
        parameter_constraints: None; kept for Ax, which rebuilds spaces through it.
        cell: The cell (or its ``to_dict()``).
    """

    refusal: ClassVar = ArchitectureError

    @classmethod
    def from_cell(cls, cell: Cell) -> CellSearchSpace:
        """The architectures of ``cell``.

        Raises:
            CellError: It is no cell.
        """
        require_cell(cell)
        parameters: list[Parameter] = [
            _choice(f"block_{i}", ParameterType.STRING, list(cell.operations))
            for i in range(cell.num_blocks)
        ]
        parameters += [
            _choice(f"wire_{j}", ParameterType.INT, list(range(alternatives)))
            for j, alternatives in enumerate(cell.wiring)
        ]
        return cls(parameters, cell=cell)

    def check(self, parameters: Mapping[str, TParamValue]) -> None:
        """Refuse parameters that are no valid architecture (see :meth:`code`).

        Raises:
            ArchitectureError: They are none.
        """
        self.code(parameters)

    def code(self, parameters: Mapping[str, TParamValue]) -> npt.NDArray[np.int64]:
        """Parameters as a code ``d``.

        Raises:
            ArchitectureError: A parameter is missing, unknown, or has no such value, or the
                cell does not allow the architecture.
        """
        chosen = self._in_order(parameters)
        code = np.empty(len(chosen), dtype=np.int64)
        for i, (value, parameter) in enumerate(zip(chosen, self.parameters.values(), strict=True)):
            values = _values(parameter)
            if value not in values:
                raise ArchitectureError(
                    f"{parameter.name} = {value!r} is no value of cell {self.cell.name!r}",
                    nearest_hint(str(value), map(str, values)),
                )
            code[i] = values.index(value)
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
        """The architecture that parameters name: nothing is drawn, seed and index are not used.

        They are there for code that serves both spaces (:meth:`AnasodSearchSpace.decode`).

        Raises:
            ArchitectureError: The parameters are no architecture of the cell.
        """
        return self.cell.architecture(self.cell.canonical(self.code(parameters)[None, :])[0])

    def encode(self, architecture: Architecture | str) -> dict[str, TParamValue]:
        """An architecture as Ax parameters.

        Raises:
            ArchitectureError: The architecture is of another cell.
        """
        return self.parameters_of(self._own(architecture).code)


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
