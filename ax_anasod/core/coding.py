"""Ax parameters as integer rows, and back: counts for encodings, codes for architectures.

Generators know only integer rows. Which Ax parameters those are follows from the cell
alone, so that a generator also works on a plain ``SearchSpace`` with the same names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ax_anasod.cells import Cell
from ax_anasod.core.cell_search_space import CellSearchSpace
from ax_anasod.core.parameter import parameter_names
from ax_anasod.core.search_space import AnasodSearchSpace
from ax_anasod.exceptions import (
    ArchitectureError,
    EncodingError,
    OptionError,
    UnknownNameError,
    nearest_hint,
)
from ax_anasod.simplex import validate_counts

Space = Literal["encoding", "architecture"]


class Coding:
    """The mapping between Ax parameters and integer rows of one cell.

    Args:
        cell: The cell.
        space: ``"encoding"``: rows are counts ``k``; ``"architecture"``: codes ``d``.
    """

    def __init__(self, cell: Cell, space: Space) -> None:
        self.cell, self.space = cell, space
        if space == "encoding":
            self.names = parameter_names(cell)
            self._values: list[list[Any]] | None = None
        else:
            architectures = CellSearchSpace.from_cell(cell)
            self.names = list(architectures.parameters)
            self._values = [list(p.values) for p in architectures.parameters.values()]  # type: ignore[attr-defined]

    def row(self, parameters: Mapping[str, Any]) -> npt.NDArray[np.int64]:
        """Parameters as one integer row.

        Raises:
            EncodingError: A count is no whole number from 0 to N, or they do not sum to N.
            ArchitectureError: A choice has no such value.
        """
        if self._values is not None:
            choices = [self._choice(i, parameters[name]) for i, name in enumerate(self.names)]
            return np.array(choices, dtype=np.int64)
        counts = [self._count(name, parameters[name]) for name in self.names]
        if sum(counts) != self.cell.total:
            raise EncodingError(
                f"{dict(parameters)} is no encoding of cell {self.cell.name!r}: its counts sum to "
                f"{sum(counts)} instead of {self.cell.total}"
            )
        return np.array(counts, dtype=np.int64)

    def contains(self, parameters: Mapping[str, Any]) -> bool:
        """Whether parameters are a row: Ax lets others into experiments on plain spaces."""
        try:
            self.row(parameters)
        except (EncodingError, ArchitectureError, KeyError):
            return False
        return True

    def partial(self, parameters: Mapping[str, Any]) -> dict[int, int]:
        """Some of the parameters as column -> value.

        Raises:
            UnknownNameError: There is no parameter of a name.
            EncodingError: A count is no whole number from 0 to N.
            ArchitectureError: A choice has no such value.
        """
        fixed: dict[int, int] = {}
        for name, value in parameters.items():
            if name not in self.names:
                raise UnknownNameError("parameter", name, self.names)
            column = self.names.index(name)
            fixed[column] = (
                self._count(name, value) if self._values is None else self._choice(column, value)
            )
        return fixed

    def _count(self, name: str, value: Any) -> int:
        total = self.cell.total
        if type(value) is int and 0 <= value <= total:
            return value
        # Written so that NaN fails.
        if not (_is_number(value) and 0 <= value <= total and value == int(value)):
            raise EncodingError(
                f"{name} = {value!r} is no count of cell {self.cell.name!r}: needed is a whole "
                f"number from 0 to {total}"
            )
        return int(value)

    def _choice(self, column: int, value: Any) -> int:
        values = [] if self._values is None else self._values[column]
        if value not in values:
            raise ArchitectureError(
                f"{self.names[column]} = {value!r} is no value of cell {self.cell.name!r}",
                nearest_hint(str(value), map(str, values)),
            )
        return values.index(value)

    def rows(self, parameterizations: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.int64]:
        """Parameterizations as integer rows ``n x len(names)``."""
        if not parameterizations:
            return np.empty((0, len(self.names)), dtype=np.int64)
        return np.stack([self.row(p) for p in parameterizations])

    def parameters(self, rows: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
        """Integer rows ``n x len(names)`` as Ax parameters.

        Raises:
            EncodingError: They are no counts of the cell.
            ArchitectureError: They are no codes of it.
        """
        rows = np.asarray(rows)
        if self._values is None:
            if rows.ndim != 2 or rows.shape[1] != len(self.names):
                raise EncodingError(
                    f"counts of cell {self.cell.name!r} must form an n x {len(self.names)} array, "
                    f"got shape {rows.shape}"
                )
            rows = validate_counts(rows, self.cell.total)
            return [dict(zip(self.names, row, strict=True)) for row in rows.tolist()]
        return [
            {
                name: values[index]
                for name, values, index in zip(self.names, self._values, row, strict=True)
            }
            for row in self.cell.validate_codes(rows).tolist()
        ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def space_of(search_space: AnasodSearchSpace | CellSearchSpace) -> Space:
    """Which of the two kinds a search space is.

    Raises:
        OptionError: It is of neither kind, and does not know its cell.
    """
    if isinstance(search_space, AnasodSearchSpace):
        return "encoding"
    if isinstance(search_space, CellSearchSpace):
        return "architecture"
    raise OptionError(
        f"a search space must be an AnasodSearchSpace or a CellSearchSpace, got a "
        f"{type(search_space).__name__}",
        "AnasodSearchSpace.from_cell(cell) makes one",
    )
