"""The values of an experiment's arms as Ax stores them, and the arms that failed."""

from __future__ import annotations

import json
import math
import operator
import warnings
import weakref
from collections.abc import Container, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from ax.core.arm import Arm
from ax.core.batch_trial import BatchTrial
from ax.core.data import Data, DataRow
from ax.core.experiment import Experiment
from ax.core.observation import ObservationFeatures
from ax.core.trial_status import TrialStatus

from ax_anasod._ax import data_rows
from ax_anasod.exceptions import AnasodWarning, ObservationError, ObservationWarning
from ax_anasod.typing import Values

# What sums and means of equal numbers may differ by, in any order.
_ROUNDING: Final = 1e-13
# What experiments have been warned of: Ax compares experiments by all their attributes.
_SAID: Final[dict[int, set[str]]] = {}

Key = tuple[int, str]
"""A trial's index and the name of one of its arms."""


class ArmMeans:
    """The mean of each metric of each arm; of a learning curve, that of its last step."""

    def __init__(self) -> None:
        self._seen: list[DataRow] = []
        # (step, mean), by arm and metric.
        self._last: dict[tuple[Key, str], tuple[float, float]] = {}
        self._infinite: dict[tuple[Key, str], float] = {}

    def get(self, key: Key, metric: str) -> float:
        """The mean, NaN where there is none."""
        return self._last.get((key, metric), (math.inf, math.nan))[1]

    def update(self, data: Data) -> set[Key] | None:
        """Read what is new; the arms that it is of, or None where all was read again."""
        rows = data_rows(data)
        again = not begins_with(rows, self._seen)
        if again:
            self.__init__()  # type: ignore[misc]
        changed = set()
        for row in rows[len(self._seen) :]:
            key = ((row.trial_index, row.arm_name), row.metric_signature)
            step = math.inf if row.step is None or math.isnan(row.step) else row.step
            last = self._last.get(key, (-math.inf, math.nan))[0]
            # As in Ax's Data.df.
            if step > last or (step == last and not data.has_step_column):
                self._last[key] = (step, row.mean)
                self._infinite.pop(key, None)
                if not math.isfinite(row.mean):
                    self._infinite[key] = row.mean
                changed.add(key[0])
        self._seen = list(rows)
        return None if again else changed

    def infinite(self, metrics: Container[str]) -> dict[Key, tuple[str, float]]:
        """The arms of which one of these metrics is NaN or infinite -> the metric and its value."""
        return {
            key: (metric, mean)
            for (key, metric), mean in sorted(self._infinite.items())
            if metric in metrics
        }


def begins_with(items: Sequence[object], first: Sequence[object]) -> bool:
    """Return True if the first items are these objects."""
    return len(items) >= len(first) and all(map(operator.is_, items, first))


def unusable_values(
    experiment: Experiment, objectives: Container[str]
) -> dict[Key, tuple[str, float]]:
    """The arms that have ended with an objective that is NaN or infinite.

    Args:
        experiment: The experiment.
        objectives: Signatures of the metrics that must be finite; others may be anything.

    Returns:
        Trial and arm name -> such an objective and its value.
    """
    if all(math.isfinite(row.mean) for row in data_rows(experiment.data)):
        return {}
    means = ArmMeans()
    means.update(experiment.lookup_data())
    ended = (TrialStatus.COMPLETED, TrialStatus.EARLY_STOPPED)
    return {
        key: said
        for key, said in means.infinite(objectives).items()
        if experiment.trials[key[0]].status in ended
    }


def failed_arms(experiment: Experiment, objectives: Container[str]) -> list[tuple[int, Arm]]:
    """The arms that failed, were abandoned or have no usable value, with their trials' indices.

    Args:
        experiment: The experiment.
        objectives: As for :func:`unusable_values`.
    """
    unusable = unusable_values(experiment, objectives)
    by_status = experiment.trial_indices_by_status
    failed = by_status[TrialStatus.FAILED] | by_status[TrialStatus.ABANDONED]
    batches = {i for i, trial in experiment.trials.items() if isinstance(trial, BatchTrial)}
    return [
        (index, arm)
        for index in sorted(failed | batches | {index for index, _ in unusable})
        for arm in experiment.trials[index].arms
        if index in failed
        or (index, arm.name) in unusable
        or arm in experiment.trials[index].abandoned_arms
    ]


