"""The reader of a run's history from its Ax experiment, which keeps it between trials."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from ax.core.base_trial import BaseTrial
from ax.core.experiment import Experiment
from ax.core.observation import ObservationFeatures
from ax.core.optimization_config import OptimizationConfig
from ax.core.trial import Trial

from ax_anasod.core.ax_objectives import all_limits, limits_of, objective_signs
from ax_anasod.core.bound_space import CellBoundSearchSpace
from ax_anasod.core.history import History
from ax_anasod.core.known import known_metrics
from ax_anasod.core.means import (
    ArmMeans,
    Key,
    as_stored,
    begins_with,
    failed_arms,
    merges,
    proposed_before,
    warn_once,
)
from ax_anasod.exceptions import ObservationWarning
from ax_anasod.objectives import Limit
from ax_anasod.typing import Indices, Settings, Values


def read_history(experiment: Experiment, search_space: CellBoundSearchSpace) -> History:
    """The history of an experiment, read once; see :class:`HistoryReader`."""
    return HistoryReader(search_space).read(experiment)


class HistoryReader:
    """Reads the history of an experiment again and again, each time only what is new in it.

    It returns what a reader that has read nothing before would, whatever happened meanwhile:
    trials that were added, ended or failed, values that came late or were replaced.

    Args:
        search_space: How the parameters of trials are integer rows; that of the experiment may
            be a plain one.
    """

    def __init__(self, search_space: CellBoundSearchSpace) -> None:
        self._space = search_space
        self._means = ArmMeans()
        self._forget()

    def read(
        self,
        experiment: Experiment,
        optimization_config: OptimizationConfig | None = None,
        pending: dict[str, list[ObservationFeatures]] | None = None,
        *,
        with_values: bool = True,
        with_limits: bool = False,
    ) -> History:
        """Read the history.

        Args:
            experiment: The experiment.
            optimization_config: Which metrics are objectives; the experiment's by default.
            pending: Ax's pending observations, from which rows proposed in the same call
                (those without a trial) are taken.
            with_values: Whether values are read; without them there are no objectives.
            with_limits: Whether limits and thresholds are read; without values, only limits on
                known quantities, those that are objectives among them.
        """
        config = optimization_config or experiment.optimization_config
        objectives = [] if config is None or not with_values else objective_signs(config)
        limits: list[Limit] = []
        thresholds: list[float] = []
        if config is not None and with_values and with_limits:
            limits, thresholds = limits_of(config)
        elif config is not None and with_limits:
            limits = self._known_limits(experiment, config)
        read = objectives + [(limit.name, limit.sign) for limit in limits]
        others = self._keep_settled(experiment)
        values = self._read_values(experiment, read)
        values = np.concatenate([values, as_stored(self._values_of(others.keys, read))])
        known = known_metrics(experiment, [name for name, _ in read], self._space.kind)
        for column, (name, sign) in enumerate(read):
            if name in known:
                rows = np.concatenate([self._rows, others.rows])
                values[:, column] = sign * known[name].checked_values(rows)
        failures = {(i, arm.name) for i, arm in failed_arms(experiment, dict(read))}
        failed = np.zeros(len(values), dtype=np.bool_)
        if failures:
            failed[:] = [key in failures for key in (*self._keys, *others.keys)]
        # What was known before a failure stays; all values together are those of no failure.
        values[failed & np.isfinite(values).all(axis=1)] = np.nan
        before = proposed_before(pending)
        proposed, new = self._space.rows(before), len(before)
        values = np.concatenate([values, np.full((new, len(read)), np.nan)])
        return History(
            rows=np.concatenate([self._rows, others.rows, proposed]),
            values=values[:, : len(objectives)],
            trial_indices=np.concatenate([self._indices, others.indices, np.full(new, -1)]),
            failed=np.concatenate([failed, np.zeros(new, dtype=np.bool_)]),
            position=len(failed) + self._outside + others.outside + new,
            objectives=tuple(objectives),
            thresholds=tuple(thresholds),
            limits=tuple(limits),
            limit_values=tuple(values[:, len(objectives) :].T),
            known=known,
            settings=np.concatenate(
                [self._settings, others.settings, self._space.settings(before)]
            ),
        )

    def _known_limits(self, experiment: Experiment, config: OptimizationConfig) -> list[Limit]:
        """The limits on known quantities; what draws obeys nothing else."""
        limits = all_limits(config)
        known = known_metrics(experiment, [limit.name for limit in limits], self._space.kind)
        return [limit for limit in limits if limit.name in known]

    def _forget(self) -> None:
        # Of the leading trials whose arms cannot change any more.
        self._trials: list[BaseTrial] = []
        self._keys: list[Key] = []
        self._row_of: dict[Key, int] = {}
        self._rows = np.empty((0, len(self._space.names)), dtype=np.int64)
        self._settings = np.empty((0, len(self._space.hyperparameters.columns)))
        self._indices = np.empty(0, dtype=np.int64)
        self._outside = 0
        self._exact = np.empty((0, 0))
        self._values = np.empty((0, 0))
        self._objectives: list[tuple[str, float]] = []

    def _keep_settled(self, experiment: Experiment) -> _Arms:
        """Keep the arms of the leading trials that cannot change; return those of the others."""
        trials = [trial for _, trial in sorted(experiment.trials.items())]
        if not begins_with(trials, self._trials):
            self._forget()
        new = trials[len(self._trials) :]
        settled = list(takewhile(_is_settled, new))
        if settled:
            arms = self._arms_of(settled)
            first = len(self._keys)
            self._trials = self._trials + settled
            self._row_of.update((key, first + i) for i, key in enumerate(arms.keys))
            self._keys.extend(arms.keys)
            self._rows = np.concatenate([self._rows, arms.rows])
            self._settings = np.concatenate([self._settings, arms.settings])
            self._indices = np.concatenate([self._indices, arms.indices])
            self._outside += arms.outside
        return self._arms_of(new[len(settled) :])

    def _arms_of(self, trials: list[BaseTrial]) -> _Arms:
        arms = [(trial.index, arm) for trial in trials for arm in trial.arms]
        inside = [(index, arm) for index, arm in arms if self._space.contains(arm.parameters)]
        return _Arms(
            keys=[(index, arm.name) for index, arm in inside],
            rows=self._space.rows([arm.parameters for _, arm in inside]),
            settings=self._space.settings([arm.parameters for _, arm in inside]),
            indices=np.array([index for index, _ in inside], dtype=np.int64),
            outside=len(arms) - len(inside),
        )

    def _read_values(self, experiment: Experiment, objectives: list[tuple[str, float]]) -> Values:
        """The values of the arms that are kept, ``n x m``."""
        changed = self._means.update(experiment.lookup_data()) if objectives else set()
        if changed is None or objectives != self._objectives:
            self._objectives, self._values = objectives, np.empty((0, len(objectives)))
            self._exact, changed = self._values, set()
        known = len(self._values)
        rows = [self._row_of[key] for key in changed if self._row_of.get(key, known) < known]
        keys = [self._keys[row] for row in rows] + self._keys[known:]
        exact = self._values_of(keys, objectives)
        # Two values that the storage makes equal must tie before it does, too.
        values = as_stored(exact)
        self._exact[rows], self._values[rows] = exact[: len(rows)], values[: len(rows)]
        self._exact = np.concatenate([self._exact, exact[len(rows) :]])
        self._values = np.concatenate([self._values, values[len(rows) :]])
        for column, (name, _) in enumerate(objectives) if keys else ():
            if merges(self._exact[:, column], self._values[:, column]):
                warn_once(
                    experiment,
                    f"values of {name} that differ by less than 1e-10 are equal to a strategy, "
                    "since Ax stores ten decimals: report it in a smaller unit",
                    ObservationWarning,
                )
        return self._values

    def _values_of(self, keys: list[Key], objectives: list[tuple[str, float]]) -> Values:
        """The values of arms, ``n x m``; NaN where there is none."""
        exact = np.empty((len(keys), len(objectives)))
        for column, (name, sign) in enumerate(objectives):
            exact[:, column] = [sign * self._means.get(key, name) for key in keys]
        return exact


@dataclass(frozen=True)
class _Arms:
    """Arms of a few trials."""

    keys: list[Key]
    rows: Indices
    settings: Settings
    indices: Indices
    outside: int


def _is_settled(trial: BaseTrial) -> bool:
    """Return True if a trial's arm cannot change any more; a batch may abandon some arms."""
    return isinstance(trial, Trial) and trial.arm is not None and not trial.status.is_candidate
