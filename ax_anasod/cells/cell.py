"""What a cell does: encode and decode, list and draw, write and read its architectures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ax_anasod.cells import decoding, encodings, listing, strings
from ax_anasod.cells.architecture import Architecture
from ax_anasod.cells.definition import CellDefinition
from ax_anasod.cells.graph import BlockGraph, to_networkx
from ax_anasod.cells.serialization import register_cell, to_dict

if TYPE_CHECKING:
    import networkx


@register_cell
class Cell(CellDefinition):
    """A cell: N operation blocks that each take one of k operations, and their wiring.

    One architecture is one row of *codes*: the operation's index for each block, then the
    chosen alternative of each wiring choice. A user's own cell is an instance of this
    class. A subclass may give the blocks a graph (`block_graph`, `sources`, `outputs`),
    rule out codes (`is_valid`), identify codes of the same architecture (`canonical`) and
    have strings of its own (`_format`, `_parse`); everything else follows.

    Source: paper, Section 3.1; cells of two parts as in Appendix D.

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

    Example:
        >>> cell = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)
        >>> cell.size, cell.num_encodings, cell.code_sizes
        (81, 15, (3, 3, 3, 3))
        >>> codes = cell.from_strings(["conv|conv|skip|pool"])
        >>> cell.encode(codes).tolist()
        [[2, 1, 1]]
    """

    @cached_property
    def size(self) -> int:
        """Number of distinct valid architectures.

        Raises:
            CellError: If they can only be counted one by one and are too many.
        """
        return self.num_codes if self.accepts_all_codes else len(self.enumerate())

    @property
    def num_listed(self) -> int:
        """How many codes `enumerate` looks at to list the architectures."""
        return self.num_codes

    # Encodings

    def encode(self, codes: ArrayLike) -> NDArray[np.int64]:
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

    def decode(
        self, encodings: ArrayLike, rng: np.random.Generator, method: str = "shuffle"
    ) -> NDArray[np.int64]:
        """Draws one architecture for each encoding.

        Source: paper, Section 3.1; ``"categorical"`` is Eq. 2.

        Args:
            encodings: ``n x k``. Of an integer type, counts: rows sum to ``total``, and
                every part gets exactly these, or all rows sum to ``num_blocks``, spread
                over all blocks (the inverse of `encode`). Of a floating type, fractions
                of one part.
            rng: The source of randomness.
            method: ``"shuffle"`` is uniform over the distinct valid architectures with
                exactly these counts; ``"categorical"`` draws each block from the
                fractions, and the wiring uniformly, given that the result is valid.

        Returns:
            ``n x d`` codes.

        Raises:
            EncodingError: If an encoding is malformed, off the grid (``"shuffle"`` only),
                or has no valid architecture.
            UnknownNameError: If there is no such method.
            OptionError: If ``rng`` is no generator.
        """
        return decoding.decode(self, encodings, rng, method)

    def is_feasible(self, counts: ArrayLike) -> NDArray[np.bool_]:
        """Whether each encoding has a valid architecture.

        Args:
            counts: ``n x k`` counts, as in `decode`.

        Returns:
            ``n`` booleans.

        Raises:
            EncodingError: If they are no counts of this cell.
        """
        return encodings.is_feasible(self, counts)

    def feasible_encodings(self, total: int) -> NDArray[np.int64] | None:
        """All encodings with a valid architecture, or None where every one counts as such.

        The latter are the cells without invalid codes, and those with too many codes to
        list, where an encoding without architecture is only found out by `decode`.

        Args:
            total: ``total`` or ``num_blocks``: the sum of the counts.

        Returns:
            ``M x k`` counts in lexicographic order, or None.
        """
        sized = self.sized_encodings(total)
        return None if sized is None else sized[0]

    def num_architectures(self, counts: ArrayLike) -> NDArray[np.float64]:
        """How many distinct valid architectures each encoding has.

        Where a cell has invalid codes, or several of one architecture, and more than 10^7
        codes, which are too many to list, these are upper bounds: the arrangements of the
        operations in each part, times the wirings.

        Args:
            counts: ``n x k`` counts, as in `decode`.

        Returns:
            ``n`` numbers, infinite where they are too large.

        Raises:
            EncodingError: If they are no counts of this cell.

        Example:
            >>> cell = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)
            >>> cell.num_architectures([[4, 0, 0], [2, 1, 1]]).tolist()
            [1.0, 12.0]
        """
        return encodings.num_architectures(self, counts)

    def sized_encodings(self, total: int) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """The encodings of `feasible_encodings`, and the ``M`` numbers of their architectures."""
        if self.accepts_all_codes or self.num_codes > listing.LIMIT:
            return None
        if total not in self._sized:
            self._sized[total] = encodings.sized_encodings(self, self.enumerate(), total)
        return self._sized[total]

    @cached_property
    def _sized(self) -> dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        return {}

    def snap(self, fractions: ArrayLike) -> NDArray[np.int64]:
        """The nearest encoding: Bomze rounding (Eq. 1), then the nearest feasible one.

        Args:
            fractions: ``n x k`` fractions; rows sum to 1.

        Returns:
            ``n x k`` counts whose rows sum to ``total``.

        Raises:
            EncodingError: If the fractions are off the simplex.
        """
        return encodings.snap(self, fractions)

    # Architectures

    def is_valid(self, codes: ArrayLike) -> NDArray[np.bool_]:
        """Whether each of ``n x d`` codes is an architecture of the search space.

        Raises:
            ArchitectureError: If a code is malformed.
        """
        return np.ones(len(self.validate_codes(codes)), dtype=bool)

    def canonical(self, codes: ArrayLike) -> NDArray[np.int64]:
        """The representative of each architecture, ``n x d``, with the same counts.

        Raises:
            ArchitectureError: If a code is malformed.
        """
        return self.validate_codes(codes)

    def members(self, code: ArrayLike) -> NDArray[np.int64]:
        """All codes of the same architecture: ``d`` to ``m x d``.

        Raises:
            ArchitectureError: If the code is malformed.
            CellError: If several codes may be the same architecture, and are too many to list.
        """
        own = self.canonical(np.asarray(code)[None])
        if type(self).canonical is Cell.canonical:
            return own
        codes = listing.all_codes(self)
        return codes.compress((self.canonical(codes) == own).all(axis=1), axis=0)

    def is_representative(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of ``n x d`` codes is valid and the representative of its architecture."""
        chosen: NDArray[np.bool_] = (self.canonical(codes) == codes).all(axis=1)
        return chosen & self.is_valid(codes)

    @cached_property
    def accepts_all_codes(self) -> bool:
        """Whether all codes are valid and different architectures."""
        kind = type(self)
        return kind.is_valid is Cell.is_valid and kind.canonical is Cell.canonical

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draws ``n`` architectures uniformly over the distinct valid ones, ``n x d``."""
        return decoding.sample(self, n, rng)

    def enumerate(self) -> NDArray[np.int64]:
        """All distinct valid architectures, ``size x d``, in the order of their codes.

        Raises:
            CellError: If there are more than 10^7 codes.
        """
        return listing.representatives(self)

    def neighbours(self, code: ArrayLike) -> NDArray[np.int64]:
        """Every other architecture at edit distance 1: one operation, or one wire.

        Source: paper, Appendix A.1 (local search).

        Args:
            code: ``d``, one architecture.

        Returns:
            ``m x d`` valid representatives, unique, in the order of their codes.

        Raises:
            ArchitectureError: If the code is malformed.
        """
        return listing.neighbours(self, self.canonical(np.asarray(code)[None]))

    def edits(self, code: NDArray[np.int64]) -> NDArray[np.int64]:
        """All codes, valid or not, one step from ``code`` itself: ``d`` to ``m x d``."""
        return listing.one_column_edits(code, self.code_sizes)

    # Strings

    def to_strings(self, codes: ArrayLike) -> list[str]:
        """The string of each of ``n x d`` codes.

        Raises:
            ArchitectureError: If a code is malformed.
        """
        return self._format(self.validate_codes(codes))

    def from_strings(self, texts: Sequence[str]) -> NDArray[np.int64]:
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

    def _format(self, codes: NDArray[np.int64]) -> list[str]:
        return strings.format_plain(self, codes)

    def _parse(self, texts: Sequence[str]) -> NDArray[np.int64]:
        return strings.parse_plain(self, texts)

    def architecture(self, source: str | ArrayLike) -> Architecture:
        """One architecture as a value.

        Args:
            source: Its string, or its code (``d``).

        Raises:
            ArchitectureError: If the cell holds no such architecture.
        """
        if isinstance(source, str):
            row = self.from_strings([source])[0].tolist()
        else:
            row = self.validate_codes(np.asarray(source)[None])[0].tolist()
        operations = tuple(self.operations[i] for i in row[: self.num_blocks])
        return Architecture(self, operations, tuple(row[self.num_blocks :]))

    # Graph

    @cached_property
    def block_graph(self) -> BlockGraph:
        """What each block reads and writes; blocks in a row unless a subclass knows better."""
        return BlockGraph.chain(self.total, self.parts)

    @property
    def graph_shows_wiring(self) -> bool:
        """Whether `sources` depends on the wiring choices; not so in a user's plain cell."""
        return type(self).sources is not Cell.sources

    def sources(self, codes: ArrayLike) -> NDArray[np.int64]:
        """The state that each block reads, numbered within its part.

        Args:
            codes: ``n x d`` codes.

        Returns:
            ``n x num_blocks`` states; see `BlockGraph`.
        """
        first = [sources[0] for sources in self.block_graph.possible_sources]
        return np.tile(np.array(first * self.parts), (len(self.validate_codes(codes)), 1))

    def outputs(self, codes: ArrayLike) -> NDArray[np.bool_]:
        """Whether each state is passed on to the next cell.

        Args:
            codes: ``n x d`` codes.

        Returns:
            ``n x num_parts x num_states`` booleans.
        """
        n, states = len(self.validate_codes(codes)), self.block_graph.num_states
        outputs = np.zeros((n, self.parts, states), dtype=bool)
        outputs[:, :, list(self.block_graph.possible_outputs)] = True
        return outputs

    def graph(self, architecture: Architecture) -> networkx.DiGraph:
        """The architecture as a networkx graph whose nodes are the operations.

        The attributes are those that `ax_anasod.cells.graph.to_networkx` documents.
        """
        return to_networkx(architecture)

    def to_dict(self) -> dict[str, Any]:
        """The cell as a JSON-able dictionary, which `ax_anasod.cells.from_dict` reads.

        Raises:
            CellError: If the class is not registered, so that it could not be read back.
        """
        return to_dict(self)
