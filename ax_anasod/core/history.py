"""What a strategy may know of a run: its trials, in order, as arrays."""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ax.core.arm import Arm
from ax.core.batch_trial import BatchTrial
from ax.core.experiment import Experiment
from ax.core.observation import ObservationFeatures
from ax.core.optimization_config import OptimizationConfig
from ax.core.trial_status import TrialStatus

from ax_anasod.core.coding import Coding
from ax_anasod.core.objectives import objective_signs
from ax_anasod.core.stored_values import as_stored
from ax_anasod.exceptions import AnasodWarning, ObservationWarning

# What experiments have been warned of: Ax compares experiments by all their attributes.
_SAID: Final[dict[int, set[str]]] = {}


@dataclass(frozen=True)
class History:
    """All trials of an experiment in the order of their indices, then those just proposed.

    Everything a generator needs, recomputed from the experiment at each step: no strategy
    keeps state of its own, which is what makes a resumed run the run that would have been.

    Args:
        rows: Integer rows ``n x d`` (counts or codes, see :class:`Coding`).
        values: Objective values ``n x m``, minimised (a maximised objective is negated), as
            Ax stores them; NaN where a trial has no data (yet).
        trial_indices: Index of each row's trial ``n``; -1 for rows proposed in the same call
            and not yet trials.
        failed: Whether the trial failed, was abandoned, or ended with a value that is NaN or
            infinite, ``n``.
        position: Number of trials plus rows just proposed: where the next proposal stands in
            the run; its random numbers are derived from the seed and this. Arms outside of the
            space, which Ax lets into experiments on plain search spaces, are counted here but
            are no rows.
    """

    rows: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    trial_indices: npt.NDArray[np.int64]
    failed: npt.NDArray[np.bool_]
    position: int

    @property
    def observed(self) -> npt.NDArray[np.bool_]:
        """Which rows have every objective, ``n``."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    @property
    def pending(self) -> npt.NDArray[np.bool_]:
        """Which rows are still being evaluated, ``n``.

        A completed trial without a value is among them, as in Ax: its data may come later.
        """
        return ~self.observed & ~self.failed

    def imputed(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Rows and first objective of all ended trials, in trial order.

        A failed or abandoned trial counts as the worst value seen, so that it is never
        proposed for ever; before anything was observed such trials are left out.

        Returns:
            Rows ``n' x d`` and values ``n'``.
        """
        observed, ended = self.observed, self._ended
        values = self.values[:, 0].copy()
        if observed.any():
            values[~observed] = values[observed].max()
        return self.rows[ended], values[ended]

    def since(self, num_initial: int) -> npt.NDArray[np.float64]:
        """What happened after the initial trials, for a schedule that starts with them.

        Args:
            num_initial: The initial trials end with the ``num_initial``-th that has a value;
                failures among them do not count.

        Returns:
            The best first objective of the initial trials, then the values of all ended
            trials after them, as in :meth:`imputed`; empty before anything was observed.
        """
        _, values = self.imputed()
        observed = np.cumsum(self.observed[self._ended])
        first = int(np.searchsorted(observed, num_initial)) + 1
        return np.concatenate([np.sort(values[:first])[:1], values[first:]])

    @property
    def _ended(self) -> npt.NDArray[np.bool_]:
        observed = self.observed
        return observed | self.failed if observed.any() else observed

    def incumbent(self) -> npt.NDArray[np.int64] | None:
        """The row with the best first objective; the earliest where several tie."""
        observed = np.flatnonzero(self.observed)
        if observed.size == 0:
            return None
        row: npt.NDArray[np.int64] = self.rows[observed[self.values[observed, 0].argmin()]]
        return row

    @classmethod
    def from_experiment(
        cls,
        experiment: Experiment,
        coding: Coding,
        optimization_config: OptimizationConfig | None = None,
        pending: dict[str, list[ObservationFeatures]] | None = None,
    ) -> History:
        """Read the history off an experiment.

        Args:
            experiment: The experiment.
            coding: How its parameters are integer rows.
            optimization_config: Which metrics are objectives; the experiment's by default.
            pending: Ax's pending observations, from which rows proposed in the same call
                (those without a trial) are taken.

        """
        config = optimization_config or experiment.optimization_config
        objectives = [] if config is None else objective_signs(config)
        means = _means(experiment)
        failures = {(i, arm.name) for i, arm in failed_arms(experiment, dict(objectives))}
        outside = 0
        parameters: list[dict[str, Any]] = []
        values: list[list[float]] = []
        indices: list[int] = []
        failed: list[bool] = []
        for index, trial in sorted(experiment.trials.items()):
            for arm in trial.arms:
                if not coding.contains(arm.parameters):
                    outside += 1
                    continue
                parameters.append(dict(arm.parameters))
                indices.append(index)
                failed.append((index, arm.name) in failures)
                values.append(
                    [
                        np.nan if failed[-1] else sign * means.get((index, arm.name, name), np.nan)
                        for name, sign in objectives
                    ]
                )
        proposed = proposed_before(pending)
        parameters += proposed
        values += [[np.nan] * len(objectives)] * len(proposed)
        array = np.array(values, dtype=np.float64).reshape(len(parameters), len(objectives))
        return cls(
            rows=coding.rows(parameters),
            # Two values that the storage makes equal must tie before it does, too.
            values=as_stored(array.ravel()).reshape(array.shape),
            trial_indices=np.array(indices + [-1] * len(proposed), dtype=np.int64),
            failed=np.array(failed + [False] * len(proposed), dtype=np.bool_),
            position=len(parameters) + outside,
        )


