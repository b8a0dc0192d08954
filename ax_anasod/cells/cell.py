"""Cells that decode encodings, list and draw architectures; cells as dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ax_anasod.cells import decoding, encodings, keys
from ax_anasod.cells.architecture import Architecture
from ax_anasod.cells.definition import CellDefinition
from ax_anasod.cells.encodings import as_counts, as_fractions, refuse_infeasible
from ax_anasod.cells.graph import to_networkx
from ax_anasod.cells.mutation import one_column_edits
from ax_anasod.exceptions import CellError, UnknownNameError, shown
from ax_anasod.typing import ArrayLike, Codes, Counts, FloatArray, Indices, Mask

if TYPE_CHECKING:
    import networkx

_TYPES: dict[str, type[Cell]] = {}

CellType = TypeVar("CellType", bound="type[Cell]")


def register_cell(cell_type: CellType) -> CellType:
    """Class decorator: lets `from_dict` find a subclass of `Cell` by its name.

    Runs are stored with their cell, so the name must stay what it is, and the class must be
    registered (its module imported) before a run is loaded.

    Raises:
        CellError: If another class has the name already.

    Example:
        >>> from ax_anasod.cells import Cell, from_dict, register_cell
        >>> @register_cell
        ... class NoSkipOnlyCell(Cell):
        ...     def is_valid(self, codes):
        ...         return (self.validate_codes(codes) != 0).any(axis=1)
        >>> cell = NoSkipOnlyCell("strict", operations=["skip", "conv"], num_blocks=3)
        >>> from_dict(cell.to_dict()) == cell, cell.size
        (True, 7)
    """
    name = cell_type.__name__
    known = _TYPES.get(name)
    # The same class defined again, in a notebook or by a reload, takes the place of the old.
    if known is not None and _home(known) != _home(cell_type):
        raise CellError(
            f"a cell class named {name!r} is registered already, from {known.__module__}",
            "give the new class another name",
        )
    _TYPES[name] = cell_type
    return cell_type


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
            CellError: If architectures can only be counted one by one and are too many.
        """
        return self.num_codes if self.accepts_all_codes else len(self.enumerate())

    @property
    def num_listed(self) -> int:
        """The number of codes that `enumerate` looks at to list the architectures."""
        return self.num_codes

    # Encodings

    def decode(
        self, encodings: ArrayLike, rng: np.random.Generator, method: str = "shuffle"
    ) -> Codes:
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
            UnknownNameError: If ``method`` is unknown.
            OptionError: If ``rng`` is no generator.
        """
        decoding.check_method(method)
        decoding.check_generator(rng)
        if method == "categorical":
            return decoding.categorical(self, as_fractions(self, encodings), rng)
        counts = as_counts(self, encodings)
        refuse_infeasible(self, counts, self.is_feasible(counts))
        return decoding.shuffle(self, counts, rng)

    def is_feasible(self, counts: ArrayLike) -> Mask:
        """True for each encoding that has a valid architecture.

        Args:
            counts: ``n x k`` counts, as in `decode`.

        Returns:
            ``n`` booleans.

        Raises:
            EncodingError: If ``counts`` are no counts of this cell.
        """
        rows = encodings.check_counts(self, counts)
        if (sized := self._sized_like(rows)) is None:
            return np.ones(len(rows), dtype=bool)
        return encodings.rows_among(rows, sized[0]) >= 0

    def feasible_encodings(self, total: int) -> Counts | None:
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

    def num_architectures(self, counts: ArrayLike) -> FloatArray:
        """The number of distinct valid architectures of each encoding.

        Where a cell has invalid codes, or several of one architecture, and more than 10^7
        codes, which are too many to list, these are upper bounds: the arrangements of the
        operations in each part, times the wirings.

        Args:
            counts: ``n x k`` counts, as in `decode`.

        Returns:
            ``n`` numbers, infinite where they are too large.

        Raises:
            EncodingError: If ``counts`` are no counts of this cell.

        Example:
            >>> cell = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)
            >>> cell.num_architectures([[4, 0, 0], [2, 1, 1]]).tolist()
            [1.0, 12.0]
        """
        rows = encodings.check_counts(self, counts)
        if (sized := self._sized_like(rows)) is None:
            return encodings.bound_of_architectures(self, rows)
        found, numbers = encodings.rows_among(rows, sized[0]), np.zeros(len(rows))
        numbers[found >= 0] = sized[1][found[found >= 0]]
        return numbers

    def sized_encodings(self, total: int) -> tuple[Counts, Indices] | None:
        """The encodings of `feasible_encodings`, and the ``M`` numbers of their architectures."""
        if self.accepts_all_codes or self.num_codes > keys.LIMIT:
            return None
        if total not in self._sized:
            self._sized[total] = encodings.shared_encodings(self, self.enumerate(), total)
        return self._sized[total]

    def _sized_like(self, rows: Counts) -> tuple[Counts, Indices] | None:
        """The encodings with the sum that checked counts have."""
        return self.sized_encodings(int(rows[0].sum()) if len(rows) else self.total)

    @cached_property
    def _sized(self) -> dict[int, tuple[Counts, Indices]]:
        return {}

    def snap(self, fractions: ArrayLike) -> Counts:
        """The nearest encoding: Bomze rounding (Eq. 1), then the nearest feasible one.

        Args:
            fractions: ``n x k`` fractions; rows sum to 1.

        Returns:
            ``n x k`` counts whose rows sum to ``total``.

        Raises:
            EncodingError: If the fractions are off the simplex.
        """
        rows = encodings.check_fractions(self, fractions)
        return encodings.nearest(self, rows, self.feasible_encodings(self.total))

    # Architectures

    def sample(self, n: int, rng: np.random.Generator) -> Codes:
        """Draws ``n`` architectures uniformly over the distinct valid ones, ``n x d``."""
        decoding.check_generator(rng)
        return decoding.uniform(self, n, rng)

    def enumerate(self) -> Codes:
        """All distinct valid architectures, ``size x d``, in the order of their codes.

        Raises:
            CellError: If the cell has more than 10^7 codes.
        """
        codes = keys.all_codes(self.name, self.code_sizes)
        if self.accepts_all_codes:
            return codes
        return codes.compress(self.is_representative(codes), axis=0)

    def neighbours(self, code: ArrayLike) -> Codes:
        """Every other architecture at edit distance 1: one operation, or one wire.

        Source: paper, Appendix A.1 (local search).

        Args:
            code: ``d``, one architecture.

        Returns:
            ``m x d`` valid representatives, unique, in the order of their codes.

        Raises:
            ArchitectureError: If the code is malformed.
        """
        own = self.canonical(np.asarray(code)[None])
        # From every code of the architecture: what is one step from any of them is a
        # neighbour, or else a could be a neighbour of b but not b one of a.
        edited = np.concatenate([self.edits(member) for member in self.members(own[0])])
        edited = self.canonical(edited[self.is_valid(edited)])
        edited = edited[np.unique(self.keys(edited), return_index=True)[1]]
        return edited.compress((edited != own).any(axis=1), axis=0)

    def edits(self, code: Codes) -> Codes:
        """All codes, valid or not, one step from ``code`` itself: ``d`` to ``m x d``."""
        return one_column_edits(code, self.code_sizes)

    def architecture(self, source: str | ArrayLike) -> Architecture:
        """One architecture as a value.

        Args:
            source: Its string, or its code (``d``).

        Raises:
            ArchitectureError: If the cell holds no such architecture.
        """
        if isinstance(source, str):
            return Architecture.of_representative(self, self.from_strings([source])[0])
        return Architecture(self, source)

    def graph(self, architecture: Architecture) -> networkx.DiGraph:
        """The architecture as a networkx graph whose nodes are the operations.

        The graph has the attributes ``cell`` (name) and ``wiring`` (chosen alternatives);
        those of its nodes are the ones that `ax_anasod.cells.graph.to_networkx` documents.
        """
        codes = architecture.code[None]
        sources, outputs = self.sources(codes)[0], self.outputs(codes)[0]
        graph = to_networkx(self.block_graph, architecture.operations, sources, outputs)
        graph.graph.update(cell=self.name, wiring=architecture.wiring)
        return graph

    # Storage

    def to_dict(self) -> dict[str, Any]:
        """The cell as a JSON-able dictionary, which `ax_anasod.cells.from_dict` reads.

        Raises:
            CellError: If the class is not registered, so that it could not be read back.
        """
        name = type(self).__name__
        if _TYPES.get(name) is not type(self):
            raise CellError(
                f"cell class {name!r} is not registered, so the cell could not be read back",
                "decorate the class with @ax_anasod.cells.register_cell",
            )
        return {"type": name, **self.arguments()}


def from_dict(stored: Mapping[str, Any]) -> Cell:
    """The cell that `Cell.to_dict` described.

    Args:
        stored: The dictionary, unchanged.

    Raises:
        UnknownNameError: If its class is not registered.
        CellError: If ``stored`` is no such dictionary, or describes no cell.

    Example:
        >>> from ax_anasod.cells import Cell, from_dict
        >>> cell = Cell("mine", operations=["a", "b"], num_blocks=4, wiring=[3])
        >>> from_dict(cell.to_dict()) == cell
        True
    """
    if not isinstance(stored, Mapping) or not isinstance(stored.get("type"), str):
        raise CellError(f"a stored cell is a dictionary with the key 'type', got {shown(stored)}")
    arguments = dict(stored)
    name = arguments.pop("type")
    if name not in _TYPES:
        raise UnknownNameError("cell class", name, _TYPES)
    return _TYPES[name].from_arguments(arguments)


def _home(cell_type: type[Cell]) -> tuple[str, str]:
    return cell_type.__module__, cell_type.__qualname__
