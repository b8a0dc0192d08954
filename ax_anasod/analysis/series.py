"""The course of a search as arrays: what every card and every picture is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from ax.core.base_trial import BaseTrial
from ax.core.experiment import Experiment
from botorch.utils.multi_objective.pareto import is_non_dominated

from ax_anasod._ax import experiment_of, origin_of
from ax_anasod.cells import Cell
from ax_anasod.core import TrialKind
from ax_anasod.core.architectures import space_of_run
from ax_anasod.core.ax_objectives import objective_signs
from ax_anasod.core.history_reader import HistoryReader
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.fronts import usual_reference
from ax_anasod.objectives import Objective
from ax_anasod.picking import parse_pick
from ax_anasod.typing import Counts, FloatArray, Fractions, Indices, Mask, Values

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class SearchSeries:
    """All trials of a search, one row each, in the order of their indices.

    Args:
        cell: The cell searched.
        space: What a trial's parameters are, ``"encoding"`` or ``"architecture"``.
        objectives: Names of the m objectives.
        minimize: Whether lower is better, for each objective.
        trial_indices: ``n`` indices that Ax gave the trials.
        values: ``n x m`` objective values as they were reported; NaN where a trial has none
            (yet), or failed or was abandoned.
        failed: ``n``, whether the trial failed or was abandoned.
        feasible: ``n``, whether every limit is known to be kept. Limits that are relative, or on
            sums of metrics, which only random strategies take, are not judged.
        thresholds: The worst value of each objective that counts; NaN where there is no limit.
        counts: ``n x k`` operation counts: the encoding proposed, or that of the
            architecture proposed.
        statuses: ``n`` Ax statuses in lower case, e.g. ``"completed"``.
        nodes: ``n`` names of the generation nodes that proposed the trials; ``"attached"``
            where a user added the trial.
        parameters: ``n`` parameterizations.
    """

    cell: Cell
    space: TrialKind
    objectives: tuple[str, ...]
    minimize: tuple[bool, ...]
    trial_indices: Indices
    values: Values
    failed: Mask
    feasible: Mask
    thresholds: tuple[float, ...]
    counts: Counts
    statuses: tuple[str, ...]
    nodes: tuple[str, ...]
    parameters: tuple[dict[str, object], ...]

    @classmethod
    def from_experiment(cls, client: object) -> SearchSeries:
        """Read the series off an experiment.

        Args:
            client: Ax's ``Experiment``, or the client that holds it.

        Raises:
            OptionError: The experiment does not say which cell it searches, or what for.
        """
        experiment, space = experiment_of(client), space_of_run(client)
        cell = space.cell
        objectives = signed_objectives(experiment)
        search_space = type(space).from_cell(cell)
        history = HistoryReader(search_space).read(
            experiment, with_limits=_limits_single_metrics(experiment)
        )
        signs = np.array(list(objectives.values()))
        thresholds = np.array(history.thresholds or [np.inf] * len(signs))
        trials = [
            (trial, arm)
            for _, trial in sorted(experiment.trials.items())
            for arm in trial.arms
            if search_space.contains(arm.parameters)
        ]
        return cls(
            cell=cell,
            space=space.kind,
            objectives=tuple(objectives),
            minimize=tuple((signs > 0).tolist()),
            trial_indices=history.trial_indices,
            values=history.values * signs,
            failed=history.failed,
            feasible=history.feasible & (history.values <= thresholds).all(axis=1),
            thresholds=tuple(np.where(np.isinf(thresholds), np.nan, signs * thresholds).tolist()),
            counts=history.rows if space.kind == "encoding" else cell.encode(history.rows),
            statuses=tuple(trial.status.name.lower() for trial, _ in trials),
            nodes=tuple(_node(trial) for trial, _ in trials),
            parameters=tuple(dict(arm.parameters) for _, arm in trials),
        )

    @property
    def num_trials(self) -> int:
        """Number of rows n."""
        return len(self.trial_indices)

    @property
    def observed(self) -> Mask:
        """Mask ``n`` of the rows that have every objective."""
        return np.asarray(~np.isnan(self.values).any(axis=1))

    @property
    def shares(self) -> Fractions:
        """The operation distributions, ``n x k`` fractions of the operation blocks."""
        shares: Fractions = self.counts / self.counts.sum(axis=1, keepdims=True)
        return shares

    @property
    def positions(self) -> Indices:
        """The places of the rows on a time axis, ``n``.

        At their trial index where it is theirs alone, otherwise (batch trials) one after
        another.
        """
        unique = len(np.unique(self.trial_indices)) == self.num_trials
        return self.trial_indices if unique else np.arange(self.num_trials)

    def column(self, objective: str | None = None) -> int:
        """The column of an objective; the first where None is named.

        Raises:
            UnknownNameError: There is no such objective.
        """
        if objective is None:
            return 0
        if objective not in self.objectives:
            raise UnknownNameError("objective", objective, self.objectives)
        return self.objectives.index(objective)

    def costs(self, objective: str | None = None) -> FloatArray:
        """One objective with the sign that makes it minimised; NaN unless feasible, ``n``."""
        column = self.column(objective)
        sign = 1.0 if self.minimize[column] else -1.0
        return np.where(self.feasible, sign * self.values[:, column], np.nan)

    def incumbent(self, objective: str | None = None) -> FloatArray:
        """The best value so far of one objective, ``n``; NaN before a trial keeps the limits."""
        running = np.fmin.accumulate(self.costs(objective))
        return running if self.minimize[self.column(objective)] else -running

    def best(self, objective: str | None = None) -> int | None:
        """The row with the best value of an objective, None where no trial keeps the limits.

        Where several tie, the other objectives decide in their order, and then the time.
        """
        first = self.objectives[self.column(objective)]
        names = [first, *(name for name in self.objectives if name != first)]
        costs = np.array([self.costs(name) for name in names])
        best = int(np.lexsort(costs[::-1])[0]) if self.num_trials else None
        return None if best is None or np.isnan(costs[0, best]) else best

    def encoding_text(self, row: int) -> str:
        """The encoding of a row for people, e.g. ``"2 gcn, 1 gat"``; zeros are left out."""
        counts = zip(self.cell.operations, self.counts[row].tolist(), strict=True)
        return ", ".join(f"{count} {operation}" for operation, count in counts if count)

    def pareto_front(self, objectives: Sequence[str] | None = None) -> Indices:
        """Rows that no other row beats in all objectives, by the value of the first one.

        Only rows that keep the limits are taken, and of rows with equal values the earliest.
        With one objective this is the best row.

        Args:
            objectives: Some of the objectives; all where None are named.
        """
        rows = np.flatnonzero(self.feasible)
        columns = [self.column(name) for name in objectives or self.objectives]
        signs = np.where(self.minimize, -1.0, 1.0)
        points = (self.values * signs)[rows][:, columns]
        front = rows[is_non_dominated(torch.as_tensor(points)).numpy()]
        first = self.values[front, columns[0]]
        ordered: Indices = front[np.argsort(first, kind="stable")]
        return ordered


def best_trial(client: object, pick: str = "") -> int | None:
    """The index of the best trial that keeps the limits, or of a point of the front.

    Where no trial keeps them, ``Client.get_best_parameterization`` raises an AssertionError.

    Args:
        client: Ax's ``Client``, ``AxClient``, ``Orchestrator`` or ``Experiment``.
        pick: Of several objectives, the rule: ``"knee"``, a limit on one of them such as
            ``"latency<=5"``, or weights such as ``"error=1,latency=0.2"`` in their own units
            (:func:`ax_anasod.picking.parse_pick`). By default the best first objective.

    Returns:
        None where no trial keeps the limits, or none of the front is what the rule asks for.

    Raises:
        OptionError: There is no such rule, or one objective and so no front; or the client has no
            experiment of this package.
        UnknownNameError: The rule names no objective.
    """
    series = SearchSeries.from_experiment(client)
    objectives = [
        Objective(name, "", minimize=lower)
        for name, lower in zip(series.objectives, series.minimize, strict=True)
    ]
    rule, rows = parse_pick(pick, objectives), series.pareto_front()
    points = series.values[rows]
    front = [dict(zip(series.objectives, point, strict=True)) for point in points.tolist()]
    reference = None
    if len(objectives) > 1 and len(front):
        signs = np.where(series.minimize, 1.0, -1.0)
        bounds = np.nan_to_num(signs * series.thresholds, nan=np.inf)
        worst = signs * usual_reference(signs * series.values[series.feasible], bounds.tolist())
        reference = dict(zip(series.objectives, worst.tolist(), strict=True))
    chosen = rule.choose(front, reference)
    return None if chosen is None else int(series.trial_indices[rows[chosen]])


def signed_objectives(experiment: Experiment) -> dict[str, float]:
    """The names of the objectives, each with the sign that makes it minimised.

    Raises:
        OptionError: The experiment has none.
    """
    config = experiment.optimization_config
    if config is None:
        raise OptionError(
            f"{_called(experiment)} has no objective",
            "set one with Client.configure_optimization",
        )
    metrics = experiment.signature_to_metric
    return {metrics[signature].name: sign for signature, sign in objective_signs(config)}


def by_objective(
    value: Mapping[str, Value] | Value, objectives: Sequence[str]
) -> Mapping[str, Value]:
    """Map objectives to values: a mapping stays, a single value belongs to the first objective.

    Example:
        >>> by_objective("percent", ["error", "latency"])
        {'error': 'percent'}
    """
    return value if isinstance(value, Mapping) else dict.fromkeys(objectives[:1], value)


def _limits_single_metrics(experiment: Experiment) -> bool:
    config = experiment.optimization_config
    constraints = [] if config is None else config.all_constraints
    return not any(limit.relative or len(limit.metric_names) > 1 for limit in constraints)


def _node(trial: BaseTrial) -> str:
    for run in trial.generator_runs:
        if node := origin_of(run)[0]:
            return node
    return "attached"


def _called(experiment: Experiment) -> str:
    return f"experiment {experiment.name!r}" if experiment.has_name else "the experiment"
