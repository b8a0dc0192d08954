"""Quantities that are computed from an architecture, and so need neither a trial nor a model."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import numpy.typing as npt
import pandas as pd
from ax.core.base_trial import BaseTrial
from ax.core.data import Data
from ax.core.metric import Metric, MetricFetchE, MetricFetchResult
from ax.utils.common.result import Err, Ok

from ax_anasod.cells import from_dict
from ax_anasod.core.architectures import codes_of
from ax_anasod.core.search_experiment import RunProperties
from ax_anasod.exceptions import AnasodError, OptionError


class KnownMetric(Metric):
    """A quantity of an architecture that is known before its trial.

    As an objective or under a limit it is used exactly where a model would be: the strategies
    that search fronts or obey limits never fit it, and no value of it need be reported.
    Subclasses implement :meth:`values`; what they store of themselves is what Ax stores of any
    metric, the arguments of the constructor under the names of attributes.
    """

    @abstractmethod
    def values(self, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The values of architectures.

        Args:
            codes: ``n x d`` codes of the cell.

        Returns:
            ``n`` finite values.
        """

    def checked_values(self, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """As :meth:`values`.

        Raises:
            OptionError: They are not one finite number for each architecture.
        """
        values = np.asarray(self.values(codes), dtype=np.float64)
        if values.shape != (len(codes),) or not np.isfinite(values).all():
            raise OptionError(
                f"the known quantity {self.name!r} must have one finite number for each of "
                f"{len(codes)} architectures, got shape {values.shape}, "
                f"{np.count_nonzero(np.isfinite(values))} of them finite"
            )
        return values

    def fetch_trial_data(self, trial: BaseTrial, **kwargs: object) -> MetricFetchResult:
        """The values of the arms of a trial, without a standard error of their own.

        Returns:
            Ax's result: an error where the cell of the experiment or an architecture is
            unknown.
        """
        properties = RunProperties.read(trial.experiment)
        try:
            if properties is None:
                raise OptionError(
                    f"{self.name}: the experiment does not say which cell it searches"
                )
            cell = from_dict(properties.cell)
            records = [
                {
                    "trial_index": trial.index,
                    "arm_name": arm.name,
                    "metric_name": self.name,
                    "metric_signature": self.signature,
                    "mean": value,
                    "sem": 0.0,
                }
                for arm in trial.arms
                for value in self.checked_values(codes_of(trial, arm, cell, properties.seed))[:1]
            ]
        except AnasodError as error:
            return Err(MetricFetchE(message=f"{self.name}: {error}", exception=error))
        return Ok(Data(df=pd.DataFrame.from_records(records)))
