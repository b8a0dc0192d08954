"""The goal of anasod-bo if it is more than the best value of one metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.analytic import (
    LogConstrainedExpectedImprovement,
    LogProbabilityOfFeasibility,
)
from botorch.models.model import Model
from torch import Tensor

from ax_anasod.core.history import History
from ax_anasod.exceptions import ObservationError
from ax_anasod.fronts import Front, usual_reference
from ax_anasod.surrogates.expected_growth import LogExpectedGrowth
from ax_anasod.surrogates.hypervolume import Scale
from ax_anasod.typing import FloatArray, Mask


@dataclass(frozen=True)
class EncodingGoal:
    """A front, or limits, from which the acquisition function of encodings is made.

    Args:
        history: The run so far, with thresholds and limits.
        scales: Metric -> the scale from an outcome of the model to the users' units.
    """

    history: History
    scales: Mapping[str, Scale]

    def acquisition(
        self, model: Model, outcomes: Sequence[str], believed: Tensor | None
    ) -> AcquisitionFunction:
        """Make the acquisition function.

        With several objectives, it is the expected growth of the hypervolume in the users' units,
        else the expected improvement on the best value that keeps the limits; both are multiplied
        by the probability that the limits are kept. Before any trial keeps them, it is this
        probability alone.

        Args:
            model: The model of the objectives and limits.
            outcomes: The metric of each of its outcomes.
            believed: Values ``p x len(outcomes)`` that pending trials are believed to have, in
                the scales of the model; None for none.
        """
        history = self.history
        column = {name: outcomes.index(name) for name in outcomes}
        points = self._with(history.values, [n for n, _ in history.objectives], believed, column)
        feasible = np.append(history.feasible, self._keep(believed, column))
        constraints: dict[int, tuple[float | None, float | None]] = {}
        for limit in history.limits:
            bound = self.scales[limit.name].targets(np.array(limit.sign * limit.bound)).item()
            least, most = constraints.get(column[limit.name], (None, None))
            constraints[column[limit.name]] = (least, bound) if limit.sign > 0 else (bound, most)
        if constraints and not feasible.any():
            return LogProbabilityOfFeasibility(model, constraints)
        if not feasible.any():
            raise ObservationError("no trial has a value of every objective, so there is no front")
        if len(history.objectives) > 1:
            return self._growth(model, column, points, feasible, constraints)
        ((name, sign),) = history.objectives
        best = sign * points[feasible, 0].min()
        return LogConstrainedExpectedImprovement(
            model,
            self.scales[name].targets(np.array(best)).item(),
            column[name],
            constraints,
            maximize=sign < 0,
        )

    def _growth(
        self,
        model: Model,
        column: Mapping[str, int],
        points: FloatArray,
        feasible: Mask,
        constraints: Mapping[int, tuple[float | None, float | None]],
    ) -> LogExpectedGrowth:
        history, kept = self.history, points[feasible]
        front = Front(kept, usual_reference(kept, history.thresholds))
        signs = [sign for _, sign in history.objectives]
        objectives = [
            (column[name], turned(self.scales[name], sign)) for name, sign in history.objectives
        ]
        return LogExpectedGrowth(model, objectives, signs, front, constraints)

    def _with(
        self,
        observed: FloatArray,
        names: Sequence[str],
        believed: Tensor | None,
        column: Mapping[str, int],
    ) -> FloatArray:
        """Observed values ``n x m`` and the believed ones below them, so that less is better."""
        if believed is None:
            return observed
        signs = dict(self.history.objectives)
        new = [signs[n] * self._in_units(n, believed[:, column[n]]) for n in names]
        return np.concatenate([observed, np.stack(new, axis=1)])

    def _keep(self, believed: Tensor | None, column: Mapping[str, int]) -> Mask:
        """Mask of the believed trials that keep the limits."""
        kept = np.ones(0 if believed is None else len(believed), dtype=np.bool_)
        for limit in self.history.limits:
            if believed is not None:
                values = self._in_units(limit.name, believed[:, column[limit.name]])
                kept &= limit.sign * values <= limit.bound
        return kept

    def _in_units(self, name: str, targets: Tensor) -> FloatArray:
        return self.scales[name].values(targets.detach().cpu().numpy())


def turned(scale: Scale, sign: float) -> Scale:
    """The scale of values times a sign; its targets are the original targets times the sign."""
    if sign > 0:
        return scale
    link = {"identity": "identity", "log": "negative_log", "negative_log": "log"}[scale.link]
    return Scale(link, scale.unit, -scale.location, scale.width)  # type: ignore[arg-type]


def believed_values(model: Model, X: Tensor) -> Tensor:
    """The posterior means of pending points, ``p x m``."""
    with torch.no_grad():
        posterior: Any = model.posterior(X)
        means: Tensor = posterior.mean
    return means
