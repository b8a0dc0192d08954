"""The acquisition functions of architectures and settings together."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr

from ax_anasod.cells import Cell
from ax_anasod.core.history import History
from ax_anasod.fronts import wide_reference
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.generators.trade_off_goal import Goal
from ax_anasod.hyperparameters import Hyperparameters
from ax_anasod.surrogates import Level, LevelFeatures, log_expected_improvement
from ax_anasod.surrogates.joint import JointGP
from ax_anasod.surrogates.joint_fit import JointForm, Points
from ax_anasod.surrogates.levels import Distances
from ax_anasod.typing import Codes, Settings, Values

# Steps of L-BFGS along the continuous parameters of the very best pairs.
_STEPS: Final = 20

Slope: TypeAlias = Callable[[Points], tuple[Values, Values]]
"""Log values ``m`` of settings of given architectures, and their gradients by the places,
``m x p``."""


class JointAcquisition(ABC):
    """An acquisition function of pairs of an architecture and a setting, and its gradient.

    Args:
        cell: The cell.
        hyperparameters: The hyperparameters searched beside it.
        levels: The levels of the surrogates.
        codes: ``n x d`` codes that have a value or are pending.
        settings: Their ``n x h`` settings.
        form: The combination of the covariances of architectures and settings.
        known: The features of the surrogates.
    """

    believed: Values
    """The believed value of each of the ``n`` pairs; less is better."""
    percent: float
    """An improvement by 1, in percent of the best value found."""
    shares: list[float]
    """The share of each feature in the prior variance of the model."""

    def __init__(
        self,
        cell: Cell,
        hyperparameters: Hyperparameters,
        levels: Sequence[Level],
        codes: Codes,
        settings: Settings,
        form: JointForm,
        known: KnownFeatures,
    ) -> None:
        self.codes, self.settings = codes, settings
        self._cell, self._hyperparameters = cell, hyperparameters
        self._levels, self._form, self._known = levels, form, known
        self._observed = LevelFeatures(cell, codes)
        self._own = self._compared(codes)

    @abstractmethod
    def __call__(self, codes: Codes, settings: Settings) -> Values:
        """Log acquisition values of ``m`` pairs, ``m``; -inf where not allowed."""

    @abstractmethod
    def slope_of(self, codes: Codes) -> Slope:
        """The log acquisition value of settings of ``m`` architectures, and its gradient."""

    def ascended(self, codes: Codes, settings: Settings, given: Mapping[int, float]) -> Settings:
        """Settings ``m x h`` moved uphill along their continuous columns, by L-BFGS.

        Args:
            codes: Their architectures, ``m x d``.
            settings: The settings to start from.
            given: Columns that stay as they are.
        """
        numeric = self._hyperparameters.numeric
        free = [i for i in self._hyperparameters.continuous if i not in given]
        if not free or not len(codes):
            return settings
        at = [numeric.index(i) for i in free]
        slope, start = self.slope_of(codes), self.points(settings)

        def loss(flat: Values) -> tuple[float, Values]:
            places = start.places.copy()
            places[:, at] = flat.reshape(len(codes), -1)
            value, gradient = slope(Points(places, start.categories))
            return -float(value.sum()), -gradient[:, at].ravel()

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

    def points(self, settings: Settings) -> Points:
        """Settings ``m x h`` as inputs of the models."""
        units = self._hyperparameters.unit(settings)
        numeric, unordered = self._hyperparameters.numeric, self._hyperparameters.unordered
        return Points(units[:, list(numeric)], units[:, list(unordered)])

    def _fitted(self, targets: Values) -> JointGP:
        """A model of targets of the ``n`` pairs, NaN where pending."""
        (distances, features), points = self._own, self.points(self.settings)
        return JointGP(self._levels, distances, points, targets, self._form, features)

    def _compared(self, codes: Codes) -> tuple[Distances, tuple[Values, ...]]:
        """Distances of ``m x d`` codes from those of the pairs, and the features of the codes."""
        names = [level.name for level in self._levels]
        distances = LevelFeatures(self._cell, codes).distances(self._observed, names)
        return distances, self._known(codes)

    def _kept(self, settings: Settings, moved: Settings) -> Settings:
        """Shrink each step until the setting keeps its bounds."""
        kept = moved.copy()
        share = np.ones(len(moved))
        for _ in range(_STEPS):
            broken = ~self._hyperparameters.allowed(kept)
            if not broken.any():
                return kept
            share[broken] *= 0.7
            kept = settings + share[:, None] * (moved - settings)
        return np.where(self._hyperparameters.allowed(kept)[:, None], kept, settings)


class JointImprovement(JointAcquisition):
    """The log expected improvement on the best target seen or believed, of pairs.

    Args:
        cell: The cell.
        hyperparameters: The hyperparameters searched beside it.
        levels: The levels of the surrogates.
        codes: ``n x d`` codes that have a value or are pending.
        settings: Their ``n x h`` settings.
        form: The combination of the covariances of architectures and settings.
        known: The features of the surrogates.
        targets: ``n`` targets with mean 0 and variance 1; NaN where pending.
        percent: An improvement by 1, in percent of the best value.
    """

    def __init__(
        self,
        cell: Cell,
        hyperparameters: Hyperparameters,
        levels: Sequence[Level],
        codes: Codes,
        settings: Settings,
        form: JointForm,
        known: KnownFeatures,
        targets: Values,
        percent: float,
    ) -> None:
        super().__init__(cell, hyperparameters, levels, codes, settings, form, known)
        self.model, self.percent = self._fitted(targets), percent
        self.shares = self.model.shares
        # Posterior means, without the luck of a single noisy value.
        distances, features = self._own
        self.believed = self.model.predict(distances, self.points(settings), features)[0]

    def __call__(self, codes: Codes, settings: Settings) -> Values:
        """Log expected improvements of ``m`` pairs, ``m``."""
        distances, features = self._compared(codes)
        mean, deviation = self.model.predict(distances, self.points(settings), features)
        return log_expected_improvement(mean, deviation, self.model.best)

    def slope_of(self, codes: Codes) -> Slope:
        """The log expected improvement and its gradient, in closed form."""
        covariance = self.model.cell_covariance(*self._compared(codes))

        def slope(points: Points) -> tuple[Values, Values]:
            mean, deviation, of_mean, of_deviation = self.model.slopes_at(covariance, points)
            value = log_expected_improvement(mean, deviation, self.model.best)
            u = (self.model.best - mean) / deviation
            # d log EI = (-Phi(u) d mean + phi(u) d deviation) / EI, in logarithms.
            by_mean = np.exp(np.minimum(log_ndtr(u) - value, 700.0))
            density = -0.5 * u**2 - 0.5 * math.log(2.0 * math.pi)
            by_deviation = np.exp(np.minimum(density - value, 700.0))
            return value, by_deviation[:, None] * of_deviation - by_mean[:, None] * of_mean

        return slope


class JointTradeOff(JointAcquisition):
    """The acquisition function of a :class:`ax_anasod.generators.trade_off_goal.Goal` on pairs.

    Args:
        cell: The cell.
        hyperparameters: The hyperparameters searched beside it.
        levels: The levels of the surrogates.
        history: The run so far, with observed rows.
        form: The combination of the covariances of architectures and settings.
        known: The features of the surrogates.
        log_targets: Whether logarithms are modelled where values have them.
    """

    def __init__(
        self,
        cell: Cell,
        hyperparameters: Hyperparameters,
        levels: Sequence[Level],
        history: History,
        form: JointForm,
        known: KnownFeatures,
        log_targets: bool,
    ) -> None:
        rows = history.ended_then_pending
        codes, settings = history.rows[rows], history.settings[rows]
        super().__init__(cell, hyperparameters, levels, codes, settings, form, known)
        self._history = history
        self.goal: Goal[JointGP] = Goal(history, log_targets, self._fitted, wide_reference)
        self.believed, self.percent = self.goal.believed, self.goal.percent
        self.shares = self.goal.shares

    def __call__(self, codes: Codes, settings: Settings) -> Values:
        """Log acquisition values of ``m`` pairs, ``m``; -inf where not allowed."""
        values = np.full(len(codes), -math.inf)
        allowed = np.flatnonzero(self._history.allowed(codes))
        codes, points = codes[allowed], self.points(settings[allowed])
        distances, features = self._compared(codes)
        told = {
            i: model.predict(distances, points, features) for i, model in self.goal.models.items()
        }
        values[allowed] = self.goal.promise(self.goal.beliefs(codes, told))
        return values

    def slope_of(self, codes: Codes) -> Slope:
        """The log acquisition value; its gradient takes central differences by the beliefs only."""
        compared, models = self._compared(codes), self.goal.models
        covariances = {i: model.cell_covariance(*compared) for i, model in models.items()}

        def slope(points: Points) -> tuple[Values, Values]:
            found = {i: model.slopes_at(covariances[i], points) for i, model in models.items()}
            told = {i: (mean, deviation) for i, (mean, deviation, _, _) in found.items()}
            values, by_mean, by_deviation = self.goal.slopes(self.goal.beliefs(codes, told))
            gradient = np.zeros(points.places.shape)
            for i, (_, _, of_mean, of_deviation) in found.items():
                gradient += by_mean[i, :, None] * of_mean
                gradient += by_deviation[i, :, None] * of_deviation
            return values, gradient

        return slope
