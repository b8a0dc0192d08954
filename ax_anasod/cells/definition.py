"""The definition of a cell: its operations, blocks, wiring, and what its codes mean."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from ax_anasod.cells import checks, keys, strings
from ax_anasod.cells.drawing import cell_html
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.exceptions import ArchitectureError, CellError, shown
from ax_anasod.simplex import num_encodings
from ax_anasod.typing import AnyArray, ArrayLike, Codes, Counts, Indices, Mask


@dataclass(frozen=True, init=False)
class CellDefinition:
    """N blocks of k operations, their wiring, and what a code of them means.

    A `Cell` is one that also draws and lists its architectures; the arguments are described
    there. What a subclass may change of the meaning of codes stands here.

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

    def __repr__(self) -> str:
        wiring = f", wiring {'x'.join(map(str, self.wiring))}" if self.wiring else ""
        blocks = f"{self.num_blocks} blocks of {' | '.join(self.operations)}"
        return f"{type(self).__name__}({self.name!r}: {blocks}{wiring})"

    def _repr_html_(self) -> str:
        facts = [
            f"{self.num_blocks:,} blocks",
            *([f"wiring {' × '.join(map(str, self.wiring))}"] if self.wiring else []),
            f"{self.num_encodings:,} encodings",
            f"{'' if self.accepts_all_codes else 'at most '}{self.num_codes:,} architectures",
        ]
        title = f"{type(self).__name__} {self.name}"
        return cell_html(title, ", ".join(facts), self.operations, self.block_graph)

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

    def validate_codes(self, codes: ArrayLike) -> Codes:
        """Checks the form of codes: shape, type and range.

        Args:
            codes: ``n x d`` of any integer type.

        Returns:
            ``n x d`` int64 codes, the argument itself where it already has that form.

        Raises:
            ArchitectureError: If the codes are malformed; the message names the first wrong entry.
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

    # Validity, and codes of the same architecture

    def is_valid(self, codes: ArrayLike) -> Mask:
        """True for each of ``n x d`` codes that is an architecture of the search space.

        Raises:
            ArchitectureError: If a code is malformed.
        """
        return np.ones(len(self.validate_codes(codes)), dtype=bool)

    def canonical(self, codes: ArrayLike) -> Codes:
        """The representative of each architecture, ``n x d``, with the same counts.

        Raises:
            ArchitectureError: If a code is malformed.
        """
        return self.validate_codes(codes)

    def is_representative(self, codes: Codes) -> Mask:
        """True for each of ``n x d`` codes that is a valid representative."""
        chosen: Mask = (self.canonical(codes) == codes).all(axis=1)
        return chosen & self.is_valid(codes)

    @cached_property
    def accepts_all_codes(self) -> bool:
        """True if all codes are valid and different architectures."""
        kind = type(self)
        return (
            kind.is_valid is CellDefinition.is_valid and kind.canonical is CellDefinition.canonical
        )

    def members(self, code: ArrayLike) -> Codes:
        """All codes of the same architecture: ``d`` to ``m x d``.

        Raises:
            ArchitectureError: If the code is malformed.
            CellError: If several codes may be the same architecture, and are too many to list.
        """
        own = self.canonical(np.asarray(code)[None])
        if type(self).canonical is CellDefinition.canonical:
            return own
        codes = keys.all_codes(self.name, self.code_sizes)
        return codes.compress((self.canonical(codes) == own).all(axis=1), axis=0)

    def encode(self, codes: ArrayLike) -> Counts:
        """Counts each operation over all blocks.

        Args:
            codes: ``n x d`` codes.

        Returns:
            ``n x k`` counts whose rows sum to ``num_blocks``.

        Raises:
            ArchitectureError: If a code is malformed.
        """
        blocks = self.validate_codes(codes)[:, : self.num_blocks]
        n, k = len(blocks), self.num_operations
        cells = blocks + (np.arange(n) * k)[:, None]
        return np.bincount(cells.ravel(), minlength=n * k).astype(np.int64).reshape(n, k)

    # Graph

    @cached_property
    def block_graph(self) -> BlockGraph:
        """The states that each block reads and writes: a chain, unless a subclass says more."""
        return BlockGraph.chain(self.total, self.parts)

    @property
    def graph_shows_wiring(self) -> bool:
        """True if `sources` depends on the wiring choices; False in a user's plain cell."""
        return type(self).sources is not CellDefinition.sources

    def sources(self, codes: ArrayLike) -> Indices:
        """The state that each block reads, numbered within its part.

        Args:
            codes: ``n x d`` codes.

        Returns:
            ``n x num_blocks`` states; see `BlockGraph`.
        """
        first = [sources[0] for sources in self.block_graph.possible_sources]
        return np.tile(np.array(first * self.parts), (len(self.validate_codes(codes)), 1))

    def outputs(self, codes: ArrayLike) -> Mask:
        """True for each state that is passed on to the next cell.

        Args:
            codes: ``n x d`` codes.

        Returns:
            ``n x num_parts x num_states`` booleans.
        """
        n, states = len(self.validate_codes(codes)), self.block_graph.num_states
        outputs = np.zeros((n, self.parts, states), dtype=bool)
        outputs[:, :, list(self.block_graph.possible_outputs)] = True
        return outputs

    # Strings

    def to_strings(self, codes: ArrayLike) -> list[str]:
        """The string of each of ``n x d`` codes.

        Raises:
            ArchitectureError: If a code is malformed.
        """
        return self._format(self.validate_codes(codes))

    def from_strings(self, texts: Sequence[str]) -> Codes:
        """The code of each architecture string; inverse of `to_strings`.

        Args:
            texts: ``n`` strings in the form that the class of the cell documents; that of
                `Cell` itself is the operation names in block order joined by ``|``, then,
                where there are wiring choices, ``@`` and these joined by ``,``.

        Returns:
            ``n x d`` codes of valid representatives.

        Raises:
            ArchitectureError: If a string is malformed or no valid architecture; names it,
                its position, and what is wrong.
        """
        checked = strings.check_texts(texts)
        codes = self._parse(checked)
        valid = self.is_valid(codes)
        if not valid.all():
            position = int(np.argmin(valid))
            strings.refuse(checked, position, f"it is no valid architecture of {self.name!r}")
        return self.canonical(codes)

    def _format(self, codes: Codes) -> list[str]:
        return strings.format_plain(codes, self.operations, self.num_blocks)

    def _parse(self, texts: Sequence[str]) -> Codes:
        return strings.parse_plain(texts, self.operations, self.num_blocks, self.wiring)

    # Keys

    def pack(self, codes: ArrayLike) -> Indices:
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

    def keys(self, codes: ArrayLike) -> AnyArray:
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

    def distinct(self, codes: Codes) -> Codes:
        """The first of equal codes, in the order of their first appearance.

        Args:
            codes: ``n x d`` codes.

        Returns:
            ``m x d`` codes, m <= n.
        """
        first = np.unique(self.keys(codes), return_index=True)[1]
        return codes[np.sort(first)]

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
