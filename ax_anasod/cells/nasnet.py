"""The NASNet-style cell of the open-domain experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ax_anasod.cells import darts
from ax_anasod.cells.genotype import GenotypeCell
from ax_anasod.cells.serialization import register_cell

# The paper retains "the full range of 8 operation candidates" (Appendix A.2) and does not
# list them; it counts 8 for DARTS too (Section 1), where the eighth is `none`.
OPERATIONS = ("none", *darts.OPERATIONS)


@register_cell
class NASNetCell(GenotypeCell):
    """NASNet-style open domain: one cell of 5 nodes, 10 of 20 possible edges, 8 operations.

    One architecture is one cell; a network is a stack of several, drawn from one encoding.

    Source: paper, Section 4.2 and Appendix A.2.

    Args:
        operations: The operations; those of DARTS, ``none`` included, unless given.
        num_nodes: Number of nodes, each of two blocks.
        name: The name of the cell.

    Raises:
        CellError: If the definition describes no search space.

    Example:
        >>> cell = NASNetCell()
        >>> cell.total, cell.num_operations, cell.wiring
        (10, 8, (3, 6, 10, 15))
    """

    def __init__(
        self, operations: Sequence[str] = OPERATIONS, num_nodes: int = 5, name: str = "nasnet"
    ) -> None:
        super().__init__(name, operations, num_nodes=num_nodes, part_names=("cell",))

    def arguments(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "operations": list(self.operations),
            "num_nodes": self.num_nodes,
            "name": self.name,
        }
