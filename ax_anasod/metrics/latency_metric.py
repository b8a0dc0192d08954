"""The latency of the user's device, as an Ax metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from ax.core.base_trial import BaseTrial
from ax.core.data import Data
from ax.core.metric import MetricFetchE, MetricFetchResult
from ax.core.trial import Trial
from ax.utils.common.result import Err, Ok

from ax_anasod.cells import Cell
from ax_anasod.cells import from_dict as cell_from_dict
from ax_anasod.core.architectures import codes_of
from ax_anasod.core.search_experiment import ComputedMetric, RunProperties
from ax_anasod.exceptions import AnasodError, ObservationError, OptionError
from ax_anasod.networks import NetworkConfig, build_network
from ax_anasod.training import LatencyConfig, measure_latency

RECORD: Final = "latency"
"""Key of a trial's ``run_metadata`` under which it has what was measured, and with what."""


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
        self._cell = cell if isinstance(cell, Cell) else cell_from_dict(dict(cell))
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
            return Err(MetricFetchE(message=f"{self.name}: {error}", exception=error))
        row = {
            "trial_index": trial.index,
            "arm_name": trial.arms[0].name,
            "metric_name": self.name,
            "metric_signature": self.signature,
            "mean": median,
            # Not the spread of the repeats, which is not that between days: models infer the noise.
            "sem": math.nan,
        }
        return Ok(Data(df=pd.DataFrame.from_records([row])))

    def _measured(self, trial: BaseTrial) -> float:
        """The recorded median, or that of a measurement, which is recorded."""
        if not isinstance(trial, Trial) or trial.arm is None:
            raise ObservationError(f"trial {trial.index} is a batch of arms, which is not measured")
        records = dict(trial.run_metadata.get(RECORD, {}))
        if self.name not in records:
            properties = RunProperties.read(trial.experiment)
            if properties is None or cell_from_dict(properties.cell) != self._cell:
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
