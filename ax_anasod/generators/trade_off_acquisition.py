"""The acquisition function of two-level-bo for fronts and under limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.core.history import History
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.generators.trade_off_goal import Goal
from ax_anasod.surrogates import Level, LevelFeatures, ObservedLevels
from ax_anasod.surrogates.hypervolume import Belief
from ax_anasod.typing import FloatArray


class TradeOff:
    """The acquisition function of a :class:`Goal` on architectures, with the two-level surrogate.

    Args:
        cell: The cell.
        levels: The levels of the surrogates.
        history: The run so far, with observed rows.
        log_targets: Whether logarithms are modelled where values have them.
        known: The features of the surrogates.
    """

    def __init__(
        self,
        cell: Cell,
        levels: Sequence[Level],
        history: History,
        log_targets: bool,
        known: KnownFeatures,
    ) -> None:
        self._history = history
        self.codes = history.rows[history.ended_then_pending]
        self._observed = ObservedLevels(cell, levels, self.codes, known)
        self.goal = Goal(history, log_targets, self._observed.fit)
        self.believed, self.percent = self.goal.believed, self.goal.percent
        self.shares = self.goal.shares

    def __call__(self, features: LevelFeatures) -> FloatArray:
        """Log acquisition values of ``m`` architectures, ``m``; -inf where not allowed."""
        values = np.full(len(features), -math.inf)
        allowed = np.flatnonzero(self._history.allowed(features.codes))
        if len(allowed):
            values[allowed] = self.goal.promise(self.beliefs(features[allowed]))
        return values

    def beliefs(self, features: LevelFeatures) -> list[Belief]:
        """The beliefs about each objective and limit.

        Args:
            features: ``m`` architectures of the cell.
        """
        models = self.goal.models
        told = zip(models, self._observed.predict(features, models.values()), strict=True)
        return self.goal.beliefs(features.codes, dict(told))
