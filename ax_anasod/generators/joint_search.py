"""The search of the best architecture and setting together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from ax_anasod.core.history import History
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.joint_acquisition import JointAcquisition
from ax_anasod.generators.joint_rows import JointRows, Rows
from ax_anasod.generators.ties import best_row
from ax_anasod.hyperparameters import draw_settings
from ax_anasod.simplex import sample_biased
from ax_anasod.typing import Codes, Settings

# Parents at the start: the best pairs of the run.
_PARENTS: Final = 10
# Candidates of each kind to start.
_KIND: Final = 200
_BETA: Final = 2.0
# In each round the best so far have mutants, and the very best all their neighbours.
_SURVIVORS, _CHILDREN, _CLIMBERS = 50, 8, 5
_ROUNDS: Final = 12
_PATIENCE: Final = 2


def joint_search(
    generator: ArchitectureGenerator,
    acquisition: JointAcquisition,
    history: History,
    fixed: Mapping[int, int],
    given: Mapping[int, float],
    rng: np.random.Generator,
) -> tuple[Codes, Settings, float] | None:
    """The best pair without a trial that is found, and its acquisition value.

    Discrete and continuous parts alternate, as in BoTorch's ``optimize_acqf_mixed_alternating``: an
    evolution and local search of architectures, whole numbers and choices, whose very best move
    along the gradient of their continuous parameters in each round. All candidates are
    evaluated where their trial would be.

    Args:
        generator: The generator, with its cell and hyperparameters.
        acquisition: The acquisition function.
        history: The run so far, its rows representatives.
        fixed: Column of a code -> value that the proposal must have.
        given: Column of a setting -> number that the proposal must have.
        rng: The random numbers of this proposal.

    Returns:
        A code, a setting and their value; None if all pairs that were found have a trial.
    """
    population = _Population(generator, acquisition, history, fixed, given, rng)
    population.start()
    best, idle = population.best, 0
    for _ in range(_ROUNDS):
        if idle == _PATIENCE or not len(population.rows):
            break
        population.breed()
        population.ascend()
        idle = 0 if population.best > best + 1e-3 else idle + 1
        best = population.best
    if not len(population.rows):
        return None
    chosen = best_row(population.values, rng)
    code, setting = population.joint.split(population.rows[chosen])
    return code, setting, population.best


class _Population:
    """The best candidates so far, each once, the best first, and their acquisition ``values``."""

    def __init__(
        self,
        generator: ArchitectureGenerator,
        acquisition: JointAcquisition,
        history: History,
        fixed: Mapping[int, int],
        given: Mapping[int, float],
        rng: np.random.Generator,
    ) -> None:
        self.joint = JointRows(generator, fixed, given, rng)
        self._generator, self._acquisition, self._rng = generator, acquisition, rng
        self._fixed, self._given, self._history = fixed, given, history
        taken = self.joint.join(history.rows, history.settings)
        self._known = {row.tobytes() for row in taken}
        self.rows: Rows = np.empty((0, taken.shape[1]))
        self.values = np.empty(0)

    @property
    def best(self) -> float:
        """The largest acquisition value so far; minus infinity before there is one."""
        return float(self.values[0]) if len(self.values) else -math.inf

    def start(self) -> None:
        """Add candidates near the best of the run, and uniform ones."""
        cell, rng = self._generator.cell, self._rng
        order = np.argsort(self._acquisition.believed, kind="stable")[:_PARENTS]
        codes, settings = self._acquisition.codes[order], self._acquisition.settings[order]
        parents = np.resize(np.arange(len(order)), _KIND)
        distributions = cell.encode(codes) / cell.num_blocks
        each = math.ceil(_KIND / len(order))
        near = np.concatenate([sample_biased(p, _BETA, each, rng) for p in distributions])
        decoded = cell.decode(cell.snap(near), rng)
        uniform = self._generator.draw_allowed(_KIND, self._history, rng, self._fixed)
        drawn = draw_settings(self._generator.hyperparameters, _KIND, rng, self._given)
        self._add(
            self.joint.join(codes, settings),
            self.joint.join(decoded, np.repeat(settings, each, axis=0)),
            self.joint.join(codes[parents], drawn),
            self.joint.join(uniform, drawn),
            self.joint.join(uniform, settings[parents]),
            *self._mutants(self.joint.join(codes[parents], settings[parents])),
        )
        self.ascend()

    def breed(self) -> None:
        """Add mutants of the best rows, and all rows one step from the very best."""
        parents = np.repeat(self.rows, _CHILDREN, axis=0)
        steps = [self.joint.edits(row) for row in self.rows[:_CLIMBERS]]
        self._add(*self._mutants(parents), *steps)

    def ascend(self) -> None:
        """Add the very best rows, moved along their continuous parameters."""
        rows = self.rows[:_CLIMBERS]
        codes = rows[:, : self._width].astype(np.int64)
        settings = rows[:, self._width :]
        moved = self._acquisition.ascended(codes, settings, self._given)
        self._add(self.joint.join(codes, moved))

    def _mutants(self, parents: Rows) -> list[Rows]:
        """One mutant of each parent: with another architecture, setting, or both, at random."""
        which = self._rng.integers(3, size=len(parents))
        return [
            self.joint.mutants(parents[which == kind], codes=kind != 1, settings=kind != 0)
            for kind in range(3)
        ]

    @property
    def _width(self) -> int:
        return len(self._generator.cell.code_sizes)

    def _add(self, *groups: Rows) -> None:
        """Evaluate the pairs that are allowed and new, and have no trial."""
        rows = self.joint.admissible(np.concatenate(groups))
        fresh = []
        for row in rows:
            key = row.tobytes()
            if key not in self._known:
                self._known.add(key)
                fresh.append(row)
        if not fresh:
            return
        rows = np.stack(fresh)
        values = self._acquisition(rows[:, : self._width].astype(np.int64), rows[:, self._width :])
        allowed = values > -math.inf
        values = np.concatenate([self.values, values[allowed]])
        order = np.argsort(-values, kind="stable")[:_SURVIVORS]
        self.rows = np.concatenate([self.rows, rows[allowed]])[order]
        self.values = values[order]
