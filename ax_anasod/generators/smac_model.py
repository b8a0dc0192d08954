"""SMAC3's random forest over architectures, and the expected improvement under it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

# SMAC's encoder squares values; beyond this the squares overflow.
_LARGEST: Final = 1e100


class ForestModel:
    """The model of SMAC3's ``HyperparameterOptimizationFacade``, fitted to given trials.

    Values are scaled between about their best and their worst and put on a log scale by
    SMAC's ``RunHistoryLogScaledEncoder``; each leaf of its ``RandomForest`` averages them on
    the original scale.

    Args:
        sizes: Alternatives of each of the ``d`` columns of a code.
        codes: Different architectures, ``n x d``.
        values: Their values ``n``, minimised.
        num_trees: Trees of the forest.
        seed: Seed of the forest.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        codes: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        num_trees: int,
        seed: int,
    ) -> None:
        from smac.model.random_forest import RandomForest

        space = _space(sizes)
        inputs, targets = _training_data(space, codes, values)
        self._forest = RandomForest(
            space,
            log_y=True,
            n_trees=num_trees,
            bootstrapping=True,
            ratio_features=1.0,
            min_samples_split=2,
            min_samples_leaf=1,
            # A tree has no more leaves than trials, but scikit-learn allots memory for as
            # many as are allowed: with SMAC's 2^20, a tenth of a second for each tree.
            max_leaf_nodes=max(2, len(codes)),
            # Threads cost more than such small trees do.
            n_jobs=1,
            seed=seed,
        )
        self._forest.train(inputs, targets)
        # SMAC compares with the best prediction, not with the best observation.
        self._best = float(self.predict(codes)[0].min())

    def predict(
        self, codes: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Mean and variance of the scaled logarithmic values of ``m x d`` codes, ``m`` each."""
        mean, variance = self._forest.predict_marginalized(codes.astype(np.float64))
        return mean[:, 0], variance[:, 0]

    def expected_improvement(self, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Expected improvement of ``m x d`` codes on the original scale, ``m``.

        Source: Hutter et al., "An experimental investigation of model-based parameter
        optimisation: SPO and beyond" (GECCO 2009), for values with a log-normal prediction.
        """
        mean, variance = self.predict(codes)
        # SMAC's forest has a variance above 0 even where all trees agree.
        deviation = np.sqrt(variance)
        v = (self._best - mean) / deviation
        gain = np.exp(self._best) * norm.cdf(v)
        gain -= np.exp(variance / 2 + mean) * norm.cdf(v - deviation)
        # Below 0 by rounding only.
        return np.asarray(np.maximum(gain, 0.0))


def _training_data(
    space: ConfigurationSpace,
    codes: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Codes as vectors ``n x d``, values scaled and logarithmic ``n x 1``."""
    from ConfigSpace import Configuration
    from smac import Scenario
    from smac.runhistory import RunHistory
    from smac.runhistory.encoder import RunHistoryLogScaledEncoder

    largest = np.abs(values).max()
    if largest > _LARGEST:
        values = values / largest
    history = RunHistory()
    for vector, value in zip(codes.astype(np.float64), values.tolist(), strict=True):
        history.add(Configuration(space, vector=vector), cost=value)
    encoder = RunHistoryLogScaledEncoder(Scenario(space, deterministic=True))
    encoder.runhistory = history
    return encoder.transform()


@lru_cache(maxsize=16)
def _space(sizes: tuple[int, ...]) -> ConfigurationSpace:
    from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace

    space = ConfigurationSpace()
    # ConfigSpace orders vectors by name, so that "x10" would come before "x2".
    space.add([CategoricalHyperparameter(f"x{i:04}", range(s)) for i, s in enumerate(sizes)])
    return space
