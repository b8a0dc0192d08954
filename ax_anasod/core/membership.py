"""Whether an architecture can stand in a search space."""

from __future__ import annotations

from ax_anasod.cells import Architecture, Cell
from ax_anasod.exceptions import ArchitectureError, CellError


def require_cell(cell: object) -> None:
    """Refuse what is no cell, such as the name of one.

    Raises:
        CellError: It is none.
    """
    if not isinstance(cell, Cell):
        raise CellError(
            f"a search space is that of a Cell, got {cell!r}",
            "ax_anasod.cells.get gives a built-in cell by its name, cells.load one of a TOML file",
        )


def check_cell(architecture: Architecture, cell: Cell) -> None:
    """Refuse an architecture of another cell, whose codes mean something else.

    Args:
        architecture: The architecture.
        cell: The cell of the search space, or a restriction of the architecture's.

    Raises:
        ArchitectureError: The cells differ in their operations, blocks or wiring, or the
            architecture is not among those of ``cell``.
    """
    own = architecture.cell
    if (own.operations, own.num_blocks, own.wiring) != (
        cell.operations,
        cell.num_blocks,
        cell.wiring,
    ):
        raise ArchitectureError(
            f"{str(architecture)!r} is an architecture of cell {own.name!r}, but the search "
            f"space is that of {cell.name!r}"
        )
    if not cell.is_valid(architecture.code[None, :])[0]:
        raise ArchitectureError(
            f"{str(architecture)!r} is no valid architecture of cell {cell.name!r}"
        )
