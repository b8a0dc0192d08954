"""Quantities that are computed from an architecture, and so need neither a trial nor a model."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable

import numpy as np
import pandas as pd
from ax.core.base_trial import BaseTrial
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.metric import MetricFetchE, MetricFetchResult
from ax.utils.common.result import Err, Ok

from ax_anasod.cells import from_dict
from ax_anasod.core.architectures import codes_of
from ax_anasod.core.bound_space import TrialKind
from ax_anasod.core.search_experiment import ComputedMetric, RunProperties
from ax_anasod.exceptions import AnasodError, OptionError
from ax_anasod.typing import Codes, Values


class KnownMetric(ComputedMetric):
    """A quantity of an architecture that is known before its trial.

    As an objective or under a limit it is used exactly where a model would be: the strategies
    that search fronts or obey limits never fit it, and no value of it need be reported.
    Subclasses implement :meth:`values`; what they store of themselves is what Ax stores of any
    metric, the arguments of the constructor under the names of attributes.
    """

    @abstractmethod
    def values(self, codes: Codes) -> Values:
        """The values of architectures.

        Args:
            codes: ``n x d`` codes of the cell.

        Returns:
            ``n`` finite values.
        """

    def checked_values(self, codes: Codes) -> Values:
        """Compute :meth:`values` and check them.

        Raises:
            OptionError: The values are not one finite number for each architecture.
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
        """The values of the arms of a trial.

        Their standard error is left open: models of Ax's own stumble over one of 0.

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
            columns = {
                arm.name: np.asarray(self.values(codes_of(trial, arm, cell, properties.seed)))
                for arm in trial.arms
            }
            if any(values.ndim > 1 for values in columns.values()):
                # A feature of several columns is no quantity that Ax could record.
                return Ok(Data())
            records = [
                {
                    "trial_index": trial.index,
                    "arm_name": arm.name,
                    "metric_name": self.name,
                    "metric_signature": self.signature,
                    "mean": value,
                    "sem": math.nan,
                }
                for arm in trial.arms
                for value in self.checked_values(codes_of(trial, arm, cell, properties.seed))[:1]
            ]
        except AnasodError as error:
            return Err(MetricFetchE(message=f"{self.name}: {error}", exception=error))
        return Ok(Data(df=pd.DataFrame.from_records(records)))


def known_metrics(
    experiment: Experiment, names: Iterable[str], kind: TrialKind
) -> dict[str, KnownMetric]:
    """The metrics that are known of the rows of a history.

    Args:
        experiment: The experiment.
        names: Signatures of the metrics that are searched.
        kind: What the rows are: an encoding does not say which architecture, so that nothing
            is known of it.
    """
    if kind == "encoding":
        return {}
    metrics = {name: experiment.signature_to_metric.get(name) for name in names}
    return {name: metric for name, metric in metrics.items() if isinstance(metric, KnownMetric)}
