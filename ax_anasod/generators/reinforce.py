"""REINFORCE with a categorical policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import numpy as np
from annotated_types import Ge, Lt

from ax_anasod.core.history import History
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.settings import PositiveFloat, checked
from ax_anasod.typing import Codes, FloatArray

_BATCH: Final = 64
_MAX_BATCHES: Final = 100


@checked
class ReinforceGenerator(ArchitectureGenerator):
    """REINFORCE: one softmax over the alternatives of each block and wiring choice.

    Each result moves the logits along the gradient of the log-probability of its
    architecture, times the advantage: its reward minus the moving average of all rewards so
    far, this one included. The reward is minus the objective divided by ``reward_scale``:
    with 100, errors in percent become fractions, and advantages those of accuracies. Values
    further than ``reward_scale`` from the median, which no errors in percent are, are clipped to
    this distance: the advantage over a network whose loss diverged would fix the policy for good.

    The policy is replayed from the history: the trials that ended, in trial order; a failed
    one has the worst value seen. Draws that are no valid architecture are repeated.

    Sources: Zoph and Le, "Neural architecture search with reinforcement learning" (ICLR
    2017); the form without a recurrent controller is that of Ying et al., "NAS-Bench-101"
    (ICML 2019), in the repository nas_benchmarks that the paper used, with its defaults.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        learning_rate: Step size.
        momentum: The share of the moving average that stays at each result.
        reward_scale: The objective's unit, see above.

    Raises:
        OptionError: An option is out of range.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        learning_rate: PositiveFloat = 0.1,
        momentum: Annotated[float, Ge(0), Lt(1)] = 0.9,
        reward_scale: PositiveFloat = 100.0,
    ) -> None:
        super().__init__(cell=cell, seed=seed)
        self.learning_rate, self.momentum = learning_rate, momentum
        self.reward_scale = reward_scale

    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Draw from the policy until the architecture is valid, a code ``d``."""
        rng = self.rng(history)
        ends = np.cumsum(self.policy(history), axis=1)
        for _ in range(_MAX_BATCHES):
            draws = rng.random((_BATCH, len(ends), 1)) * ends[:, -1:]
            codes = self.admissible((draws >= ends).sum(axis=2), fixed)
            if len(codes):
                return np.asarray(codes[0])
        # Only a cell with hardly any valid codes gets here.
        return self.draw_one(rng, fixed)

    def policy(self, history: History) -> FloatArray:
        """The probabilities that the history has led to.

        Returns:
            ``d x a``, a the largest number of alternatives; 0 where a column has fewer.
        """
        sizes = np.array(self.cell.code_sizes)
        codes, values = history.imputed()
        if len(values):
            middle = np.median(values)
            values = values.clip(middle - self.reward_scale, middle + self.reward_scale)
        logits = np.where(np.arange(sizes.max()) < sizes[:, None], 0.0, -np.inf)
        columns = np.arange(len(sizes))
        total = weight = 0.0
        for code, value in zip(codes, values, strict=True):
            reward = -value / self.reward_scale
            total = self.momentum * total + (1 - self.momentum) * reward
            weight = self.momentum * weight + (1 - self.momentum)
            step = self.learning_rate * (reward - total / weight)
            gradient = -_softmax(logits)
            gradient[columns, code] += 1
            logits = logits + step * gradient
        return _softmax(logits)


def _softmax(logits: FloatArray) -> FloatArray:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
