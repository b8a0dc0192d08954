"""Cells as JSON-able dictionaries, and the classes that can be read back from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ax_anasod.exceptions import CellError, UnknownNameError, shown

if TYPE_CHECKING:
    from ax_anasod.cells.cell import Cell

_TYPES: dict[str, type[Cell]] = {}

CellType = TypeVar("CellType", bound="type[Cell]")


def register_cell(cell_type: CellType) -> CellType:
    """Class decorator: lets `from_dict` find a subclass of `Cell` by its name.

    Runs are stored with their cell, so the name must stay what it is, and the class must be
    registered (its module imported) before a run is loaded.

    Raises:
        CellError: If another class has the name already.

    Example:
        >>> from ax_anasod.cells import Cell, from_dict, register_cell
        >>> @register_cell
        ... class NoSkipOnlyCell(Cell):
        ...     def is_valid(self, codes):
        ...         return (self.validate_codes(codes) != 0).any(axis=1)
        >>> cell = NoSkipOnlyCell("strict", operations=["skip", "conv"], num_blocks=3)
        >>> from_dict(cell.to_dict()) == cell, cell.size
        (True, 7)
    """
    name = cell_type.__name__
    known = _TYPES.get(name)
    # The same class defined again, in a notebook or by a reload, takes the place of the old.
    if known is not None and _home(known) != _home(cell_type):
        raise CellError(
            f"a cell class named {name!r} is registered already, from {known.__module__}",
            "give the new class another name",
        )
    _TYPES[name] = cell_type
    return cell_type


def to_dict(cell: Cell) -> dict[str, Any]:
    """The cell as a JSON-able dictionary; see `Cell.to_dict`."""
    name = type(cell).__name__
    if _TYPES.get(name) is not type(cell):
        raise CellError(
            f"cell class {name!r} is not registered, so the cell could not be read back",
            "decorate the class with @ax_anasod.cells.register_cell",
        )
    return {"type": name, **cell.arguments()}


def from_dict(stored: Mapping[str, Any]) -> Cell:
    """The cell that `Cell.to_dict` described.

    Args:
        stored: The dictionary, unchanged.

    Raises:
        UnknownNameError: If its class is not registered.
        CellError: If it is no such dictionary, or describes no cell.

    Example:
        >>> from ax_anasod.cells import Cell, from_dict
        >>> cell = Cell("mine", operations=["a", "b"], num_blocks=4, wiring=[3])
        >>> from_dict(cell.to_dict()) == cell
        True
    """
    if not isinstance(stored, Mapping) or not isinstance(stored.get("type"), str):
        raise CellError(f"a stored cell is a dictionary with the key 'type', got {shown(stored)}")
    arguments = dict(stored)
    name = arguments.pop("type")
    if name not in _TYPES:
        raise UnknownNameError("cell class", name, _TYPES)
    return _TYPES[name].from_arguments(arguments)


def _home(cell_type: type[Cell]) -> tuple[str, str]:
    return cell_type.__module__, cell_type.__qualname__
