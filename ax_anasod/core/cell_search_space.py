"""The search space of architectures, and the space that a trial belongs to."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from ax.core.parameter import ChoiceParameter, Parameter, ParameterType
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.types import TParamValue

from ax_anasod.cells import Architecture, Cell, ConstrainedCell
from ax_anasod.cells.encodings import part_counts
from ax_anasod.core.ax_parameters import (
    AnyConstraint,
    AnyParameter,
    choice_names,
    joint_space_parts,
    to_ax,
)
from ax_anasod.core.bound_space import CellBoundSearchSpace, TrialKind, require_cell
from ax_anasod.core.search_space import AnasodSearchSpace
from ax_anasod.exceptions import ArchitectureError, OptionError, UnknownNameError, nearest_hint
from ax_anasod.hyperparameters import Hyperparameters
from ax_anasod.typing import ArrayLike, Codes


class CellSearchSpace(CellBoundSearchSpace):
    """All architectures of a cell, for the strategies that search them directly.

    One unordered choice parameter ``block_<i>`` per operation block, whose values are the
    operation names, and one ``wire_<j>`` per wiring choice, whose values are 0..m-1.

    Args:
        parameters: The choice parameters, and those beside the cell.
        parameter_constraints: Constraints on what is beside the cell.
        cell: The cell (or its ``to_dict()``).
    """

    kind: ClassVar = "architecture"
    refusal: ClassVar = ArchitectureError

    @classmethod
    def from_cell(
        cls,
        cell: Cell,
        parameters: Sequence[AnyParameter] = (),
        parameter_constraints: Sequence[AnyConstraint] = (),
    ) -> CellSearchSpace:
        """The architectures of ``cell``, and what is searched beside them.

        Args:
            cell: The cell.
            parameters: Further parameters, as for :meth:`AnasodSearchSpace.from_cell`.
            parameter_constraints: Linear constraints, as there: those on counts
                (``"n_skip <= 3"``) say which architectures there are.

        Raises:
            CellError: ``cell`` is no cell.
            OptionError: As for :meth:`AnasodSearchSpace.from_cell`.
            UnknownNameError: A constraint names an unknown parameter.
        """
        require_cell(cell)
        cell, others, bounds = joint_space_parts(cell, parameters, parameter_constraints)
        names = choice_names(cell)
        blocks, wires = names[: cell.num_blocks], names[cell.num_blocks :]
        choices: list[Parameter] = [
            _choice(name, ParameterType.STRING, list(cell.operations)) for name in blocks
        ]
        choices += [
            _choice(name, ParameterType.INT, list(range(alternatives)))
            for name, alternatives in zip(wires, cell.wiring, strict=True)
        ]
        return cls([*choices, *others], bounds, cell=cell)

    @property
    def names(self) -> list[str]:
        """The parameter of each block, then of each wiring choice."""
        return choice_names(self.cell)

    def parameterizations(self, rows: ArrayLike) -> list[dict[str, Any]]:
        """Codes ``n x d`` as Ax parameters.

        Raises:
            ArchitectureError: A row is not a code of the cell.
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
        """Check that parameters are a valid architecture (see :meth:`code`).

        Raises:
            ArchitectureError: The parameters describe no valid architecture.
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
        cell = self.cell
        if isinstance(cell, ConstrainedCell):
            broken = [b for counts in part_counts(cell, codes)[0] for b in cell.broken(counts)]
            if broken:
                raise ArchitectureError(
                    f"{dict(parameters)} breaks the constraint "
                    f"{' and '.join(map(repr, dict.fromkeys(broken)))}"
                )
        if not cell.is_valid(codes)[0]:
            raise ArchitectureError(
                f"{dict(parameters)} is no valid architecture of cell {self.cell.name!r}"
            )
        self.settings([parameters])
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


def search_space(
    kind: TrialKind, cell: Cell, hyperparameters: Mapping[str, Any] | None = None
) -> AnasodSearchSpace | CellSearchSpace:
    """Build a search space of a kind from plain stored values.

    Args:
        kind: The kind.
        cell: The cell.
        hyperparameters: The parameters beside the cell, as ``Hyperparameters.to_dict()``.
    """
    own = SEARCH_SPACES[kind].from_cell(cell)
    if hyperparameters is None:
        return own
    beside = Hyperparameters.from_dict(hyperparameters)
    return type(own)(
        [*own.parameters.values(), *to_ax(beside)],
        [*own.parameter_constraints, *(ParameterConstraint(str(b)) for b in beside.bounds)],
        cell=cell,
    )


def search_space_of(
    cell: Cell, parameters: Container[str], kind: TrialKind | None = None
) -> AnasodSearchSpace | CellSearchSpace:
    """The search space that a trial belongs to.

    A runner gets nothing but the parameters of a trial, whatever strategy proposed it.

    Args:
        cell: The cell.
        parameters: The names of its parameters; where they are of neither space, it is that of
            encodings, which says what is missing.
        kind: The kind of the trial, if it is known.
    """
    if kind is None:
        named = all(name in parameters for name in choice_names(cell))
        kind = "architecture" if named else "encoding"
    return SEARCH_SPACES[kind].from_cell(cell)


def check_no_others(what: str, cell: Cell, parameters: Mapping[str, Any]) -> None:
    """Check that a trial has no parameters beside the cell, which the caller would ignore.

    Args:
        what: The name of the caller, for the message.
        cell: The cell.
        parameters: The parameters of a trial.

    Raises:
        OptionError: ``parameters`` has names that are not parameters of the cell.
    """
    _, others = search_space_of(cell, parameters).split(parameters)
    if others:
        raise OptionError(
            f"{what} knows nothing of the parameters {[*others]} beside the cell",
            "evaluate such trials yourself, with complete_trial",
        )


def check_kind(kind: str) -> None:
    """Check that a kind of search space exists.

    Raises:
        UnknownNameError: ``kind`` is unknown.
    """
    if kind not in SEARCH_SPACES:
        raise UnknownNameError("kind of search space", kind, SEARCH_SPACES)
