"""Ax metrics of the values that runners record: looked up, measured by training, or the latency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
from ax.api.protocols.metric import IMetric
from ax.core.base_trial import BaseTrial
from ax.core.data import MAP_KEY, Data
from ax.core.metric import Metric, MetricFetchE, MetricFetchResult
from ax.core.trial import Trial
from ax.utils.common.result import Err, Ok

from ax_anasod.cells import Cell, as_cell
from ax_anasod.core.architectures import codes_of
from ax_anasod.core.search_experiment import ComputedMetric, RunProperties
from ax_anasod.exceptions import AnasodError, ObservationError, OptionError, UnknownNameError
from ax_anasod.networks import NetworkConfig, build_network
from ax_anasod.training import LatencyConfig, TrialState, measure_latency

RECORD: Final = "latency"
"""Key of a trial's ``run_metadata`` under which it has what was measured, and with what."""


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
            return _failed(self, error)
        rows = [{**_row(trial, self, value), MAP_KEY: epoch} for epoch, value in curve]
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


class LatencyMetric(ComputedMetric):
    """Milliseconds that the network of a trial takes on this machine.

    It is measured once for each trial, with the trial's first data, and kept with the trial:
    a search that is saved and goes on elsewhere has the values that it had. Models learn it as
    they learn other metrics.

    Args:
        name: Name of the metric.
        cell: The cell, or its ``to_dict()``, which is what Ax stores.
        config: Skeleton and sizes of the networks, or its ``to_dict()``.
        image_size: Height and width in pixels.
        measurement: How it is measured, or its ``to_dict()``; by default one image at a time, by
            torch, on one thread of the CPU.

    Raises:
        TrainingError: The device is not there.
        AnasodError: An argument is none.
    """

    def __init__(
        self,
        name: str,
        cell: Cell | Mapping[str, Any],
        config: NetworkConfig | Mapping[str, Any],
        image_size: Sequence[int] = (32, 32),
        measurement: LatencyConfig | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name=name, lower_is_better=True)
        self._cell = as_cell(cell)
        sizes = config if isinstance(config, NetworkConfig) else NetworkConfig.from_dict(config)
        how = measurement or LatencyConfig()
        self._how = how if isinstance(how, LatencyConfig) else LatencyConfig.from_dict(how)
        self._sizes = sizes
        height, width = image_size
        self._size = (height, width)
        # Ax stores the arguments under the names of the attributes.
        self.cell, self.config = self._cell.to_dict(), sizes.to_dict()
        self.image_size, self.measurement = [height, width], self._how.to_dict()

    def fetch_trial_data(self, trial: BaseTrial, **kwargs: object) -> MetricFetchResult:
        """The latency of a trial, measured if it was not yet.

        Returns:
            Ax's result; an error where the cell of the experiment is another one, or the network
            cannot be built or measured.
        """
        try:
            median = self._measured(trial)
        except AnasodError as error:
            return _failed(self, error)
        return Ok(Data(df=pd.DataFrame.from_records([_row(trial, self, median)])))

    def _measured(self, trial: BaseTrial) -> float:
        """The recorded median, or that of a measurement, which is recorded."""
        if not isinstance(trial, Trial) or trial.arm is None:
            raise ObservationError(f"trial {trial.index} is a batch of arms, which is not measured")
        records = dict(trial.run_metadata.get(RECORD, {}))
        if self.name not in records:
            properties = RunProperties.read(trial.experiment)
            if properties is None or as_cell(properties.cell) != self._cell:
                raise OptionError(
                    f"the experiment does not search the cell {self._cell.name!r}, whose networks "
                    "are measured"
                )
            codes = codes_of(trial, trial.arm, self._cell, properties.seed)
            network = build_network(self._cell, codes, self._sizes, seed=0)
            measured = measure_latency(network, self._size, self._how).to_dict()
            records[self.name] = {**measured, "image_size": list(self._size)}
            trial.update_run_metadata({RECORD: records})
        return float(records[self.name]["median"])


def _row(trial: BaseTrial, metric: Metric, mean: float) -> dict[str, Any]:
    return {
        "trial_index": trial.index,
        "arm_name": trial.arms[0].name,
        "metric_name": metric.name,
        "metric_signature": metric.signature,
        "mean": mean,
        # The noise is not known: models infer it. Of a latency, what repeats differ by is not
        # what the next day differs by.
        "sem": math.nan,
    }


def _failed(metric: Metric, error: AnasodError) -> MetricFetchResult:
    return Err(MetricFetchE(message=f"{metric.name}: {error}", exception=error))
