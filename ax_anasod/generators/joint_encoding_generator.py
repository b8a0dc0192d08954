"""The best encoding and setting together, for Bayesian optimisation on encodings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.exceptions.warnings import OptimizationWarning
from botorch.generation.gen import gen_candidates_scipy
from torch import Tensor

from ax_anasod.generators.ties import best_row
from ax_anasod.hyperparameters import (
    Hyperparameters,
    draw_settings,
    mutate_settings,
    neighbouring_settings,
)
from ax_anasod.typing import FloatArray, Fractions, Settings

# Settings of the best trials of the run that candidates are made from.
_PARENTS: Final = 10
_CANDIDATES: Final = 500
# Points that move along the gradient, steps of each, and rounds of the whole search.
_STARTS: Final = 5
_STEPS: Final = 20
_ROUNDS: Final = 3
_HALVINGS: Final = 20


class JointPool:
    """Candidates of encodings and settings, and the search of the best of them.

    Discrete and continuous parts alternate, as in BoTorch's ``optimize_acqf_mixed_alternating``: a
    round scores the neighbouring settings of the very best (whole numbers and choices one step
    away) and all encodings of the pool with their settings; then the very best move along the
    gradient of their continuous columns (``gen_candidates_scipy``), all else fixed. Nothing is
    rounded: every scored point is a possible trial.

    Args:
        hyperparameters: The hyperparameters searched beside the cell.
        score: Acquisition values of ``m x (k + h)`` points, ``m``.
        acqf: The acquisition function.
        as_tensor: Makes such points of an array.
        rng: The random numbers of this proposal.
    """

    def __init__(
        self,
        hyperparameters: Hyperparameters,
        score: Callable[[Tensor], Tensor],
        acqf: AcquisitionFunction,
        as_tensor: Callable[[Fractions], Tensor],
        rng: np.random.Generator,
    ) -> None:
        self._hyperparameters, self._score, self._acqf = hyperparameters, score, acqf
        self._as_tensor, self._rng = as_tensor, rng

    def best(
        self,
        fractions: Fractions,
        settings: Settings,
        taken: tuple[Fractions, Settings],
        given: Mapping[int, float],
    ) -> tuple[Tensor, Tensor]:
        """The best point that is found, ``k + h``, and its acquisition value.

        Args:
            fractions: The encodings of the pool, ``m x k``.
            settings: Settings of the best trials so far, ``n x h``; may be empty.
            taken: The encodings ``t x k`` and settings ``t x h`` of all trials, which are not
                proposed again as long as there is anything else.
            given: Column of a setting -> number that the proposal has.
        """
        self._given, self._k = given, fractions.shape[1]
        known = {row.tobytes() for row in self._rows(*taken)}
        # Small cells have few encodings, each of which is paired with many settings.
        many = np.resize(np.arange(len(fractions)), max(_CANDIDATES, len(fractions)))
        pool = self._rng.permutation(fractions[many])
        rows, values = self._scored(self._rows(pool, self._start(len(pool), settings)), known)
        for _ in range(_ROUNDS):
            best = values[0] if len(values) else None
            found = [self._moved(rows[:_STARTS])] if len(rows) else []
            found += [self._steps(row) for row in rows[:_STARTS]]
            if len(rows):
                setting = rows[0, self._k :]
                found.append(self._rows(fractions, np.tile(setting, (len(fractions), 1))))
            rows, values = self._scored(np.concatenate([rows, *found]), known)
            if best is None or values[0] <= best + 1e-6:
                break
        if not len(rows):
            rows, values = self._scored(
                self._rows(fractions, self._start(len(fractions), settings)), set()
            )
        chosen = best_row(values, self._rng)
        return self._points(rows[chosen : chosen + 1])[0], torch.as_tensor(values[chosen])

    def _start(self, n: int, settings: Settings) -> Settings:
        """Settings for ``n`` candidates: uniform ones, those of the best, and mutants of these."""
        drawn = draw_settings(self._hyperparameters, n, self._rng, self._given)
        if not len(settings):
            return drawn
        parents = settings[self._rng.integers(min(len(settings), _PARENTS), size=n)].copy()
        for column, number in self._given.items():
            parents[:, column] = number
        mutants = mutate_settings(self._hyperparameters, parents, self._rng, self._given)
        kind = self._rng.integers(3, size=n)[:, None]
        chosen = np.where(kind == 0, drawn, np.where(kind == 1, parents, mutants))
        kept = self._hyperparameters.allowed(chosen)
        return np.where(kept[:, None], chosen, drawn)

    def _steps(self, row: FloatArray) -> FloatArray:
        setting = row[self._k :]
        others = neighbouring_settings(self._hyperparameters, setting, self._rng, self._given)
        others = others[self._hyperparameters.allowed(others)]
        return self._rows(np.tile(row[: self._k], (len(others), 1)), others)

    def _moved(self, rows: FloatArray) -> FloatArray:
        """The rows after some steps of L-BFGS along their continuous columns."""
        free = [i for i in self._hyperparameters.continuous if i not in self._given]
        if not free:
            return rows
        X = self._points(rows)
        columns = [self._k + i for i in free]
        fixed = {i: X[:, i] for i in range(X.shape[1]) if i not in columns}
        with warnings.catch_warnings():
            # Where no step along the gradient is better, the point stays.
            warnings.simplefilter("ignore", OptimizationWarning)
            moved, _ = gen_candidates_scipy(
                X.unsqueeze(1),
                self._acqf,
                lower_bounds=0.0,
                upper_bounds=torch.where(X.max(dim=0).values > 1, X.max(dim=0).values, 1.0),
                fixed_features=fixed,
                # One problem each where SciPy is newer than BoTorch's batched L-BFGS knows (0.18.1:
                # from 1.18 on): it refuses values that are fixed point by point otherwise.
                options={"maxiter": _STEPS, "max_optimization_problem_aggregation_size": 1},
            )
        units = moved.squeeze(1).detach().cpu().numpy()[:, self._k :]
        settings = rows[:, self._k :].copy()
        settings[:, free] = self._hyperparameters.nearest(units)[:, free]
        for _ in range(_HALVINGS):
            broken = ~self._hyperparameters.allowed(settings)
            if not broken.any():
                break
            settings[broken] = 0.5 * (settings[broken] + rows[broken, self._k :])
        kept = self._hyperparameters.allowed(settings)[:, None]
        settings = np.where(kept, settings, rows[:, self._k :])
        return self._rows(rows[:, : self._k], settings)

    def _scored(self, rows: FloatArray, known: set[bytes]) -> tuple[FloatArray, FloatArray]:
        """The different rows that are not known, the best first, and their values."""
        new = {row.tobytes(): i for i, row in reversed([*enumerate(rows)])}
        rows = rows[sorted(place for key, place in new.items() if key not in known)]
        if not len(rows):
            return rows, np.empty(0)
        values = self._score(self._points(rows)).cpu().numpy()
        order = np.argsort(-values, kind="stable")
        return rows[order], values[order]

    def _rows(self, fractions: Fractions, settings: Settings) -> FloatArray:
        return np.concatenate([fractions, settings], axis=1)

    def _points(self, rows: FloatArray) -> Tensor:
        units = self._hyperparameters.unit(rows[:, self._k :])
        return self._as_tensor(np.concatenate([rows[:, : self._k], units], axis=1))
