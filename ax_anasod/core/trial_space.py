"""The search space that the parameters of a trial are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from ax_anasod.cells import Cell
from ax_anasod.core.cell_search_space import CellSearchSpace
from ax_anasod.core.coding import Space
from ax_anasod.core.search_space import AnasodSearchSpace
from ax_anasod.exceptions import UnknownNameError


class TrialSpace:
    """Tells by the names of a trial's parameters whether they are an encoding.

    A runner gets nothing but the parameters of a trial, whatever strategy proposed it.

    Args:
        cell: The cell.
        space: What all trials are, ``"encoding"`` or ``"architecture"``; None looks at each.

    Raises:
        UnknownNameError: There is no such kind of space.
    """

    def __init__(self, cell: Cell, space: Space | None) -> None:
        if space is not None and space not in get_args(Space):
            raise UnknownNameError("kind of search space", space, get_args(Space))
        self._space = space
        self._encodings = AnasodSearchSpace.from_cell(cell)
        self._architectures = CellSearchSpace.from_cell(cell)

    def of(self, parameters: Mapping[str, Any]) -> AnasodSearchSpace | CellSearchSpace:
        """The space of a trial; that of encodings where its parameters are of neither."""
        space = self._space
        if space is None and parameters.keys() == self._architectures.parameters.keys():
            space = "architecture"
        return self._architectures if space == "architecture" else self._encodings
