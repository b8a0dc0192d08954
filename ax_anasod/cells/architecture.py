"""One architecture as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ax_anasod.exceptions import ArchitectureError, UnknownNameError

if TYPE_CHECKING:
    from ax_anasod.cells.cell import Cell


@dataclass(frozen=True)
class Architecture:
    """One architecture of a cell; hashable, and ``str()`` gives the benchmark's own string.

    Two architectures that the cell counts as the same are equal: where the cell maps
    isomorphic codes to one representative, so does this constructor.

    Args:
        cell: The cell it belongs to.
        operations: The operation's name for each of the ``num_blocks`` blocks.
        wiring: The chosen alternative of each wiring choice, counted from 0.

    Raises:
        UnknownNameError: If the cell has no such operation.
        ArchitectureError: If the cell holds no such architecture.

    Example:
        >>> from ax_anasod.cells import Cell
        >>> cell = Cell("mine", operations=["conv", "skip"], num_blocks=3, wiring=[2])
        >>> architecture = Architecture(cell, ("conv", "skip", "conv"), (1,))
        >>> str(architecture), architecture.counts.tolist()
        ('conv|skip|conv@1', [2, 1])
    """

    cell: Cell
    operations: tuple[str, ...]
    wiring: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        index = {name: i for i, name in enumerate(self.cell.operations)}
        for operation in self.operations:
            if operation not in index:
                raise UnknownNameError("operation", operation, self.cell.operations)
        code = np.array([*(index[name] for name in self.operations), *self.wiring])[None]
        if not self.cell.is_valid(code)[0]:
            raise ArchitectureError(
                f"{self.cell.to_strings(code)[0]!r} is no valid architecture of cell "
                f"{self.cell.name!r}"
            )
        row = self.cell.canonical(code)[0].tolist()
        blocks = self.cell.num_blocks
        names = tuple(self.cell.operations[i] for i in row[:blocks])
        object.__setattr__(self, "operations", names)
        object.__setattr__(self, "wiring", tuple(row[blocks:]))

    def __str__(self) -> str:
        return self.cell.to_strings(self.code[None])[0]

    @property
    def code(self) -> NDArray[np.int64]:
        """The code, ``d``."""
        index = [self.cell.operations.index(name) for name in self.operations]
        return np.array([*index, *self.wiring], dtype=np.int64)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of blocks with each operation, ``k``; sums to ``num_blocks``."""
        counts: NDArray[np.int64] = self.cell.encode(self.code[None])[0]
        return counts

    @property
    def fractions(self) -> NDArray[np.float64]:
        """The normalised encoding, ``k``; sums to 1 (paper, Section 3.1)."""
        fractions: NDArray[np.float64] = self.counts / self.cell.num_blocks
        return fractions
