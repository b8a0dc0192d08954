"""Cells that are another cell with fewer architectures, such as those that a table holds."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from ax_anasod.cells import decoding, keys
from ax_anasod.cells.cell import Cell, from_dict, register_cell
from ax_anasod.cells.encodings import (
    as_counts,
    as_fractions,
    count_keys,
    refuse_infeasible,
    rows_among,
)
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.exceptions import ArchitectureError, CellError, EncodingError
from ax_anasod.schema import conform
from ax_anasod.typing import ArrayLike, Codes, Counts, Fractions, Indices, Mask

_CHUNK = 1024  # rows compared with all encodings at a time
_SMALL, _MOST_COMPRESSED = 2**24, 100


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
        """The block graph of the full cell."""
        return self.base.block_graph

    @property
    def graph_shows_wiring(self) -> bool:
        """True if `sources` depends on the wiring choices."""
        return self.base.graph_shows_wiring

    def sources(self, codes: ArrayLike) -> Indices:
        """The state that each block reads, ``n x num_blocks``."""
        return self.base.sources(codes)

    def outputs(self, codes: ArrayLike) -> Mask:
        """True for each state that is passed on, ``n x num_parts x num_states``."""
        return self.base.outputs(codes)


def full_cell(cell: Cell) -> Cell:
    """The cell itself, or the one that it has some architectures of."""
    return cell.base if isinstance(cell, DerivedCell) else cell


@register_cell
class RestrictedCell(DerivedCell):
    """The same cell with only the given architectures: all draws are among these.

    The cell has one part whatever ``cell`` has, since architectures whose parts have the
    same counts need not be among those that exist.

    Args:
        cell: The full cell.
        codes: ``n x d`` codes of valid architectures; repetitions count once.

    Raises:
        CellError: If ``codes`` is empty.
        ArchitectureError: If a code is malformed or invalid.

    Example:
        >>> from ax_anasod import cells
        >>> cell = cells.get("nas-bench-201")
        >>> two = RestrictedCell(cell, [[3, 3, 3, 3, 3, 3], [3, 3, 1, 3, 3, 3]])
        >>> two.size, two.is_feasible([[0, 0, 0, 6, 0], [0, 0, 6, 0, 0]]).tolist()
        (2, [True, False])
    """

    def __init__(self, cell: Cell, codes: ArrayLike) -> None:
        array = cell.validate_codes(codes)
        if not len(array):
            raise CellError(f"cell {cell.name!r} cannot be restricted to no architecture at all")
        valid = cell.is_valid(array)
        if not valid.all():
            row = int(np.argmin(valid))
            raise ArchitectureError(
                f"code {array[row].tolist()} (row {row}) is no valid architecture of cell "
                f"{cell.name!r}"
            )
        super().__init__(full_cell(cell), parts=1)
        array = cell.canonical(array)
        self._keys, first = np.unique(self.keys(array), return_index=True)
        self._codes = array[first]
        self._codes.flags.writeable = False

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, RestrictedCell)
            and self.base == other.base
            and np.array_equal(self._codes, other._codes)
        )

    def __hash__(self) -> int:
        return hash((self.base, self._digest))

    def __repr__(self) -> str:
        return f"RestrictedCell({self.base!r}, {self.size} architectures)"

    @cached_property
    def _digest(self) -> int:
        return hash(self._codes.tobytes())

    @cached_property
    def size(self) -> int:
        """Number of architectures that exist."""
        return len(self._codes)

    @property
    def num_listed(self) -> int:
        """The number of architectures: they are listed already."""
        return self.size

    def enumerate(self) -> Codes:
        """The architectures that exist, ``size x d``, in the order of their codes."""
        return self._codes.copy()

    def sample(self, n: int, rng: np.random.Generator) -> Codes:
        """Draws ``n`` architectures uniformly over those that exist, ``n x d``."""
        decoding.check_generator(rng)
        return self._codes[rng.integers(0, self.size, size=n)]

    def is_valid(self, codes: ArrayLike) -> Mask:
        """True for each of ``n x d`` codes that is an architecture of the restricted cell."""
        return np.isin(self.keys(self.base.canonical(codes)), self._keys)

    # Encodings, by groups of architectures that share one.

    @cached_property
    def _groups(self) -> tuple[Counts, Indices, Codes]:
        """The encodings ``M x k``, the ``M`` group sizes, and the codes sorted by encoding."""
        counts = self.encode(self._codes)
        packed = count_keys(counts, self.total)
        order = np.argsort(packed, kind="stable")
        _, first, sizes = np.unique(packed[order], return_index=True, return_counts=True)
        return counts[order][first], sizes, self._codes[order]

    def sized_encodings(self, total: int) -> tuple[Counts, Indices]:
        """The encodings of the architectures that exist, and how many have each."""
        return self._groups[:2]

    def decode(
        self, encodings: ArrayLike, rng: np.random.Generator, method: str = "shuffle"
    ) -> Codes:
        """Draws one of the architectures that exist for each encoding; see `Cell.decode`."""
        decoding.check_method(method)
        decoding.check_generator(rng)
        groups = (
            self._groups_of_counts(as_counts(self, encodings))
            if method == "shuffle"
            else self._draw_groups(as_fractions(self, encodings), rng)
        )
        _, sizes, codes = self._groups
        firsts = np.cumsum(sizes) - sizes
        drawn: Codes = codes[firsts[groups] + rng.integers(0, sizes[groups])]
        return drawn

    def _groups_of_counts(self, counts: Counts) -> Indices:
        groups = rows_among(counts, self._groups[0])
        refuse_infeasible(self, counts, groups >= 0)
        return groups

    def _draw_groups(self, fractions: Fractions, rng: np.random.Generator) -> Indices:
        """Encodings with the probability that Eq. 2 gives to all their architectures."""
        counts, sizes, _ = self._groups
        groups = np.empty(len(fractions), dtype=np.int64)
        for start in range(0, len(fractions), _CHUNK):
            chunk = fractions[start : start + _CHUNK]
            logs = np.log(np.where(chunk > 0, chunk, 1.0)) @ counts.T + np.log(sizes)
            logs[(chunk == 0).astype(np.float64) @ counts.T > 0] = -np.inf
            impossible = np.isneginf(logs).all(axis=1)
            if impossible.any():
                row = int(np.argmax(impossible))
                raise EncodingError(
                    f"no architecture of the restricted cell {self.name!r} can be drawn from "
                    f"the fractions {chunk[row].tolist()} (row {start + row})"
                )
            weights = np.exp(logs - logs.max(axis=1, keepdims=True))
            ends = np.cumsum(weights, axis=1)
            draws = rng.random((len(chunk), 1)) * ends[:, -1:]
            groups[start : start + _CHUNK] = (draws >= ends).sum(axis=1)
        return groups

    # Storage

    def arguments(self) -> dict[str, Any]:
        """The full cell and the codes, compressed."""
        compact = self._codes.astype(keys.compact_dtype(self.code_sizes))
        text = base64.b64encode(zlib.compress(compact.tobytes(), 9)).decode("ascii")
        return {"cell": self.base.to_dict(), "codes": text}

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """Build the cell from the result of `arguments`.

        Raises:
            CellError: The arguments are damaged.
        """
        try:
            stored = conform(_Stored, dict(arguments))
        except ValueError as error:
            raise CellError(f"a stored RestrictedCell {error}") from None
        if stored.cell.get("type") == cls.__name__:
            raise CellError("a stored RestrictedCell has another one in the place of a full cell")
        cell = from_dict(stored.cell)
        width, dtype = len(cell.code_sizes), keys.compact_dtype(cell.code_sizes)
        most = keys.LIMIT * width * dtype.itemsize
        try:
            content = base64.b64decode(stored.codes, validate=True)
            # Not more than codes that are compressed can be, or than anybody lists.
            unpacking = zlib.decompressobj()
            flat = unpacking.decompress(
                content, min(most, _SMALL + _MOST_COMPRESSED * len(content))
            )
            if not unpacking.eof:
                raise ValueError("they are cut off, or too many")
            codes = np.frombuffer(flat, dtype=dtype).reshape(-1, width)
        except (ValueError, binascii.Error, zlib.error) as error:
            raise CellError(
                f"the stored codes of cell {cell.name!r} are damaged: {error}"
            ) from None
        return cls(cell, codes.astype(np.int64))


@dataclass(frozen=True)
class _Stored:
    """The arguments that `RestrictedCell.arguments` returns."""

    cell: dict[str, Any]
    codes: str
