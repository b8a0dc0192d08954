"""A cell of which only the architectures exist whose counts keep linear constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, Final, Self

import numpy as np

from ax_anasod.cells import decoding, encodings
from ax_anasod.cells.cell import Cell, from_dict, register_cell
from ax_anasod.cells.restricted import DerivedCell, RestrictedCell
from ax_anasod.exceptions import CellError, OptionError, shown
from ax_anasod.simplex import ConstrainedGrid, CountConstraint
from ax_anasod.typing import ArrayLike, Codes, Counts, FloatArray, Indices, Mask

# Encodings are listed up to so many: 100 MB at k = 12, and quick to look through.
_LISTED: Final = 200_000


@register_cell
class ConstrainedCell(DerivedCell):
    """The same cell with those architectures only whose counts keep all constraints.

    Counts are those of one encoding: where the cell has several parts, of each of them.
    Encodings are counted, drawn and looked for without rejection
    (:class:`ax_anasod.simplex.ConstrainedGrid`), so that it does not matter how few are left.

    Args:
        cell: The full cell.
        constraints: The constraints, one at least.

    Raises:
        OptionError: No architecture keeps them, or they are too many to be kept together.

    Example:
        >>> from ax_anasod import cells
        >>> from ax_anasod.simplex import CountConstraint
        >>> full = cells.Cell("mine", operations=["conv", "skip"], num_blocks=4)
        >>> few = ConstrainedCell(full, [CountConstraint((0.0, 1.0), 1.0, text="n_skip <= 1")])
        >>> few.size, few.num_encodings, few.is_feasible([[3, 1], [2, 2]]).tolist()
        (5, 5, [True, False])
    """

    def __init__(self, cell: Cell, constraints: Sequence[CountConstraint]) -> None:
        super().__init__(cell, cell.parts)
        self.constraints = tuple(constraints)
        self.grid = ConstrainedGrid(self.total, self.num_operations, self.constraints)
        sized = self.sized_encodings(self.total)
        if sized is not None and not len(sized[0]):
            raise OptionError(
                f"no valid architecture of cell {self.name!r} keeps "
                + " and ".join(map(str, self.constraints)),
                "change or leave out one of them",
            )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ConstrainedCell)
            and self.base == other.base
            and self.constraints == other.constraints
        )

    def __hash__(self) -> int:
        return hash((self.base, self.constraints))

    def __repr__(self) -> str:
        return f"ConstrainedCell({self.base!r}, {', '.join(map(str, self.constraints))})"

    def is_valid(self, codes: ArrayLike) -> Mask:
        """True for each of ``n x d`` codes that is valid and keeps the constraints."""
        valid = self.base.is_valid(codes)
        counts = encodings.part_counts(self, self.validate_codes(codes))
        return np.asarray(valid & self.grid.contains(counts).all(axis=1))

    def broken(self, counts: Counts) -> list[str]:
        """The constraints that counts ``k`` do not keep."""
        return [str(each) for each in self.constraints if not each.keeps(counts)]

    @cached_property
    def size(self) -> int:
        """Number of distinct valid architectures.

        Raises:
            CellError: Architectures can only be counted one by one and are too many.
        """
        if self.parts == 1 and self.base.accepts_all_codes and self.grid.size <= _LISTED:
            return int(self.num_architectures(self.grid.enumerate()).sum())
        return len(self.enumerate())

    def edits(self, code: Codes) -> Codes:
        """All codes one step from ``code``, and those with two of its blocks exchanged.

        Where a count must be what it is, an operation can only move.
        """
        blocks = self.num_blocks
        first, second = np.triu_indices(blocks, k=1)
        swapped = np.tile(code, (len(first), 1))
        rows = np.arange(len(first))
        swapped[rows, first], swapped[rows, second] = code[second], code[first]
        different = code[first] != code[second]
        return np.concatenate([self.base.edits(code), swapped[different]])

    # Encodings

    def is_feasible(self, counts: ArrayLike) -> Mask:
        """True for each of ``n x k`` counts that has a valid architecture."""
        rows = encodings.check_counts(self, counts)
        if len(rows) and rows[0].sum() != self.total:
            return super().is_feasible(rows)
        return np.asarray(self.base.is_feasible(rows) & self.grid.contains(rows))

    def sized_encodings(self, total: int) -> tuple[Counts, Indices] | None:
        """The encodings that are left, and how many architectures each has, where listed."""
        if total not in self._sized:
            found = self._list_sized(total)
            if found is None:
                return None
            self._sized[total] = found
        return self._sized[total]

    def _list_sized(self, total: int) -> tuple[Counts, Indices] | None:
        sized = self.base.sized_encodings(total)
        if sized is not None:
            kept = self.grid.contains(sized[0])
            if total == self.total:
                return sized[0][kept], sized[1][kept]
            return encodings.shared_encodings(self, self.enumerate(), total)
        if total != self.total or self.grid.size > _LISTED:
            return None
        counts = self.grid.enumerate()
        return counts, encodings.bound_of_architectures(self.base, counts).astype(np.int64)

    def snap(self, fractions: ArrayLike) -> Counts:
        """The nearest encoding that keeps the constraints, by squared distance."""
        rows = encodings.check_fractions(self, fractions)
        return self.nearest(rows * self.total)

    def nearest(self, points: FloatArray, fixed: Mapping[int, int] | None = None) -> Counts:
        """The encodings nearest to points ``n x k`` that sum to N.

        Args:
            points: The points.
            fixed: Operation -> count that all have.

        Raises:
            EncodingError: No encoding has the fixed counts.
        """
        listed = self._with_architecture(fixed)
        if listed is None:
            return self.grid.nearest(points, fixed)
        return encodings.nearest_of(points, listed)

    def draw_counts(
        self,
        n: int,
        rng: np.random.Generator,
        log_weights: FloatArray | None = None,
        fixed: Mapping[int, int] | None = None,
    ) -> Counts:
        """Draw encodings, uniformly where no weights are given, as the grid does.

        Args:
            n: How many.
            rng: Source of randomness.
            log_weights: As for :meth:`ax_anasod.simplex.ConstrainedGrid.sample`.
            fixed: Operation -> count that all have.

        Returns:
            Counts ``n x k``.

        Raises:
            EncodingError: No encoding has the fixed counts.
        """
        listed = self._with_architecture(fixed)
        if listed is None:
            return self.grid.sample(n, rng, log_weights, fixed)
        if log_weights is None:
            return listed[rng.integers(len(listed), size=n)]
        logs = log_weights[np.arange(self.num_operations), listed].sum(axis=1)
        shares = np.exp(logs - logs.max())
        drawn: Counts = listed[rng.choice(len(listed), size=n, p=shares / shares.sum())]
        return drawn

    def _with_architecture(self, fixed: Mapping[int, int] | None) -> Counts | None:
        """The encodings with a valid architecture, where some have none and all are listed."""
        sized = self.base.sized_encodings(self.total)
        if sized is None:
            return None
        listed = self.sized_encodings(self.total)[0]  # type: ignore[index]  # as in the base
        for column, value in (fixed or {}).items():
            listed = listed[listed[:, column] == value]
        if not len(listed):
            raise encodings.none_with(self, fixed or {})
        return listed

    # Architectures

    def decode(
        self, encodings_: ArrayLike, rng: np.random.Generator, method: str = "shuffle"
    ) -> Codes:
        """Draws one architecture for each encoding; see `Cell.decode`."""
        decoding.check_method(method)
        decoding.check_generator(rng)
        if method == "shuffle":
            return super().decode(encodings_, rng, method)
        fractions = encodings.as_fractions(self, encodings_)
        # Given that the constraints are kept, counts are multinomial among those that do.
        with np.errstate(divide="ignore"):
            logs = np.log(fractions)
        return self._multinomial(logs, rng)

    def sample(self, n: int, rng: np.random.Generator) -> Codes:
        """Draws ``n`` architectures uniformly over those that keep the constraints."""
        decoding.check_generator(rng)
        return self._multinomial(np.zeros((n, self.num_operations)), rng)

    def sample_with(self, n: int, fixed: Mapping[int, int], rng: np.random.Generator) -> Codes:
        """Draws valid codes of which some columns are given, uniformly.

        Args:
            n: How many.
            fixed: Column -> value.
            rng: Source of randomness.

        Raises:
            EncodingError: No encoding keeps the constraints.
        """
        given = np.zeros((self.parts, self.num_operations), dtype=np.int64)
        for column, value in fixed.items():
            if column < self.num_blocks:
                given[column // self.total, value] += 1
        log_factorials = np.append(0.0, np.cumsum(np.log(np.arange(1, self.total + 1))))
        left = np.arange(self.total + 1) - given[:, :, None]
        # What is left of each operation may lie on any of the other blocks.
        weights = np.where(left >= 0, -log_factorials[np.maximum(left, 0)], -np.inf)

        def draw(rows: Indices) -> Codes:
            codes = np.empty((len(rows), len(self.code_sizes)), dtype=np.int64)
            decoding.choose_wiring(self, codes, rng)
            for part in range(self.parts):
                blocks = range(part * self.total, (part + 1) * self.total)
                free = [column for column in blocks if column not in fixed]
                counts = self.grid.sample(len(rows), rng, weights[part]) - given[part]
                dealt = decoding.multiset(counts, len(free)).T
                codes[:, free] = rng.permuted(dealt, axis=1)
            codes[:, list(fixed)] = list(fixed.values())
            return codes

        return decoding.draw_accepted(self, n, draw, self.is_valid)

    def _multinomial(self, logs: FloatArray, rng: np.random.Generator) -> Codes:
        """Blocks drawn from ``n x k`` shares (their logarithms), given that all is valid."""
        log_factorials = np.append(0.0, np.cumsum(np.log(np.arange(1, self.total + 1))))
        kinds, kind_of = np.unique(logs, axis=0, return_inverse=True)
        kind_of = kind_of.reshape(-1)

        def draw(rows: Indices) -> Codes:
            codes = np.empty((len(rows), len(self.code_sizes)), dtype=np.int64)
            for kind, own in enumerate(kinds):
                here = np.flatnonzero(kind_of[rows] == kind)
                counts = np.arange(self.total + 1)
                with np.errstate(invalid="ignore"):
                    powers = np.where(counts == 0, 0.0, own[:, None] * counts)
                weights = powers - log_factorials
                for part in range(self.parts):
                    drawn = self.grid.sample(len(here), rng, weights)
                    first = part * self.total
                    codes[here, first : first + self.total] = rng.permuted(
                        decoding.multiset(drawn, self.total).T, axis=1
                    )
            decoding.choose_wiring(self, codes, rng)
            return codes

        return decoding.draw_valid(self, len(logs), draw)

    # Storage

    def arguments(self) -> dict[str, Any]:
        """The full cell and the constraints."""
        return {
            "cell": self.base.to_dict(),
            "constraints": [
                {**asdict(each), "weights": list(each.weights)} for each in self.constraints
            ],
        }

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """Build the cell from the result of `arguments`.

        Raises:
            CellError: The arguments are damaged.
        """
        try:
            constraints = [
                CountConstraint(
                    tuple(float(w) for w in each["weights"]),
                    float(each["bound"]),
                    bool(each["equality"]),
                    str(each["text"]),
                )
                for each in arguments["constraints"]
            ]
            cell = from_dict(arguments["cell"])
        except (KeyError, TypeError, ValueError) as error:
            raise CellError(f"a stored ConstrainedCell is damaged: {shown(arguments)}") from error
        if any(len(each.weights) != cell.num_operations for each in constraints):
            raise CellError(f"a stored ConstrainedCell is damaged: {shown(arguments)}")
        return cls(cell, constraints)


def constrained(cell: Cell, constraints: Sequence[CountConstraint]) -> Cell:
    """The architectures of a cell that keep constraints.

    Args:
        cell: The cell, which may have some architectures only.
        constraints: The constraints; without any it is the cell.

    Raises:
        OptionError: No encoding keeps the constraints.
    """
    if not constraints:
        return cell
    if isinstance(cell, ConstrainedCell):
        return ConstrainedCell(cell.base, [*cell.constraints, *constraints])
    if not isinstance(cell, RestrictedCell):
        return ConstrainedCell(cell, constraints)
    codes, counts = cell.enumerate(), cell.encode(cell.enumerate())
    kept = np.ones(len(codes), dtype=bool)
    for number, constraint in enumerate(constraints):
        before, kept = kept, kept & constraint.keeps(counts)
        if not kept.any():
            raise OptionError(
                f"of the {before.sum():,} architectures of cell {cell.name!r} "
                + f"{'left ' if number else ''}none keeps {str(constraint)!r}",
                "change or leave out one of the constraints",
            )
    return RestrictedCell(cell.base, codes[kept])
