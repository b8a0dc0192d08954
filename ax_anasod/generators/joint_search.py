"""The expected improvement of architectures and settings together, and its optimiser."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_ndtr

from ax_anasod.cells import Cell
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.joint_rows import JointRows, Rows
from ax_anasod.generators.ties import best_row
from ax_anasod.hyperparameters import Hyperparameters, draw_settings
from ax_anasod.simplex import sample_biased
from ax_anasod.surrogates import LevelFeatures, log_expected_improvement
from ax_anasod.surrogates.joint import JointGP
from ax_anasod.surrogates.joint_fit import JointForm, Points
from ax_anasod.surrogates.levels import Level
from ax_anasod.typing import Codes, Settings

# Who has offspring at the start: the best of the run.
_PARENTS: Final = 10
# Candidates of each kind to start.
_KIND: Final = 200
_BETA: Final = 2.0
# In each round the best so far have mutants, and the very best all their neighbours.
_SURVIVORS, _CHILDREN, _CLIMBERS = 50, 8, 5
_ROUNDS: Final = 12
_PATIENCE: Final = 2
# Steps of L-BFGS along the continuous parameters of the very best.
_STEPS: Final = 20


class JointImprovement:
    """The log expected improvement on the best target seen or believed, of pairs.

    Args:
        cell: The cell.
        hyperparameters: What is searched beside it.
        levels: The levels of the surrogate.
        codes: ``n x d`` codes that have a target or are pending.
        settings: Their ``n x h`` settings.
        targets: ``n`` targets with mean 0 and variance 1; NaN where pending.
        percent: How many percent of the best value an improvement by 1 is.
        form: How the covariances of architectures and settings make one.
    """

    def __init__(
        self,
        cell: Cell,
        hyperparameters: Hyperparameters,
        levels: Sequence[Level],
        codes: Codes,
        settings: Settings,
        targets: npt.NDArray[np.float64],
        percent: float,
        form: JointForm,
    ) -> None:
        self.codes, self.settings, self.percent = codes, settings, percent
        self._cell, self._hyperparameters = cell, hyperparameters
        self._names = [level.name for level in levels]
        self._observed = LevelFeatures(cell, codes)
        distances = self._observed.distances(self._observed, self._names)
        self.model = JointGP(levels, distances, self._points(settings), targets, form)
        # What was found so far, without the luck of a single noisy value.
        self.believed = self.model.predict(distances, self._points(settings))[0]

    def __call__(self, codes: Codes, settings: Settings) -> npt.NDArray[np.float64]:
        """Log expected improvements of ``m`` pairs, ``m``."""
        mean, deviation = self.model.predict_at(self._covariance(codes), self._points(settings))
        return log_expected_improvement(mean, deviation, self.model.best)

    def ascended(self, codes: Codes, settings: Settings, given: Mapping[int, float]) -> Settings:
        """Settings ``m x h`` moved uphill along their continuous columns, by L-BFGS.

        Args:
            codes: Their architectures, ``m x d``.
            settings: Where to start.
            given: Columns that stay as they are.
        """
        numeric = self._hyperparameters.numeric
        free = [i for i in self._hyperparameters.continuous if i not in given]
        if not free or not len(codes):
            return settings
        at = [numeric.index(i) for i in free]
        covariance, start = self._covariance(codes), self._points(settings)

        def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            places = start.places.copy()
            places[:, at] = flat.reshape(len(codes), -1)
            value, slope = self._slope(covariance, Points(places, start.categories))
            return -float(value.sum()), -slope[:, at].ravel()

        found = minimize(
            loss,
            start.places[:, at].ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * (len(codes) * len(at)),
            options={"maxiter": _STEPS},
        )
        units = self._hyperparameters.unit(settings)
        units[:, free] = found.x.reshape(len(codes), -1)
        moved = settings.copy()
        moved[:, free] = self._hyperparameters.nearest(units)[:, free]
        return self._kept(settings, moved)

    def _kept(self, settings: Settings, moved: Settings) -> Settings:
        """Where the bounds are broken, the last point on the way that keeps them."""
        kept = moved.copy()
        share = np.ones(len(moved))
        for _ in range(_STEPS):
            broken = ~self._hyperparameters.allowed(kept)
            if not broken.any():
                return kept
            share[broken] *= 0.7
            kept = settings + share[:, None] * (moved - settings)
        return np.where(self._hyperparameters.allowed(kept)[:, None], kept, settings)

    def _slope(
        self, covariance: npt.NDArray[np.float64], points: Points
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Log expected improvements ``m``, and their gradients by the places, ``m x p``."""
        mean, deviation, of_mean, of_deviation = self.model.slopes_at(covariance, points)
        value = log_expected_improvement(mean, deviation, self.model.best)
        u = (self.model.best - mean) / deviation
        # d log EI = (-Phi(u) d mean + phi(u) d deviation) / EI, in logarithms.
        by_mean = np.exp(np.minimum(log_ndtr(u) - value, 700.0))
        density = -0.5 * u**2 - 0.5 * math.log(2.0 * math.pi)
        by_deviation = np.exp(np.minimum(density - value, 700.0))
        return value, by_deviation[:, None] * of_deviation - by_mean[:, None] * of_mean

    def _covariance(self, codes: Codes) -> npt.NDArray[np.float64]:
        features = LevelFeatures(self._cell, codes)
        return self.model.cell_covariance(features.distances(self._observed, self._names))

    def _points(self, settings: Settings) -> Points:
        units = self._hyperparameters.unit(settings)
        numeric, unordered = self._hyperparameters.numeric, self._hyperparameters.unordered
        return Points(units[:, list(numeric)], units[:, list(unordered)])


