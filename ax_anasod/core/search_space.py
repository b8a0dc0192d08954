"""The search space of operation distributions: integer counts on the simplex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.types import TParamValue

from ax_anasod._ax import without_identity
from ax_anasod.cells import Architecture, Cell, ConstrainedCell
from ax_anasod.cells.encodings import part_counts
from ax_anasod.core.ax_parameters import (
    AnyConstraint,
    AnyParameter,
    joint_space_parts,
    parameter_names,
)
from ax_anasod.core.bound_space import CellBoundSearchSpace, require_cell
from ax_anasod.core.seeding import architecture_rng
from ax_anasod.exceptions import EncodingError
from ax_anasod.simplex import validate_counts
from ax_anasod.typing import ArrayLike, Codes, Counts, FloatArray


class OperationParameter(RangeParameter):
    """The number n(o) of operation blocks that hold one operation (paper Sec. 3.1).

    An integer range parameter; the class keeps Ax's constructor, so that Ax can clone,
    store and load it like any other.

    Args:
        name: ``n_<operation>``, see :func:`parameter_name`.
        parameter_type: Always integer.
        lower: Smallest count, 0.
        upper: Largest count, the cell's N.
        kwargs: Passed on to ``RangeParameter``.
    """

    def __init__(
        self,
        name: str,
        parameter_type: ParameterType = ParameterType.INT,
        lower: float = 0,
        upper: float = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            name=name, parameter_type=parameter_type, lower=lower, upper=upper, **kwargs
        )

    def clone(self) -> OperationParameter:
        """A copy without the database identity of the original."""
        # Ax's own clone returns a plain RangeParameter, and a copy that kept the
        # database identity could not be saved beside the original.
        return without_identity(self)


class AnasodSearchSpace(CellBoundSearchSpace):
    """All ANASOD encodings of a cell: k counts, each in 0..N, that sum to N.

    The paper's unnormalised encoding p (Sec. 3.1) as an Ax search space: one
    :class:`OperationParameter` per operation, named ``n_<operation>``, and one equality
    constraint. There may be further constraints, and further parameters beside the cell. Build
    it with :meth:`from_cell`.

    Args:
        parameters: The operation parameters, and those beside the cell.
        parameter_constraints: The equality constraint on the sum of counts, and others.
        cell: The cell (or its ``to_dict()``), needed by :meth:`decode` and friends.
    """

    kind: ClassVar = "encoding"
    refusal: ClassVar = EncodingError

    @classmethod
    def from_cell(
        cls,
        cell: Cell,
        parameters: Sequence[AnyParameter] = (),
        parameter_constraints: Sequence[AnyConstraint] = (),
    ) -> AnasodSearchSpace:
        """The encodings of ``cell``, and what is searched beside them.

        Args:
            cell: The cell.
            parameters: Further parameters: Ax's ``RangeParameter``, ``ChoiceParameter`` and
                ``FixedParameter``, and configurations of ``ax.api``.
            parameter_constraints: Linear constraints, on counts (``"n_skip <= 3"``,
                ``"n_conv + n_pool >= 2"``, ``"n_skip == 1"``) or on ranges that are not on a log
                scale: texts, or Ax's.

        Raises:
            CellError: ``cell`` is no cell, or two operations would get the same parameter name.
            OptionError: A parameter or constraint is none that is searched here, a name is taken,
                or no encoding keeps the constraints.
            UnknownNameError: A constraint names an unknown parameter.
        """
        require_cell(cell)
        cell, others, bounds = joint_space_parts(cell, parameters, parameter_constraints)
        names = parameter_names(cell)
        constraints = [_sum_constraint(tuple(names), cell.total)]
        if isinstance(cell, ConstrainedCell):
            constraints += [without_identity(_parsed(str(each))) for each in cell.constraints]
        counts = [OperationParameter(name, lower=0, upper=cell.total) for name in names]
        return cls([*counts, *others], [*constraints, *bounds], cell=cell)

    @property
    def names(self) -> list[str]:
        """The parameter of each operation, in the cell's order."""
        return parameter_names(self.cell)

    def parameterizations(self, rows: ArrayLike) -> list[dict[str, Any]]:
        """Counts ``n x k`` as Ax parameters.

        Raises:
            EncodingError: A row does not hold counts of the cell.
        """
        names, counts = self.names, np.asarray(rows)
        if counts.ndim != 2 or counts.shape[1] != len(names):
            raise EncodingError(
                f"counts of cell {self.cell.name!r} must form an n x {len(names)} array, got "
                f"shape {counts.shape}"
            )
        counts = validate_counts(counts, self.cell.total)
        return [dict(zip(names, row, strict=True)) for row in counts.tolist()]

    def _row(self, names: list[str], parameters: Mapping[str, Any]) -> list[int]:
        counts = super()._row(names, parameters)
        if sum(counts) != self.cell.total:
            raise EncodingError(
                f"{dict(parameters)} is no encoding of cell {self.cell.name!r}: its counts sum to "
                f"{sum(counts)} instead of {self.cell.total}"
            )
        return counts

    def _number(self, column: int, name: str, value: Any) -> int:
        total = self.cell.total
        if type(value) is int and 0 <= value <= total:
            return value
        # Written so that NaN fails.
        if not (_is_number(value) and 0 <= value <= total and value == int(value)):
            raise EncodingError(
                f"{name} = {value!r} is no count of cell {self.cell.name!r}: needed is a whole "
                f"number from 0 to {total}"
            )
        return int(value)

    def check(self, parameters: Mapping[str, TParamValue]) -> None:
        """Check that parameters are a valid encoding (see :meth:`counts`).

        Raises:
            EncodingError: The parameters describe no valid encoding.
        """
        self.counts(parameters)

    def counts(self, parameters: Mapping[str, TParamValue]) -> Counts:
        """Parameters as counts ``k`` in the cell's operation order.

        Raises:
            EncodingError: A parameter is missing, unknown, or no whole number from 0 to N, the
                counts do not sum to N, or no valid architecture has them; the nearest valid
                encoding is named.
        """
        self._refuse_names(parameters)
        try:
            counts: Counts = self.rows([parameters])[0]
        except EncodingError as error:
            raise EncodingError(error.message, self._nearest_hint(parameters)) from None
        cell = self.cell
        if isinstance(cell, ConstrainedCell) and (broken := cell.broken(counts)):
            raise EncodingError(
                f"{dict(parameters)} breaks the constraint {' and '.join(map(repr, broken))}",
                self._nearest_hint(parameters),
            )
        if not cell.is_feasible(counts[None])[0]:
            raise EncodingError(
                f"cell {cell.name!r} has no valid architecture with {dict(parameters)}",
                self._nearest_hint(parameters),
            )
        self.settings([parameters])
        return counts

    def draw(self, parameters: Mapping[str, TParamValue], seed: int, trial_index: int) -> Codes:
        """Draw an architecture of an encoding (Algorithm 2, line 7), ``1 x d``.

        A pure function of the seed, the trial index and the counts.

        Args:
            parameters: The trial's parameters.
            seed: The seed of the run.
            trial_index: The index that Ax gave the trial.

        Raises:
            EncodingError: The parameters are no encoding of the cell.
        """
        counts = self.counts(parameters)
        return self.cell.decode(counts[None], architecture_rng(seed, trial_index, counts))

    def decode(
        self, parameters: Mapping[str, TParamValue], seed: int, trial_index: int
    ) -> Architecture:
        """Draw an architecture of an encoding, as :meth:`draw` does.

        The architecture of a trial of an experiment is :func:`ax_anasod.architecture_of`:
        another one where this has a trial already, or where one was attached.

        Raises:
            EncodingError: The parameters are no encoding of the cell.
        """
        return self.cell.architecture(self.draw(parameters, seed, trial_index)[0])

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
            nearest = self._snapped(parts.sum(axis=0).astype(np.float64))
            raise EncodingError(
                f"the {len(parts)} parts of {architecture} have different operation distributions",
                f"the nearest encoding is {self.parameters_of(nearest)}",
            )
        return self.parameters_of(parts[0])

    def snap(self, parameters: Mapping[str, TParamValue]) -> dict[str, int]:
        """The nearest valid encoding to any non-negative point (Eq. 1, Bomze rounding).

        Parameters beside the cell stay as they are.

        Raises:
            EncodingError: The point has a negative or non-finite coordinate, or is 0.
        """
        values = self._values(parameters)
        if not np.isfinite(values).all() or (values < 0).any() or values.max() <= 0:
            raise EncodingError(
                f"{dict(parameters)} has no nearest encoding: coordinates must be finite and "
                ">= 0, and not all 0"
            )
        return {**parameters, **self.parameters_of(self._snapped(values))}

    def _values(self, parameters: Mapping[str, TParamValue]) -> FloatArray:
        """Parameters as any point, ``k``."""
        self._refuse_names(parameters)
        values = [parameters[name] for name in self.names]
        wrong = [value for value in values if not _is_number(value)]
        if wrong:
            raise EncodingError(f"{dict(parameters)}: {wrong[0]!r} is no number")
        return np.array(values, dtype=np.float64)

    def _nearest_hint(self, parameters: Mapping[str, TParamValue]) -> str | None:
        values = [parameters[name] for name in self.names]
        if not all(map(_is_number, values)):
            return None
        point = np.array(values, dtype=np.float64)
        clipped = np.where(np.isfinite(point), np.maximum(point, 0.0), 0.0)
        if clipped.max() <= 0:
            return None
        return f"the nearest valid one is {self.parameters_of(self._snapped(clipped))}"

    def _snapped(self, values: FloatArray) -> Counts:
        shares = values / values.max()  # so that their sum is finite
        nearest: Counts = self.cell.snap((shares / shares.sum())[None])[0]
        return nearest


def _sum_constraint(names: tuple[str, ...], total: int) -> ParameterConstraint:
    return without_identity(_parsed(f"{' + '.join(names)} == {total}"))


@lru_cache(maxsize=64)
def _parsed(text: str) -> ParameterConstraint:
    # Ax parses the text with sympy, which takes longer than all else that a space is made of.
    if "==" in text:
        return ParameterConstraint(equality=text)
    return ParameterConstraint(inequality=text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