def unusable_values(
    experiment: Experiment, objectives: Container[str]
) -> dict[tuple[int, str], tuple[str, float]]:
    """The arms that have ended with an objective that is NaN or infinite.

    Args:
        experiment: The experiment.
        objectives: Signatures of the metrics that must be finite; others may be anything.

    Returns:
        (trial, arm name) -> such an objective and its value.
    """
    if all(math.isfinite(row.mean) for row in experiment.data._data_rows):
        return {}
    ended = (TrialStatus.COMPLETED, TrialStatus.EARLY_STOPPED)
    return {
        (index, arm): (metric, mean)
        for (index, arm, metric), mean in _means(experiment).items()
        if metric in objectives
        and not math.isfinite(mean)
        and experiment.trials[index].status in ended
    }


def warn_once(experiment: Experiment, text: str, category: type[AnasodWarning]) -> None:
    """Warn in the same words of the same experiment only once, whatever the filters are."""
    key = id(experiment)
    if key not in _SAID:
        _SAID[key] = set()
        weakref.finalize(experiment, _SAID.pop, key, None)
    if text not in _SAID[key]:
        _SAID[key].add(text)
        warnings.warn(text, category, stacklevel=3)


def fail_unusable_trials(experiment: Experiment) -> None:
    """Mark what has ended with a NaN or infinite objective as failed, with a warning each.

    Ax's own search for the best trial stumbles over such trials, too.

    Args:
        experiment: The experiment.
    """
    config = experiment.optimization_config
    objectives = {} if config is None else dict(objective_signs(config))
    for (index, name), (metric, value) in unusable_values(experiment, objectives).items():
        trial, reason = experiment.trials[index], f"{metric} is {value}"
        if isinstance(trial, BatchTrial):
            trial.mark_arm_abandoned(name, reason)
        else:
            trial.mark_failed(reason, unsafe=True)
        warnings.warn(f"trial {index} counts as failed: {reason}", ObservationWarning, stacklevel=2)


def failed_arms(experiment: Experiment, objectives: Container[str]) -> list[tuple[int, Arm]]:
    """The arms that failed, were abandoned or have no usable value, with their trials' indices.

    Args:
        experiment: The experiment.
        objectives: As for :func:`unusable_values`.
    """
    unusable = unusable_values(experiment, objectives)
    return [
        (index, arm)
        for index, trial in sorted(experiment.trials.items())
        for arm in trial.arms
        if trial.status.is_failed
        or trial.status.is_abandoned
        or (index, arm.name) in unusable
        or arm in trial.abandoned_arms
    ]


def _means(experiment: Experiment) -> dict[tuple[int, str, str], float]:
    df = experiment.lookup_data().df
    if df.empty:
        return {}
    columns = ("trial_index", "arm_name", "metric_signature")
    keys = zip(*(df[column].tolist() for column in columns), strict=True)
    # A curve (one row per step) is reduced to its last step, which comes last.
    return dict(zip(keys, df["mean"].tolist(), strict=True))


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
