"""The search space of operation distributions: integer counts on the simplex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from ax.core.parameter import Parameter
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.types import TParamValue

from ax_anasod.cells import Architecture, Cell
from ax_anasod.cells.encodings import part_counts
from ax_anasod.core.bound_space import CellBoundSearchSpace
from ax_anasod.core.membership import require_cell
from ax_anasod.core.parameter import OperationParameter, parameter_names
from ax_anasod.core.seeding import architecture_rng
from ax_anasod.exceptions import EncodingError


class AnasodSearchSpace(CellBoundSearchSpace):
    """All ANASOD encodings of a cell: k counts, each in 0..N, that sum to N.

    The paper's unnormalised encoding p (Sec. 3.1) as an Ax search space: one
    :class:`OperationParameter` per operation, named ``n_<operation>``, and one equality
    constraint. Build it with :meth:`from_cell`.

    Args:
        parameters: The operation parameters.
        parameter_constraints: The equality constraint on their sum.
        cell: The cell (or its ``to_dict()``), needed by :meth:`decode` and friends.
    """

    refusal: ClassVar = EncodingError

    @classmethod
    def from_cell(cls, cell: Cell) -> AnasodSearchSpace:
        """The encodings of ``cell``.

        Raises:
            CellError: It is no cell, or two operations would get the same parameter name.
        """
        require_cell(cell)
        names = parameter_names(cell)
        parameters: list[Parameter] = [
            OperationParameter(name, lower=0, upper=cell.total) for name in names
        ]
        constraint = ParameterConstraint(equality=f"{' + '.join(names)} == {cell.total}")
        return cls(parameters, [constraint], cell=cell)

    def check(self, parameters: Mapping[str, TParamValue]) -> None:
        """Refuse parameters that are no valid encoding (see :meth:`counts`).

        Raises:
            EncodingError: They are none.
        """
        self.counts(parameters)

    def counts(self, parameters: Mapping[str, TParamValue]) -> npt.NDArray[np.int64]:
        """Parameters as counts ``k`` in the cell's operation order.

        Raises:
            EncodingError: A parameter is missing, unknown, fractional, negative or NaN, the
                counts do not sum to N, or no valid architecture has them; the nearest valid
                encoding is named.
        """
        values = self._values(parameters)
        total = self.cell.total
        rounded = np.rint(values)
        valid = bool(
            np.isfinite(values).all()
            and (np.abs(values - rounded) == 0).all()
            and (rounded >= 0).all()
            and (rounded <= total).all()
            and rounded.sum() == total
        )
        if not valid:
            raise EncodingError(
                f"{dict(parameters)} is no encoding of cell {self.cell.name!r}: needed are "
                f"integer counts >= 0 that sum to {total}",
                self._nearest_hint(values),
            )
        counts: npt.NDArray[np.int64] = rounded.astype(np.int64)
        if not self.cell.is_feasible(counts[None, :])[0]:
            raise EncodingError(
                f"cell {self.cell.name!r} has no valid architecture with {dict(parameters)}",
                self._nearest_hint(values),
            )
        return counts

    def parameters_of(self, counts: npt.ArrayLike) -> dict[str, int]:
        """Counts ``k`` as Ax parameters."""
        return dict(zip(self.parameters, np.asarray(counts, dtype=np.int64).tolist(), strict=True))

    def decode(
        self, parameters: Mapping[str, TParamValue], seed: int, trial_index: int
    ) -> Architecture:
        """Draw an architecture of an encoding (Algorithm 2, line 7).

        A pure function of the seed, the trial index and the counts. The architecture of a
        trial of an experiment is :func:`ax_anasod.architecture_of`: another one where this
        has a trial already, or where one was attached.

        Args:
            parameters: The trial's parameters.
            seed: The seed of the run.
            trial_index: The index that Ax gave the trial.

        Raises:
            EncodingError: The parameters are no encoding of the cell.
        """
        counts = self.counts(parameters)
        rng = architecture_rng(seed, trial_index, counts)
        return self.cell.architecture(self.cell.decode(counts[None, :], rng)[0])

    def encode(self, architecture: Architecture | str) -> dict[str, int]:
        """The encoding of an architecture as Ax parameters.

        Raises:
            ArchitectureError: The architecture is of another cell.
            EncodingError: The parts of the architecture (DARTS: normal and reduction cell)
                have different distributions, so that no encoding of this space is exact.
        """
        architecture = self._own(architecture)
        parts = part_counts(self.cell, architecture.code[None, :])[0]
        if (parts != parts[0]).any():
            nearest = self.snap(self.parameters_of(parts.sum(axis=0)))
            raise EncodingError(
                f"the {len(parts)} parts of {architecture} have different operation distributions",
                f"the nearest encoding is {nearest}",
            )
        return self.parameters_of(parts[0])

    def snap(self, parameters: Mapping[str, TParamValue]) -> dict[str, int]:
        """The nearest valid encoding to any non-negative point (Eq. 1, Bomze rounding).

        Raises:
            EncodingError: The point has a negative or non-finite coordinate, or is 0.
        """
        values = self._values(parameters)
        if not np.isfinite(values).all() or (values < 0).any() or values.max() <= 0:
            raise EncodingError(
                f"{dict(parameters)} has no nearest encoding: coordinates must be finite and "
                ">= 0, and not all 0"
            )
        return self.parameters_of(self._snapped(values))

    def _values(self, parameters: Mapping[str, TParamValue]) -> npt.NDArray[np.float64]:
        values = self._in_order(parameters)
        numbers = (int, float, np.integer, np.floating)
        wrong = [v for v in values if isinstance(v, bool) or not isinstance(v, numbers)]
        if wrong:
            raise EncodingError(f"{dict(parameters)}: {wrong[0]!r} is no number")
        return np.asarray(values, dtype=np.float64)

    def _nearest_hint(self, values: npt.NDArray[np.float64]) -> str | None:
        clipped = np.where(np.isfinite(values), np.maximum(values, 0.0), 0.0)
        if clipped.max() <= 0:
            return None
        return f"the nearest valid one is {self.parameters_of(self._snapped(clipped))}"

    def _snapped(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        shares = values / values.max()  # so that their sum is finite
        nearest: npt.NDArray[np.int64] = self.cell.snap((shares / shares.sum())[None, :])[0]
        return nearest
