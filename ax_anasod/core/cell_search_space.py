"""The search space of architectures, and which of the two spaces a trial is of."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from ax.core.parameter import ChoiceParameter, Parameter, ParameterType
from ax.core.types import TParamValue

from ax_anasod.cells import Architecture, Cell
from ax_anasod.core.bound_space import CellBoundSearchSpace, TrialKind, require_cell
from ax_anasod.core.search_space import AnasodSearchSpace
from ax_anasod.exceptions import ArchitectureError, UnknownNameError, nearest_hint
from ax_anasod.typing import Codes


class CellSearchSpace(CellBoundSearchSpace):
    """All architectures of a cell, for the strategies that search them directly.

    One unordered choice parameter ``block_<i>`` per operation block, whose values are the
    operation names, and one ``wire_<j>`` per wiring choice, whose values are 0..m-1.

    Args:
        parameters: The choice parameters.
        parameter_constraints: None; kept for Ax, which rebuilds spaces through it.
        cell: The cell (or its ``to_dict()``).
    """

    kind: ClassVar = "architecture"
    refusal: ClassVar = ArchitectureError

    @classmethod
    def from_cell(cls, cell: Cell) -> CellSearchSpace:
        """The architectures of ``cell``.

        Raises:
            CellError: It is no cell.
        """
        require_cell(cell)
        names = choice_names(cell)
        blocks, wires = names[: cell.num_blocks], names[cell.num_blocks :]
        parameters: list[Parameter] = [
            _choice(name, ParameterType.STRING, list(cell.operations)) for name in blocks
        ]
        parameters += [
            _choice(name, ParameterType.INT, list(range(alternatives)))
            for name, alternatives in zip(wires, cell.wiring, strict=True)
        ]
        return cls(parameters, cell=cell)

    @property
    def names(self) -> list[str]:
        """The parameter of each block, then of each wiring choice."""
        return choice_names(self.cell)

    def parameterizations(self, rows: npt.ArrayLike) -> list[dict[str, Any]]:
        """Codes ``n x d`` as Ax parameters.

        Raises:
            ArchitectureError: They are no codes of the cell.
        """
        names, blocks = self.names, self.cell.num_blocks
        operations = np.array(self.cell.operations, dtype=object)
        codes = self.cell.validate_codes(rows)
        chosen = operations[codes[:, :blocks]].tolist(), codes[:, blocks:].tolist()
        return [dict(zip(names, [*o, *w], strict=True)) for o, w in zip(*chosen, strict=True)]

    def _number(self, column: int, name: str, value: Any) -> int:
        cell = self.cell
        wire = column - cell.num_blocks
        values = cell.operations if wire < 0 else range(cell.wiring[wire])
        if value not in values:
            raise ArchitectureError(
                f"{name} = {value!r} is no value of cell {cell.name!r}",
                nearest_hint(str(value), map(str, values)),
            )
        return values.index(value)

    def check(self, parameters: Mapping[str, TParamValue]) -> None:
        """Refuse parameters that are no valid architecture (see :meth:`code`).

        Raises:
            ArchitectureError: They are none.
        """
        self.code(parameters)

    def code(self, parameters: Mapping[str, TParamValue]) -> Codes:
        """Parameters as a code ``d``.

        Raises:
            ArchitectureError: A parameter is missing, unknown, or has no such value, or the
                cell does not allow the architecture.
        """
        self._refuse_names(parameters)
        codes = self.rows([parameters])
        if not self.cell.is_valid(codes)[0]:
            raise ArchitectureError(
                f"{dict(parameters)} is no valid architecture of cell {self.cell.name!r}"
            )
        code: Codes = codes[0]
        return code

    def draw(self, parameters: Mapping[str, TParamValue], seed: int, trial_index: int) -> Codes:
        """The architecture that parameters name, ``1 x d``: nothing is drawn.

        The seed and the index are there for code that serves both spaces.

        Raises:
            ArchitectureError: The parameters are no architecture of the cell.
        """
        return self.cell.canonical(self.code(parameters)[None])

    def decode(
        self, parameters: Mapping[str, TParamValue], seed: int = 0, trial_index: int = 0
    ) -> Architecture:
        """The architecture that parameters name, as for :meth:`draw`.

        Raises:
            ArchitectureError: The parameters are no architecture of the cell.
        """
        return self.cell.architecture(self.code(parameters))

    def encode(self, architecture: Architecture | str) -> dict[str, TParamValue]:
        """An architecture as Ax parameters.

        Raises:
            ArchitectureError: The architecture is of another cell.
        """
        return self.parameters_of(self._own(architecture).code)


def choice_names(cell: Cell) -> list[str]:
    """The parameter names of a cell's blocks and wiring choices, in the order of a code."""
    blocks = [f"block_{i}" for i in range(cell.num_blocks)]
    return blocks + [f"wire_{j}" for j in range(len(cell.wiring))]


def _choice(name: str, parameter_type: ParameterType, values: list[Any]) -> ChoiceParameter:
    return ChoiceParameter(
        name=name,
        parameter_type=parameter_type,
        values=values,
        is_ordered=False,
        # Ax insists on sorting numeric values; 0..m-1 is sorted already.
        sort_values=parameter_type is ParameterType.INT,
    )


SEARCH_SPACES: Final[dict[TrialKind, type[AnasodSearchSpace | CellSearchSpace]]] = {
    "encoding": AnasodSearchSpace,
    "architecture": CellSearchSpace,
}


def search_space_of(
    cell: Cell, parameters: Container[str], kind: TrialKind | None = None
) -> AnasodSearchSpace | CellSearchSpace:
    """The search space that a trial is of.

    Whoever evaluates a trial gets nothing but its parameters, whatever strategy proposed it.

    Args:
        cell: The cell.
        parameters: The names of its parameters; where they are of neither space, it is that of
            encodings, which says what is missing.
        kind: What the trial is, where that is known.
    """
    if kind is None:
        named = all(name in parameters for name in choice_names(cell))
        kind = "architecture" if named else "encoding"
    return SEARCH_SPACES[kind].from_cell(cell)


def check_kind(kind: str) -> None:
    """Refuse a kind of search space that there is not.

    Raises:
        UnknownNameError: There is no such kind.
    """
    if kind not in SEARCH_SPACES:
        raise UnknownNameError("kind of search space", kind, SEARCH_SPACES)