def told_before_failure(
    experiment: Experiment, failures: Sequence[tuple[int, Arm]], metrics: Container[str]
) -> dict[tuple[Key, str], float]:
    """The values of arms before they failed: (trial, arm), metric -> value.

    An arm with all of its values is left out: it was marked failed after its evaluation.

    Args:
        experiment: The experiment.
        failures: The arms, as :func:`failed_arms` gives them.
        metrics: Signatures of the objectives and limits.
    """
    keys = {(index, arm.name) for index, arm in failures}
    told: dict[Key, dict[str, float]] = {}
    for row in data_rows(experiment.data):
        key = (row.trial_index, row.arm_name)
        if key in keys and row.metric_signature in metrics and math.isfinite(row.mean):
            told.setdefault(key, {})[row.metric_signature] = row.mean
    searched = {metric for metric in experiment.signature_to_metric if metric in metrics}
    return {
        (key, metric): value
        for key, values in told.items()
        if values.keys() != searched
        for metric, value in values.items()
    }


def fail_unusable_trials(experiment: Experiment) -> None:
    """Mark trials that ended with a NaN or infinite objective or limit as failed, with a warning.

    Ax's own search for the best trial stumbles over such trials, too.

    Args:
        experiment: The experiment.
    """
    config = experiment.optimization_config
    searched = set() if config is None else config.metric_signatures
    for (index, name), (metric, value) in unusable_values(experiment, searched).items():
        trial, reason = experiment.trials[index], f"{metric} is {value}"
        if isinstance(trial, BatchTrial):
            trial.mark_arm_abandoned(name, reason)
        else:
            trial.mark_failed(reason, unsafe=True)
        warnings.warn(f"trial {index} counts as failed: {reason}", ObservationWarning, stacklevel=2)


def warn_once(experiment: Experiment, text: str, category: type[AnasodWarning]) -> None:
    """Issue a warning once per experiment and text, whatever the warning filters are."""
    key = id(experiment)
    if key not in _SAID:
        _SAID[key] = set()
        weakref.finalize(experiment, _SAID.pop, key, None)
    if text not in _SAID[key]:
        _SAID[key].add(text)
        warnings.warn(text, category, stacklevel=3)


def unusable_value(trial_index: int, metric: str, value: float, allowed: str) -> ObservationError:
    """The error for a value that no strategy can use, and how to repair it."""
    return ObservationError(
        f"trial {trial_index}: {metric} = {value} cannot be used; values must be {allowed}",
        "attach the right value (Client.attach_data, AxClient.update_trial_data), or mark the "
        f"trial as failed (experiment.trials[{trial_index}].mark_failed(unsafe=True))",
    )


def as_stored(values: Values) -> Values:
    """The values that would come back if these were saved and loaded by Ax.

    Ax writes observations with ten decimals, in JSON and in SQL, so that a strategy that
    saw more of them before a run was saved than after it would continue differently.
    Applying this twice, or to values that were saved and loaded, changes nothing.

    Args:
        values: Values of any shape.

    Returns:
        As many; NaN in place of what is not finite.

    Example:
        >>> as_stored(np.array([5.62345678912345, 1 / 3])).tolist()
        [5.6234567891, 0.3333333333]
    """
    # The same writer as Ax's, since two ways to round to ten decimals disagree on ties.
    exact = np.asarray(values, dtype=np.float64)
    written = pd.Series(exact.ravel()).to_json(orient="split")
    read = np.array(json.loads(written)["data"], dtype=np.float64).reshape(exact.shape)
    # Below 1e-15 the writer changes to ten digits, and the reader of Ax is not exact there.
    return np.where(np.abs(read) < 1e-15, 0.0, read)


def merges(values: Values, stored: Values) -> bool:
    """Return True if some of ``n`` values differ, beyond rounding errors, but are stored as equal.

    Values that equal their stored form are ignored: they may have been loaded from a file.

    Args:
        values: The values.
        stored: The values after :func:`as_stored`.

    Example:
        >>> third = 1 / 3
        >>> tiny = np.array([third, third + 1e-11, third + 1e-16, as_stored([third])[0]])
        >>> merges(tiny, as_stored(tiny)), merges(tiny[::2], as_stored(tiny[::2]))
        (True, False)
        >>> merges(tiny[::3], as_stored(tiny[::3]))
        False
    """
    own = np.isfinite(stored) & (np.abs(values - stored) > _ROUNDING * np.abs(values))
    values, stored = values[own], stored[own]
    order = np.lexsort((values, stored))
    values, stored = values[order], stored[order]
    differ = np.diff(values) > _ROUNDING * np.abs(values[1:])
    return bool((differ & (np.diff(stored) == 0)).any())


def proposed_before(
    pending: dict[str, list[ObservationFeatures]] | None,
) -> list[dict[str, Any]]:
    """The parameters that were proposed in the same call before, and are no trials yet.

    Args:
        pending: Ax's pending observations.
    """
    lists: Sequence[list[ObservationFeatures]] = list((pending or {}).values())
    longest = max(lists, key=len, default=[])
    return [dict(f.parameters) for f in longest if f.trial_index is None]
