"""Ax metrics of the values that runners record: looked up, or measured by training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from ax.api.protocols.metric import IMetric
from ax.core.base_trial import BaseTrial
from ax.core.data import MAP_KEY, Data
from ax.core.metric import MetricFetchE, MetricFetchResult
from ax.core.trial import Trial
from ax.utils.common.result import Err, Ok

from ax_anasod.exceptions import AnasodError, ObservationError, UnknownNameError
from ax_anasod.training import TrialState


class TrainingMetric(IMetric):
    """One quantity of the trials of a runner that trains, with its learning curve.

    The curve has one step an epoch, from 1, and is there while the trial runs, so that Ax's
    early-stopping strategies work; the value of a trial is that of its last epoch.

    Args:
        name: Name of the quantity: ``"valid_error"`` (percent), ``"valid_loss"`` (nats), or a
            cost that the task records (:data:`ax_anasod.training.costs.COSTS`).
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name)

    @classmethod
    def is_available_while_running(cls) -> bool:
        """True if the metric has data before the trial has ended."""
        return True

    def fetch(
        self, trial_index: int, trial_metadata: Mapping[str, Any]
    ) -> tuple[int, float | tuple[float, float]]:
        """The last epoch of a trial, and its value.

        Raises:
            ObservationError: The trial has no epoch yet.
            UnknownNameError: A training has no quantity of this name.
            RunError: The folder of the trial cannot be read.
        """
        epoch, value = self.curve(trial_index, trial_metadata)[-1]
        return epoch, value

    def curve(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> list[tuple[int, float]]:
        """Epoch and value after each epoch of a trial.

        Raises:
            ObservationError: The trial has no epoch yet.
            UnknownNameError: A training has no quantity of this name.
            RunError: The folder of the trial cannot be read.
        """
        state = TrialState.read(Path(trial_metadata["folder"]))
        if state is None or not state.epochs:
            raise ObservationError(f"trial {trial_index} has no epoch yet")
        if self.name not in state.values:
            raise UnknownNameError("quantity", self.name, state.values)
        return [(e.epoch, state.values_after(e)[self.name]) for e in state.epochs]

    def fetch_trial_data(self, trial: BaseTrial, **kwargs: Any) -> MetricFetchResult:
        """The whole curve of a trial, as Ax wants it; nothing before its first epoch."""
        if not isinstance(trial, Trial) or trial.arm is None:
            raise ObservationError(f"trial {trial.index} is a batch of arms, which is not trained")
        try:
            state = TrialState.read(Path(trial.run_metadata["folder"]))
            if trial.status.is_running and (state is None or not state.epochs):
                return Ok(Data())  # before its first epoch
            curve = self.curve(trial.index, trial.run_metadata)
        except AnasodError as error:
            return Err(MetricFetchE(message=f"{self.name}: {error}", exception=error))
        rows = [
            {
                "trial_index": trial.index,
                "arm_name": trial.arm.name,
                "metric_name": self.name,
                "metric_signature": self.signature,
                MAP_KEY: epoch,
                "mean": value,
                "sem": float("nan"),
            }
            for epoch, value in curve
        ]
        return Ok(Data(df=pd.DataFrame.from_records(rows)))


class LookupMetric(IMetric):
    """One objective or reported quantity of a benchmark.

    ``IMetric`` is Ax's new form of a metric and inherits from the old one, ``Metric``: this
    class serves ``Client.run_trials`` and the ``Orchestrator`` alike. The noise is not
    known, so that models infer it.

    Args:
        name: Name of the quantity, e.g. ``"valid_error"``.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name)

    def fetch(
        self, trial_index: int, trial_metadata: Mapping[str, Any]
    ) -> tuple[int, float | tuple[float, float]]:
        """The value of a trial, as its only step 0.

        Raises:
            UnknownNameError: The benchmark has no quantity of this name.
        """
        values = trial_metadata["values"]
        if self.name not in values:
            raise UnknownNameError("quantity", self.name, values)
        return 0, float(values[self.name])
