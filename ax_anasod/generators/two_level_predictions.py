"""Predictions of the surrogate of two-level-bo, in the users' units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.generators.targets import half_ranked, linked, standardized
from ax_anasod.surrogates import Level, LevelFeatures, ObservedLevels
from ax_anasod.surrogates.hypervolume import Scale
from ax_anasod.typing import Codes, Values

# Nodes of the quadrature: a smooth function of a normal variable is exact to all digits shown.
_NODES: Final = 24


class TwoLevelPredictor:
    """The surrogate of one quantity, fitted as for a proposal.

    It models the logarithms of the values; only the ranks of their worse half count. A
    prediction is mapped back by the inverse, which interpolates between its knots.

    Args:
        cell: The cell.
        levels: The levels of the surrogate.
        codes: ``n x d`` codes of ended trials, at least one.
        values: Their values ``n``, minimised.
        log_targets: Whether to take logarithms of values of one sign.
        known: The features of the surrogate.
    """

    def __init__(
        self,
        cell: Cell,
        levels: Sequence[Level],
        codes: Codes,
        values: Values,
        log_targets: bool,
        known: KnownFeatures,
    ) -> None:
        self._cell = cell
        modelled, link, unit = linked(values, log_targets)
        ranked = half_ranked(modelled)
        targets, self._width = standardized(ranked)
        self._centre = float(ranked.mean())
        self._scale = Scale(link, unit, 0.0, 1.0)
        self._median = float(np.median(modelled))
        worse = np.flatnonzero(modelled > self._median)
        worse = worse[np.argsort(modelled[worse], kind="stable")]
        self._knots = np.append(self._median, ranked[worse])
        self._heights = np.append(self._median, modelled[worse])
        self._observed = ObservedLevels(cell, levels, codes, known)
        self._model = self._observed.fit(targets)

    def __call__(self, codes: Codes) -> tuple[Values, Values]:
        """Mean and variance of ``m x d`` codes, ``m`` each, without the noise of a trial."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        weights = weights / weights.sum()
        features = LevelFeatures(self._cell, codes)
        ((mean, deviation),) = self._observed.predict(features, [self._model])
        values = self._values(mean[:, None] + deviation[:, None] * nodes)
        means = values @ weights
        return means, (values - means[:, None]) ** 2 @ weights

    def _values(self, targets: Values) -> Values:
        """The values that targets of any shape stand for."""
        ranked = self._centre + self._width * targets
        worse = np.interp(ranked, self._knots, self._heights)
        return self._scale.values(np.where(ranked > self._median, worse, ranked))
