"""One architecture as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ax_anasod.cells.definition import CellDefinition
from ax_anasod.cells.drawing import architecture_html
from ax_anasod.cells.graph import to_networkx
from ax_anasod.exceptions import ArchitectureError
from ax_anasod.typing import ArrayLike, Codes, Counts, Fractions


@dataclass(frozen=True, init=False, eq=False)
class Architecture:
    """One architecture of a cell; hashable, and ``str()`` gives the benchmark's own string.

    Two architectures that the cell counts as the same are equal: where the cell maps
    isomorphic codes to one representative, so does this constructor.

    Args:
        cell: The cell it belongs to.
        code: ``d``: the operation's index for each block, then the wiring choices.

    Raises:
        ArchitectureError: If the cell holds no such architecture.

    Example:
        >>> from ax_anasod.cells import Cell
        >>> cell = Cell("mine", operations=["conv", "skip"], num_blocks=3, wiring=[2])
        >>> architecture = Architecture(cell, [0, 1, 0, 1])
        >>> architecture.operations, architecture.wiring
        (('conv', 'skip', 'conv'), (1,))
        >>> str(architecture), architecture.counts.tolist()
        ('conv|skip|conv@1', [2, 1])
    """

    cell: CellDefinition
    code: Codes

    def __init__(self, cell: CellDefinition, code: ArrayLike) -> None:
        codes = cell.validate_codes(np.asarray(code)[None])
        if not cell.is_valid(codes)[0]:
            raise ArchitectureError(
                f"{cell.to_strings(codes)[0]!r} is no valid architecture of cell {cell.name!r}"
            )
        self._keep(cell, cell.canonical(codes)[0])

    @classmethod
    def of_representative(cls, cell: CellDefinition, code: Codes) -> Self:
        """Wrap a code ``d`` that is known to be a valid representative, without checks."""
        architecture = cls.__new__(cls)
        architecture._keep(cell, code)
        return architecture

    def _keep(self, cell: CellDefinition, code: Codes) -> None:
        own = code.copy()
        own.flags.writeable = False
        object.__setattr__(self, "cell", cell)
        object.__setattr__(self, "code", own)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return self.cell == other.cell and self.code.tolist() == other.code.tolist()

    def __hash__(self) -> int:
        return hash((self.cell, *self.code.tolist()))

    def __str__(self) -> str:
        return self.cell.to_strings(self.code[None])[0]

    def __repr__(self) -> str:
        return f"Architecture({str(self)!r} of {self.cell.name!r})"

    def _repr_html_(self) -> str:
        cell, codes = self.cell, self.code[None]
        graph = to_networkx(
            cell.block_graph, self.operations, cell.sources(codes)[0], cell.outputs(codes)[0]
        )
        return architecture_html(str(self), cell.name, cell.operations, self.counts.tolist(), graph)

    @property
    def operations(self) -> tuple[str, ...]:
        """The operation's name for each of the ``num_blocks`` blocks."""
        return tuple(self.cell.operations[i] for i in self.code[: self.cell.num_blocks])

    @property
    def wiring(self) -> tuple[int, ...]:
        """The chosen alternative of each wiring choice, counted from 0."""
        return tuple(self.code[self.cell.num_blocks :].tolist())

    @property
    def counts(self) -> Counts:
        """Number of blocks with each operation, ``k``; sums to ``num_blocks``."""
        counts: Counts = self.cell.encode(self.code[None])[0]
        return counts

    @property
    def fractions(self) -> Fractions:
        """The normalised encoding, ``k``; sums to 1 (paper, Section 3.1)."""
        fractions: Fractions = self.counts / self.cell.num_blocks
        return fractions
