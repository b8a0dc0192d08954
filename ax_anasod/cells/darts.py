"""The cell of DARTS, which is also that of NAS-Bench-301."""

from __future__ import annotations

from typing import Any

from ax_anasod.cells.genotype import GenotypeCell
from ax_anasod.cells.serialization import register_cell

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)


@register_cell
class DARTSCell(GenotypeCell):
    """DARTS and NAS-Bench-301: a normal and a reduction cell of 4 nodes, 7 operations.

    One encoding describes one cell of 8 blocks, and both cells are drawn from it (paper,
    Appendix D). An architecture has 16 blocks and about 10^18 relatives.

    Source: Liu et al., "DARTS: Differentiable architecture search" (ICLR 2019); Siems et
    al., "NAS-Bench-301 and the case for surrogate benchmarks" (2020); paper, Appendix A.1.

    Example:
        >>> cell = DARTSCell()
        >>> cell.total, cell.num_encodings, cell.wiring
        (8, 3003, (3, 6, 10, 3, 6, 10))
    """

    def __init__(self) -> None:
        super().__init__("darts", OPERATIONS, num_nodes=4, part_names=("normal", "reduce"))

    def arguments(self) -> dict[str, Any]:
        """None: the search space fixes everything."""
        return {}
