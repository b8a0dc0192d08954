"""The expected improvement of architectures under the two-level surrogate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from ax_anasod.cells import Cell
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.surrogates import Level, LevelFeatures, ObservedLevels, log_expected_improvement
from ax_anasod.typing import Codes, FloatArray, Values


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
        self.codes, self.percent = codes, percent
        self._observed = ObservedLevels(cell, levels, codes, known)
        self.model = self._observed.fit(targets)

    @cached_property
    def believed(self) -> Values:
        """The posterior mean of each code, ``n``, without the luck of a single noisy value."""
        ((mean, _),) = self._observed.predict(self._observed.features, [self.model])
        return mean

    @property
    def shares(self) -> list[float]:
        """The share of each feature in the prior variance of the objective."""
        return self.model.shares

    def __call__(self, features: LevelFeatures) -> FloatArray:
        """Log expected improvements of ``m`` architectures, ``m``."""
        ((mean, deviation),) = self._observed.predict(features, [self.model])
        return log_expected_improvement(mean, deviation, self.model.best)
