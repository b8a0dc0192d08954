"""The base of the two search spaces: a cell, its parameters as integers, and fitting arms.

Generators see a trial as one integer row: counts ``k`` or a code ``d``. The cell alone says which
Ax parameters its columns are, so that a generator also works on a plain ``SearchSpace``. Parameters
beside the cell are a second row: a setting ``h`` of ``ax_anasod.hyperparameters.Hyperparameters``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, TypeVar

import numpy as np
from ax.core.parameter import Parameter
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.types import TParamValue

from ax_anasod.cells import Architecture, Cell, as_cell
from ax_anasod.cells.drawing import block_html
from ax_anasod.core.ax_parameters import hyperparameters_of
from ax_anasod.core.frozen_space import FrozenSearchSpace
from ax_anasod.exceptions import (
    AnasodError,
    ArchitectureError,
    CellError,
    OptionError,
    ParameterError,
    UnknownNameError,
)
from ax_anasod.hyperparameters import Hyperparameters
from ax_anasod.typing import ArrayLike, Codes, Indices, Settings

_V = TypeVar("_V")

TrialKind = Literal["encoding", "architecture"]
"""The kind of a trial: the counts of an encoding, or an architecture."""


class CellBoundSearchSpace(FrozenSearchSpace):
    """A search space over a cell, which knows what every arm stands for.

    Build one with ``from_cell``; the constructor keeps Ax's signature, because Ax clones and
    rebuilds search spaces through it, without a cell.

    Args:
        parameters: The parameters.
        parameter_constraints: The constraints.
        cell: The cell (or its ``to_dict()``).

    Raises:
        OptionError: A parameter or constraint is of a kind that is not searched here.
    """

    kind: ClassVar[TrialKind]
    """The kind of its parameters."""
    refusal: ClassVar[type[AnasodError]]
    """The class of the error for parameters outside of the space."""

    def __init__(
        self,
        parameters: list[Parameter],
        parameter_constraints: list[ParameterConstraint] | None = None,
        cell: Cell | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(parameters=parameters, parameter_constraints=parameter_constraints)
        self._cell = None if cell is None else as_cell(cell)
        self._hyperparameters = Hyperparameters() if self._cell is None else self._beside()

    def __repr__(self) -> str:
        beside = "".join(f", {name}" for name in self._hyperparameters.names)
        return f"{type(self).__name__}({self._cell!r}{beside})"

    def _repr_html_(self) -> str | None:
        if self._cell is None:  # as in Ax's own copies
            return None
        names = ", ".join(self.parameters)
        return block_html(type(self).__name__, names, self._cell._repr_html_())

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

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The parameters that are searched beside the cell."""
        return self._hyperparameters

    def _beside(self) -> Hyperparameters:
        own, others = self.split(self.parameters)
        constraints = self.parameter_constraints
        bounds = [c for c in constraints if not own.keys() >= c.constraint_dict.keys()]
        return hyperparameters_of(list(others.values()), bounds)

    def split(self, parameters: Mapping[str, _V]) -> tuple[dict[str, _V], dict[str, _V]]:
        """Split parameters by their names into those of the cell and those beside it."""
        names = set(self.names)
        own = {name: value for name, value in parameters.items() if name in names}
        return own, {name: value for name, value in parameters.items() if name not in names}

    # Parameters as numbers, and back

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """The parameters that are the columns of a row, in order.

        Parameters beside the cell are in ``parameters`` only.
        """

    @abstractmethod
    def parameterizations(self, rows: ArrayLike) -> list[dict[str, Any]]:
        """Integer rows ``n x len(names)`` as the parameters of the cell.

        Raises:
            AnasodError: A row does not fit the cell; the class is :attr:`refusal`.
        """

    def parameters_of(self, row: ArrayLike) -> dict[str, Any]:
        """One row as the parameters of the cell, as in :meth:`parameterizations`."""
        return self.parameterizations(np.asarray(row)[None])[0]

    def arms(self, rows: ArrayLike, settings: Settings) -> list[dict[str, Any]]:
        """Integer rows and settings ``n x h`` as all parameters of trials.

        Raises:
            AnasodError: As for :meth:`parameterizations`.
        """
        own = self.parameterizations(rows)
        if not self.hyperparameters:
            return own
        others = self.hyperparameters.parameterizations(settings)
        return [{**o, **h} for o, h in zip(own, others, strict=True)]

    def settings(self, parameterizations: Sequence[Mapping[str, Any]]) -> Settings:
        """Ax parameters as settings ``n x h``; those of the cell are not looked at.

        Raises:
            AnasodError: A parameter is missing or wrong; the class is :attr:`refusal`.
        """
        try:
            return self.hyperparameters.settings(parameterizations)
        except ParameterError as error:
            raise self.refusal(error.message, error.hint) from None

    def rows(self, parameterizations: Sequence[Mapping[str, Any]]) -> Indices:
        """Ax parameters as integer rows ``n x len(names)``; others than the names are ignored.

        Whether the cell has such an architecture is not looked at (see :meth:`check`).

        Raises:
            AnasodError: A parameter is missing or wrong; the class is :attr:`refusal`.
        """
        names = self.names
        rows = [self._row(names, parameters) for parameters in parameterizations]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(names))

    def contains(self, parameters: Mapping[str, Any]) -> bool:
        """Return True if parameters are a row. On plain spaces, Ax also accepts others."""
        try:
            self._row(self.names, parameters)
            self.settings([parameters])
        except self.refusal:
            return False
        return True

    def partial(self, parameters: Mapping[str, Any]) -> dict[int, int]:
        """Convert some of the cell's parameters: column of a row -> value. Others are ignored.

        Raises:
            UnknownNameError: A name is not a parameter of the space.
            AnasodError: A value is not allowed; the class is :attr:`refusal`.
        """
        columns = {name: column for column, name in enumerate(self.names)}
        others = self.hyperparameters
        for name in parameters:
            if name not in columns and name not in others.names:
                raise UnknownNameError("parameter", name, [*columns, *others.names])
        return {
            columns[name]: self._number(columns[name], name, value)
            for name, value in parameters.items()
            if name in columns
        }

    def partial_setting(self, parameters: Mapping[str, Any]) -> dict[int, float]:
        """Convert some parameters beside the cell: column of a setting -> number.

        Raises:
            AnasodError: A value is not allowed; the class is :attr:`refusal`.
        """
        try:
            return self.hyperparameters.partial(parameters)
        except ParameterError as error:
            raise self.refusal(error.message, error.hint) from None

    def _row(self, names: list[str], parameters: Mapping[str, Any]) -> list[int]:
        if not all(name in parameters for name in names):
            self._refuse_names(parameters)
        return [self._number(i, name, parameters[name]) for i, name in enumerate(names)]

    @abstractmethod
    def _number(self, column: int, name: str, value: Any) -> int:
        """One parameter as the value of its column."""

    # Membership

    @abstractmethod
    def check(self, parameters: Mapping[str, TParamValue]) -> None:
        """Check that parameters are inside the space.

        Raises:
            AnasodError: The parameters are outside; the class is :attr:`refusal`.
        """

    @abstractmethod
    def draw(self, parameters: Mapping[str, TParamValue], seed: int, trial_index: int) -> Codes:
        """The architecture that parameters stand for, as a valid code ``1 x d``.

        Args:
            parameters: The trial's parameters.
            seed: The seed of the run.
            trial_index: The index that Ax gave the trial.

        Raises:
            AnasodError: The parameters are outside of the space; the class is :attr:`refusal`.
        """

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
        """Return True if a parameterization is inside the space (see :meth:`check`).

        Raises:
            AnasodError: It is outside, and ``raise_error`` is True; the class is :attr:`refusal`.
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
        """Return True if a parameterization may be an arm: if it is inside the space.

        Raises:
            AnasodError: It is outside, and ``raise_error`` is True; the class is :attr:`refusal`.
        """
        if self._cell is None:
            return super().check_types(
                dict(parameterization), allow_none, allow_extra_params, raise_error
            )
        return self.check_membership(parameterization, raise_error=raise_error)

    def _refuse_names(self, parameters: Mapping[str, Any]) -> None:
        """Check that no parameter is missing or unknown."""
        missing = [name for name in self.parameters if name not in parameters]
        unknown = [name for name in parameters if name not in self.parameters]
        if missing or unknown:
            raise self.refusal(
                f"parameters {sorted(parameters)} do not fit: missing {missing}, unknown {unknown}",
                f"needed are {list(self.parameters)}",
            )

    def _own(self, architecture: Architecture | str) -> Architecture:
        """An architecture of the cell, maybe given as its string.

        Raises:
            ArchitectureError: Its cell differs in operations, blocks or wiring, so that codes
                mean something else, or the architecture is none of this cell.
        """
        if isinstance(architecture, str):
            return self.cell.architecture(architecture)
        own, cell = self.cell, architecture.cell
        if (own.operations, own.num_blocks, own.wiring) != (
            cell.operations,
            cell.num_blocks,
            cell.wiring,
        ):
            raise ArchitectureError(
                f"{str(architecture)!r} is an architecture of cell {cell.name!r}, but the search "
                f"space is that of {own.name!r}"
            )
        return own.architecture(architecture.code)


def require_cell(cell: object) -> None:
    """Check that an object is a cell, and not the name of one.

    Raises:
        CellError: ``cell`` is no :class:`ax_anasod.cells.Cell`.
    """
    if not isinstance(cell, Cell):
        raise CellError(
            f"a search space is that of a Cell, got {cell!r}",
            "ax_anasod.cells.get gives a built-in cell by its name, cells.load one of a TOML file",
        )


def require_cell_bound(search_space: object) -> None:
    """Check that a search space knows its cell; a plain one does not.

    Raises:
        OptionError: The search space is not one of this package.
    """
    if not isinstance(search_space, CellBoundSearchSpace):
        raise OptionError(
            f"a search space must be an AnasodSearchSpace or a CellSearchSpace, got a "
            f"{type(search_space).__name__}",
            "AnasodSearchSpace.from_cell(cell) makes one",
        )
