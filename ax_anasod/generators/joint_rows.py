"""Architectures and settings side by side, in one row of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.hyperparameters import Choice, Range, mutate_settings, neighbouring_settings
from ax_anasod.typing import AnyArray, Codes, Indices, Mask, Settings

Rows: TypeAlias = AnyArray
"""Codes ``n x d`` as whole numbers, or with settings beside them ``n x (d + h)``."""

Columns: TypeAlias = tuple[int | Range | Choice, ...]
"""The values of each column of rows: below a number, in a range, or places in a choice."""


class JointRows:
    """Rows ``n x (d + h)``: a code, which is the representative of its architecture, and a setting.

    Args:
        generator: The generator, with its cell and hyperparameters.
        fixed: Column of a code -> value that proposals have.
        given: Column of a setting -> number that proposals have.
        rng: The random numbers of neighbours.
    """

    def __init__(
        self,
        generator: ArchitectureGenerator,
        fixed: Mapping[int, int],
        given: Mapping[int, float],
        rng: np.random.Generator,
    ) -> None:
        self._generator, self._fixed, self._given, self._rng = generator, fixed, given, rng
        self._width = len(generator.cell.code_sizes)

    def join(self, codes: Codes, settings: Settings) -> Rows:
        """Codes ``n x d`` and settings ``n x h`` as rows."""
        return np.concatenate([codes, settings], axis=1)

    def split(self, row: Rows) -> tuple[Codes, Settings]:
        """A row as a code ``d`` and a setting ``h``."""
        return row[: self._width].astype(np.int64), row[self._width :]

    def keys(self, rows: Rows) -> Indices:
        """A number for each of ``n`` rows; equal rows have equal numbers."""
        return np.asarray(np.unique(rows, axis=0, return_inverse=True)[1]).reshape(-1)

    def new(self, rows: Rows, taken: Rows) -> Mask:
        """Mask ``m`` of the rows that are not taken."""
        known = {row.tobytes() for row in taken}
        own = rows.copy()
        own[:, : self._width] = self._generator.cell.canonical(
            rows[:, : self._width].astype(np.int64)
        )
        return np.array([row.tobytes() not in known for row in own], dtype=np.bool_)

    def first_new(self, rows: Rows, taken: Rows) -> Rows:
        """The first row that is not taken, or the first of all."""
        return np.asarray(rows[int((~self.new(rows, taken)).argmin())])

    def admissible(self, rows: Rows) -> Rows:
        """The rows that are allowed after the fixed values are set, ``m x (d + h)``."""
        return self.admissible_of(rows)[0]

    def admissible_of(self, rows: Rows) -> tuple[Rows, Indices]:
        """The rows of :meth:`admissible`, and the place ``m`` of each of them in ``rows``."""
        rows = rows.copy()
        for column, number in self._given.items():
            rows[:, self._width + column] = number
        codes = rows[:, : self._width].astype(np.int64)
        codes, kept = self._generator.admissible_of(codes, self._fixed)
        rows = self.join(codes, rows[kept, self._width :])
        allowed = self._generator.hyperparameters.allowed(rows[:, self._width :])
        return rows[allowed], kept[allowed]

    def mutants(self, rows: Rows, *, codes: bool, settings: bool) -> Rows:
        """One mutant of each of ``n`` rows, allowed or not, ``n x (d + h)``.

        Args:
            rows: The parents.
            codes: Whether architectures change, as in :func:`ax_anasod.cells.mutate`.
            settings: Whether settings change, as in
                :func:`ax_anasod.hyperparameters.mutate_settings`.
        """
        own, others = rows[:, : self._width], rows[:, self._width :]
        if codes:
            sizes = np.array(self._generator.cell.code_sizes)
            changed = self._rng.random(own.shape) < 1.0 / self._width
            steps = self._rng.integers(1, sizes, size=own.shape)
            own = np.where(changed, (own + steps) % sizes, own)
        if settings:
            hyperparameters = self._generator.hyperparameters
            others = mutate_settings(hyperparameters, others, self._rng, self._given)
        return np.concatenate([own, others], axis=1)

    def edits(self, row: Rows) -> Rows:
        """All architectures one step away with the same setting, and neighbouring settings."""
        code, setting = self.split(row)
        codes = self._generator.cell.edits(code)
        settings = neighbouring_settings(
            self._generator.hyperparameters, setting, self._rng, self._given
        )
        return np.concatenate(
            [
                self.join(codes, np.tile(setting, (len(codes), 1))),
                self.join(np.tile(code, (len(settings), 1)), settings),
            ]
        )
