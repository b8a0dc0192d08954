"""The acquisition function of two-level-bo for fronts and under limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.core.history import History
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.generators.trade_off_goal import Goal
from ax_anasod.surrogates import Level, LevelFeatures, TwoLevelGP
from ax_anasod.surrogates.hypervolume import Belief
from ax_anasod.typing import FloatArray

# Architectures compared with all observed ones at a time: bounds the memory.
_CHUNK: Final = 4096


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
        self._history, self._known = history, known
        self._names = [level.name for level in levels]
        self.codes = history.rows[history.ended_then_pending]
        self._observed = LevelFeatures(cell, self.codes)
        distances = self._observed.distances(self._observed, self._names)
        features = known(self.codes)
        self.goal = Goal(
            history,
            log_targets,
            lambda targets: TwoLevelGP(levels, distances, targets, features),
        )
        self.believed, self.percent = self.goal.believed, self.goal.percent
        self.shares = self.goal.shares

    def __call__(self, features: LevelFeatures) -> FloatArray:
        """Log acquisition values of ``m`` architectures, ``m``; -inf where not allowed."""
        values = np.full(len(features), -math.inf)
        allowed = np.flatnonzero(self._history.allowed(features.codes))
        for start in range(0, len(allowed), _CHUNK):
            rows = allowed[start : start + _CHUNK]
            values[rows] = self.goal.promise(self.beliefs(features[rows]))
        return values

    def beliefs(self, features: LevelFeatures) -> list[Belief]:
        """The belief about each objective and limit of ``m`` architectures."""
        distances = features.distances(self._observed, self._names)
        known = self._known(features.codes)
        told = {i: model.predict(distances, known) for i, model in self.goal.models.items()}
        return self.goal.beliefs(features.codes, told)
