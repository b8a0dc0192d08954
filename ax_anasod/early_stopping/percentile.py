"""Ax's early stopping for encodings that are tried more than once."""

from __future__ import annotations

from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.early_stopping.strategies import PercentileEarlyStoppingStrategy

from ax_anasod.settings import ProperPercentage, check_value


class RepeatablePercentileEarlyStoppingStrategy(PercentileEarlyStoppingStrategy):
    """Ax's ``PercentileEarlyStoppingStrategy``, which also works once an encoding is repeated.

    Repeats of an encoding are wanted, and Ax gives all its trials one arm name. Its own strategy
    then finds one arm in several trials, logs a warning, and stops no trial any more. This one
    compares trials, as Ax's does, but ignores the names of their arms.

    The arguments are those of Ax's class.
    """

    def _lookup_and_validate_data(
        self, experiment: Experiment, metric_signatures: list[str]
    ) -> Data | None:
        data = super()._lookup_and_validate_data(experiment, metric_signatures)
        if data is None:
            return None
        df = data.full_df.copy()
        df["arm_name"] = df["trial_index"].astype(str) + "_0"
        return Data(df=df)


def stop_worst(
    percent: float, min_progression: float = 1, min_curves: int = 5
) -> RepeatablePercentileEarlyStoppingStrategy:
    """The strategy that stops the worst trials after any of their steps.

    Args:
        percent: A trial that is among this share of the worst at a step is stopped.
        min_progression: Steps that every trial has.
        min_curves: The number of other trials with a curve before any trial is stopped.

    Raises:
        OptionError: ``percent`` is not between 0 and 100.
    """
    percent = check_value("early_stopping", percent, ProperPercentage)
    return RepeatablePercentileEarlyStoppingStrategy(
        percentile_threshold=percent, min_progression=min_progression, min_curves=min_curves
    )
