"""Cells that are another cell with fewer architectures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from numpy import bool_, int64
from numpy.typing import ArrayLike, NDArray

from ax_anasod.cells.cell import Cell
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.typing import Codes


class DerivedCell(Cell):
    """A cell whose codes mean what they mean in a full one, of which it has some only.

    Args:
        base: The full cell.
        parts: Number of its parts that share one encoding.
    """

    base: Cell

    def __init__(self, base: Cell, parts: int) -> None:
        super().__init__(base.name, base.operations, base.num_blocks, base.wiring, parts)
        self.base = base

    def canonical(self, codes: ArrayLike) -> Codes:
        """The representative of each architecture, ``n x d``."""
        return self.base.canonical(codes)

    def members(self, code: ArrayLike) -> Codes:
        """All codes of the same architecture: ``d`` to ``m x d``."""
        return self.base.members(code)

    def edits(self, code: Codes) -> Codes:
        """All codes of the full cell one step from ``code``: ``d`` to ``m x d``."""
        return self.base.edits(code)

    def _format(self, codes: Codes) -> list[str]:
        return self.base._format(codes)

    def _parse(self, texts: Sequence[str]) -> Codes:
        return self.base._parse(texts)

    @cached_property
    def block_graph(self) -> BlockGraph:
        """That of the full cell."""
        return self.base.block_graph

    @property
    def graph_shows_wiring(self) -> bool:
        """Whether `sources` depends on the wiring choices."""
        return self.base.graph_shows_wiring

    def sources(self, codes: ArrayLike) -> NDArray[int64]:
        """The state that each block reads, ``n x num_blocks``."""
        return self.base.sources(codes)

    def outputs(self, codes: ArrayLike) -> NDArray[bool_]:
        """Whether each state is passed on, ``n x num_parts x num_states``."""
        return self.base.outputs(codes)


def full_cell(cell: Cell) -> Cell:
    """The cell itself, or the one that it has some architectures of."""
    return cell.base if isinstance(cell, DerivedCell) else cell
