"""What the parameters of a cell are called in each search space."""

from __future__ import annotations

from ax_anasod.cells import Cell
from ax_anasod.exceptions import CellError
from ax_anasod.metadata import parameter_name as parameter_name


def parameter_names(cell: Cell) -> list[str]:
    """The parameter names of a cell's operations, in the cell's order.

    Raises:
        CellError: Two operations would get the same parameter name.
    """
    owner: dict[str, str] = {}
    for operation in cell.operations:
        name = parameter_name(operation)
        if name in owner:
            raise CellError(
                f"operations {owner[name]!r} and {operation!r} of cell {cell.name!r} would "
                f"both be the parameter {name!r}",
                "rename one of them",
            )
        owner[name] = operation
    return list(owner)


def choice_names(cell: Cell) -> list[str]:
    """The parameter names of a cell's blocks and wiring choices, in the order of a code."""
    blocks = [f"block_{i}" for i in range(cell.num_blocks)]
    return blocks + [f"wire_{j}" for j in range(len(cell.wiring))]
