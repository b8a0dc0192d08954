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
        """Parameters as one integer row."""
        if self._values is None:
            return np.array([round(parameters[name]) for name in self.names], dtype=np.int64)
        return np.array(
            [
                values.index(parameters[name])
                for name, values in zip(self.names, self._values, strict=True)
            ],
            dtype=np.int64,
        )

    def partial(self, parameters: Mapping[str, Any]) -> dict[int, int]:
        """Some of the parameters as column -> value."""
        fixed: dict[int, int] = {}
        for column, name in enumerate(self.names):
            if name in parameters:
                value = parameters[name]
                fixed[column] = (
                    round(value) if self._values is None else self._values[column].index(value)
                )
        return fixed

    def rows(self, parameterizations: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.int64]:
        """Parameterizations as integer rows ``n x len(names)``."""
        if not parameterizations:
            return np.empty((0, len(self.names)), dtype=np.int64)
        return np.stack([self.row(p) for p in parameterizations])

    def parameters(self, rows: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
        """Integer rows ``n x len(names)`` as Ax parameters."""
        if self._values is None:
            return [dict(zip(self.names, row, strict=True)) for row in rows.tolist()]
        return [
            {
                name: values[index]
                for name, values, index in zip(self.names, self._values, row, strict=True)
            }
            for row in rows.tolist()
        ]


def space_of(search_space: AnasodSearchSpace | CellSearchSpace) -> Space:
    """Which of the two kinds a search space is."""
    return "encoding" if isinstance(search_space, AnasodSearchSpace) else "architecture"