def joint_search(
    generator: ArchitectureGenerator,
    acquisition: JointImprovement,
    taken: Rows,
    fixed: Mapping[int, int],
    given: Mapping[int, float],
    rng: np.random.Generator,
) -> tuple[Codes, Settings, float] | None:
    """The best pair without a trial that is found, and its acquisition value.

    Discrete and continuous parts in turn, as BoTorch's ``optimize_acqf_mixed_alternating``: an
    evolution and local search of architectures, whole numbers and choices, whose very best move
    along the gradient of their continuous parameters in each round. All candidates are
    evaluated where their trial would be.

    Args:
        generator: Whose cell and hyperparameters are searched.
        acquisition: The acquisition function.
        taken: The pairs that have a trial.
        fixed: Column of a code -> value that the proposal must have.
        given: Column of a setting -> number that it must have.
        rng: The random numbers of this proposal.

    Returns:
        None where all that was found has a trial.
    """
    population = _Population(generator, acquisition, taken, fixed, given, rng)
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
        acquisition: JointImprovement,
        taken: Rows,
        fixed: Mapping[int, int],
        given: Mapping[int, float],
        rng: np.random.Generator,
    ) -> None:
        self.joint = JointRows(generator, fixed, given, rng)
        self._generator, self._acquisition, self._rng = generator, acquisition, rng
        self._fixed, self._given = fixed, given
        self._known = {row.tobytes() for row in taken}
        self.rows: Rows = np.empty((0, taken.shape[1]))
        self.values = np.empty(0)

    @property
    def best(self) -> float:
        """The largest acquisition value so far; minus infinity before there is one."""
        return float(self.values[0]) if len(self.values) else -math.inf

    def start(self) -> None:
        """Candidates near the best of the run, and uniform ones."""
        cell, rng = self._generator.cell, self._rng
        order = np.argsort(self._acquisition.believed, kind="stable")[:_PARENTS]
        codes, settings = self._acquisition.codes[order], self._acquisition.settings[order]
        parents = np.resize(np.arange(len(order)), _KIND)
        distributions = cell.encode(codes) / cell.num_blocks
        each = math.ceil(_KIND / len(order))
        near = np.concatenate([sample_biased(p, _BETA, each, rng) for p in distributions])
        decoded = cell.decode(cell.snap(near), rng)
        uniform = self._generator.draw(_KIND, rng, self._fixed)
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
        """Mutants of the best, and all that is one step from the very best."""
        parents = np.repeat(self.rows, _CHILDREN, axis=0)
        steps = [self.joint.edits(row) for row in self.rows[:_CLIMBERS]]
        self._add(*self._mutants(parents), *steps)

    def ascend(self) -> None:
        """The very best, moved along their continuous parameters."""
        rows = self.rows[:_CLIMBERS]
        codes = rows[:, : self._width].astype(np.int64)
        settings = rows[:, self._width :]
        moved = self._acquisition.ascended(codes, settings, self._given)
        self._add(self.joint.join(codes, moved))

    def _mutants(self, parents: Rows) -> list[Rows]:
        """Of each parent one with another architecture, setting, or both."""
        which = self._rng.integers(3, size=len(parents))
        return [
            self.joint.mutants(parents[which == kind], codes=kind != 1, settings=kind != 0)
            for kind in range(3)
        ]

    @property
    def _width(self) -> int:
        return len(self._generator.cell.code_sizes)

    def _add(self, *groups: Rows) -> None:
        """Evaluate those pairs that are allowed and new, and have no trial."""
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
        values = np.concatenate([self.values, values])
        order = np.argsort(-values, kind="stable")[:_SURVIVORS]
        self.rows = np.concatenate([self.rows, rows])[order]
        self.values = values[order]
