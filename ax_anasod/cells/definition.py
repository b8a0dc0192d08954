"""The definition of a cell: its operations, blocks, wiring, and the form of its codes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ax_anasod.cells import checks, keys
from ax_anasod.exceptions import ArchitectureError, CellError, shown
from ax_anasod.simplex import num_encodings


@dataclass(frozen=True, init=False)
class CellDefinition:
    """N blocks of k operations and their wiring; the value that a `Cell` is built on.

    Args:
        name: The name of the cell.
        operations: At least two different operation names, without ``|`` and ``@``.
        num_blocks: Number of operation blocks of one architecture, over all parts.
        wiring: How many alternatives (at least 2) each wiring choice has; empty where
            the wiring is fixed.
        parts: Number of equally large parts that share one encoding, such as the normal
            and the reduction cell of DARTS.

    Raises:
        CellError: If the definition describes no search space.
    """

    name: str
    operations: tuple[str, ...]
    num_blocks: int
    wiring: tuple[int, ...]
    parts: int

    def __init__(
        self,
        name: str,
        operations: Sequence[str],
        num_blocks: int,
        wiring: Sequence[int] = (),
        parts: int = 1,
    ) -> None:
        name = checks.check_name(name)
        blocks, parts = checks.check_blocks(name, num_blocks, parts)
        values = {
            "name": name,
            "operations": checks.check_operations(name, operations),
            "num_blocks": blocks,
            "wiring": checks.check_wiring(name, wiring),
            "parts": parts,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)

    # Sizes

    @property
    def num_operations(self) -> int:
        """Number of operations, the paper's k."""
        return len(self.operations)

    @property
    def total(self) -> int:
        """Number of blocks that one encoding describes, the paper's N: those of one part."""
        return self.num_blocks // self.parts

    @property
    def num_encodings(self) -> int:
        """Number of encodings, C(N + k - 1, k - 1)."""
        return num_encodings(self.total, self.num_operations)

    @cached_property
    def code_sizes(self) -> tuple[int, ...]:
        """Number of alternatives of each of the ``d`` columns of a code."""
        return (self.num_operations,) * self.num_blocks + self.wiring

    @property
    def num_codes(self) -> int:
        """Number of codes, valid or not, counted with repetitions of an architecture."""
        return math.prod(self.code_sizes)

    def validate_codes(self, codes: ArrayLike) -> NDArray[np.int64]:
        """Checks the form of codes: shape, type and range.

        Args:
            codes: ``n x d`` of any integer type.

        Returns:
            ``n x d`` int64 codes, the argument itself where it already has that form.

        Raises:
            ArchitectureError: If they are malformed; names the first wrong entry.
        """
        array = np.asarray(codes)
        width = len(self.code_sizes)
        if array.dtype.kind not in "iu" or array.ndim != 2 or array.shape[1] != width:
            raise ArchitectureError(
                f"codes of cell {self.name!r} must form an n x {width} integer array, got "
                f"shape {array.shape} of type {array.dtype}"
            )
        if len(array):
            sizes = np.array(self.code_sizes)
            if array.min() < 0 or (array.max(axis=0) >= sizes).any():
                row, column = (int(i[0]) for i in np.nonzero((array < 0) | (array >= sizes)))
                raise ArchitectureError(
                    f"code {array[row].tolist()} (row {row}) has {array[row, column]} in column "
                    f"{column}, where cell {self.name!r} allows 0 to {sizes[column] - 1}"
                )
        return array.astype(np.int64, copy=False)

    # Keys

    def pack(self, codes: ArrayLike) -> NDArray[np.int64]:
        """An int64 key for each of ``n x d`` codes, ordered as they are.

        Raises:
            ArchitectureError: If a code is malformed.
            CellError: If the cell has more codes than an int64 can number.
        """
        if not keys.fits_int64(self.code_sizes):
            raise CellError(
                f"cell {self.name!r} has about 10^{math.log10(self.num_codes):.1f} codes, more "
                "than 64-bit keys can tell apart",
                "keys gives byte strings there",
            )
        return keys.pack(self.validate_codes(codes), self.code_sizes)

    def keys(self, codes: ArrayLike) -> NDArray[Any]:
        """A sortable key for each of ``n x d`` codes, different for different codes.

        Returns:
            ``n`` keys, ordered as the codes: those of `pack` where they fit an int64, else
            byte strings of one width.

        Raises:
            ArchitectureError: If a code is malformed.
        """
        if keys.fits_int64(self.code_sizes):
            return self.pack(codes)
        return keys.byte_keys(self.validate_codes(codes), self.code_sizes)

    # Storage

    def arguments(self) -> dict[str, Any]:
        """The arguments of the constructor as JSON-able values.

        A subclass whose constructor takes other arguments overrides this.
        """
        return {
            "name": self.name,
            "operations": list(self.operations),
            "num_blocks": self.num_blocks,
            "wiring": list(self.wiring),
            "parts": self.parts,
        }

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """Builds the cell from what `arguments` gave.

        Raises:
            CellError: If an argument is missing, unknown, or describes no cell.
        """
        try:
            inspect.signature(cls).bind(**arguments)
            return cls(**arguments)
        except (TypeError, ValueError, OverflowError) as error:
            names = ", ".join(map(shown, arguments))
            raise CellError(f"{cls.__name__} cannot be built from {names}: {error}") from None
