"""The expected improvement of architectures under the two-level surrogate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, Protocol

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.surrogates import (
    Level,
    LevelFeatures,
    TwoLevelGP,
    log_expected_improvement,
)
from ax_anasod.typing import Codes, FloatArray, Values

# Architectures compared with all observed ones at a time. This bounds the memory, and their data
# stay in the cache of a processor (with 4,096 it takes a tenth longer).
_CHUNK: Final = 2048


class Acquisition(Protocol):
    """An acquisition function, as the search of the best architecture needs it.

    Attributes:
        codes: ``n x d`` codes that have a value or are pending.
    """

    codes: Codes

    @property
    def believed(self) -> Values:
        """The believed value of each of these codes, ``n``; less is better."""
        ...

    @property
    def percent(self) -> float:
        """An improvement by 1, in percent of the best value found."""
        ...

    @property
    def shares(self) -> list[float]:
        """The share of each feature in the prior variance of the model."""
        ...

    def __call__(self, features: LevelFeatures) -> FloatArray:
        """Log acquisition values of ``m`` architectures, ``m``; -inf where not allowed."""
        ...


class ExpectedImprovement:
    """The log expected improvement on the best target seen or believed.

    Args:
        cell: The cell.
        levels: The levels of the surrogate.
        codes: ``n x d`` codes that have a target or are pending.
        targets: ``n`` targets with mean 0 and variance 1; NaN where pending.
        percent: An improvement by 1, in percent of the best value.
        known: The features of the surrogate.
    """

    def __init__(
        self,
        cell: Cell,
        levels: Sequence[Level],
        codes: Codes,
        targets: Values,
        percent: float,
        known: KnownFeatures,
    ) -> None:
        self.codes, self.percent, self._known = codes, percent, known
        self._names = [level.name for level in levels]
        self._observed = LevelFeatures(cell, codes)
        distances = self._observed.distances(self._observed, self._names)
        self.model = TwoLevelGP(levels, distances, targets, known(codes))

    @cached_property
    def believed(self) -> Values:
        """The posterior mean of each code, ``n``, without the luck of a single noisy value."""
        distances = self._observed.distances(self._observed, self._names)
        return self.model.predict(distances, self._known(self.codes))[0]

    @property
    def shares(self) -> list[float]:
        """The share of each feature in the prior variance of the objective."""
        return self.model.shares

    def __call__(self, features: LevelFeatures) -> FloatArray:
        """Log expected improvements of ``m`` architectures, ``m``."""
        values = np.empty(len(features))
        for start in range(0, len(features), _CHUNK):
            rows = slice(start, start + _CHUNK)
            distances = features[rows].distances(self._observed, self._names)
            mean, deviation = self.model.predict(distances, self._known(features.codes[rows]))
            values[rows] = log_expected_improvement(mean, deviation, self.model.best)
        return values
