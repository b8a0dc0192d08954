"""The results of a run, computed from its configuration and its trials alone."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from ax_anasod.escaping import for_csv
from ax_anasod.journal import Completed, Failed, Record, Stopped
from ax_anasod.metadata import BETA, column_names, count_names, feature_summary
from ax_anasod.objectives import Objective, keeps_all, point_of
from ax_anasod.runs.run_config import RunConfig

if TYPE_CHECKING:
    from ax_anasod.picking import Pick


@dataclass(frozen=True)
class Results:
    """The ended trials of a run, in order.

    Args:
        config: The configuration of the run.
        records: Its trials; those still being evaluated are left out.
        out: Its folder, None where nothing is written.
        rule: Rule that picks a point of the front, see :func:`ax_anasod.picking.parse_pick`; None
            for what the configuration says.

    Raises:
        OptionError: The rule is none, or there is one objective and so no front.
        UnknownNameError: The rule names no quantity of the run.
    """

    config: RunConfig
    records: Sequence[Record]
    out: Path | None = None
    rule: str | None = None

    def __post_init__(self) -> None:
        if self.rule is not None:
            self._parse(self.rule)  # refuses

    @property
    def ends(self) -> list[Completed | Failed]:
        """The end of each trial."""
        return [record.end for record in self.records if record.end is not None]

    @property
    def objective(self) -> Objective:
        """The first objective, by which the incumbent is chosen."""
        return self.config.objectives[0]

    @property
    def incumbents(self) -> list[Completed | None]:
        """The best trial so far after each trial.

        Where several tie in the first objective, the others decide in their order; where they
        tie in all of them, the earliest is the best. What breaks a limit is no incumbent.
        """
        best: Completed | None = None
        incumbents = []
        for end in self.ends:
            if self._counts(end):
                is_better = best is None or self._point(end) < self._point(best)
                best = end if is_better else best
            incumbents.append(best)
        return incumbents

    @property
    def ranking(self) -> list[Completed]:
        """The trials that keep the limits, by the first objective, and then by the others."""
        kept = [end for end in self.ends if self._counts(end)]
        return sorted(kept, key=lambda end: (*self._point(end), end.trial))

    @property
    def best(self) -> Completed | None:
        """The best trial by the first objective."""
        incumbents = self.incumbents
        return incumbents[-1] if incumbents else None

    @property
    def pick(self) -> Pick | None:
        """The rule that picks a point of the front; None with a single objective."""
        if len(self.config.objectives) == 1:
            return None
        return self._parse(self.config.pick if self.rule is None else self.rule)

    def _parse(self, rule: str) -> Pick:
        # Loaded here: what is shown of a single objective needs no NumPy.
        from ax_anasod.picking import parse_pick

        return parse_pick(rule, self.config.objectives, self.config.reported)

    @property
    def picked(self) -> Completed | None:
        """The trial that is picked: of the front, or the best one with a single objective.

        None where no trial keeps the limits, or none of the front what the rule asks for.
        """
        pick = self.pick
        if pick is None:
            return self.best
        front = self.pareto_front
        chosen = pick.choose([end.values for end in front], self.reference_point)
        return None if chosen is None else front[chosen]

    @property
    def stop_reason(self) -> str | None:
        """The reason why the run ended before its last trial; None if it did not."""
        if len(self.ends) >= self.config.trials:
            return None
        return self.config.stop_reason(self.records)

    @property
    def features(self) -> dict[str, dict[str, Any]] | None:
        """The weight of each feature, see :func:`ax_anasod.metadata.feature_summary`."""
        observed = sum(isinstance(end, Completed) for end in self.ends)
        summary = feature_summary([record.start.metadata for record in self.records], observed)
        config = self.config
        names = {q.metric: q.name for q in (*config.objectives, *config.reported)}
        names |= {proxy.metric: proxy.name for proxy in config.proxies}
        return summary and {names.get(name, name): carried for name, carried in summary.items()}

    @property
    def costs(self) -> list[float] | None:
        """The cost after each trial, screening included, in evaluations of one trial.

        None where nothing was screened.
        """
        screen = self.config.screen
        if screen is None:
            return None
        return [screen.spent + number for number in range(1, len(self.ends) + 1)]

    @property
    def seconds(self) -> float:
        """Wall time of the search over all its processes, in seconds."""
        return sum(end.seconds for end in self.ends)

    @property
    def pareto_front(self) -> list[Completed]:
        """The trials that no other beats in all objectives, by the first objective.

        Of trials with equal values the earliest is taken; none that breaks a limit.
        """
        front: list[Completed] = []
        for end in self.ranking:
            # A point that dominates or equals another one comes before it in this order.
            if not any(_covers(self._point(other), self._point(end)) for other in front):
                front.append(end)
        return front

    @property
    def reference_point(self) -> dict[str, float] | None:
        """Before which point the hypervolume is measured, a value for each objective.

        That of what was found in the end (:func:`ax_anasod.fronts.reference_point`): a limit on
        an objective is its threshold, and the fences are those of the trials that keep the
        limits. None with a single objective, and where no trial keeps the limits.
        """
        objectives = self.config.objectives
        counted = [end for end in self.ends if self._counts(end)]
        if len(objectives) == 1 or not counted:
            return None
        import numpy as np

        from ax_anasod.fronts import usual_reference

        points = np.array([self._point(end) for end in counted])
        bounds = {limit.name: limit.bound for limit in self.config.limits}
        thresholds = [bounds.get(o.name, math.inf) for o in objectives]
        reference = usual_reference(points, thresholds).tolist()
        return {o.name: o.sign * v for o, v in zip(objectives, reference, strict=True)}

    def hypervolume(self) -> dict[str, Any] | None:
        """The hypervolume of the front after each trial, and its reference point.

        Returns:
            ``"reference_point"``, and ``"values"``, one for each trial, in the product of the
            units; None where there is no reference point.
        """
        reference = self.reference_point
        if reference is None:
            return None
        import numpy as np

        from ax_anasod.fronts import hypervolumes

        objectives = self.config.objectives
        nowhere = (math.inf,) * len(objectives)
        points = [self._point(end) if self._counts(end) else nowhere for end in self.ends]
        before = np.array([o.sign * reference[o.name] for o in objectives])
        return {
            "reference_point": reference,
            "values": hypervolumes(np.array(points), before),
        }

    def _counts(self, end: Completed | Failed) -> TypeGuard[Completed]:
        """Return True if a trial has values and keeps all limits."""
        return isinstance(end, Completed) and keeps_all(end.values, self.config.limits)

    def _point(self, end: Completed) -> tuple[float, ...]:
        """The objectives of a trial, with signs so that less is better."""
        return point_of(end.values, self.config.objectives)

    def to_dict(self) -> dict[str, Any]:
        """The object that ``--json`` prints; null stands where a trial failed."""
        config, ends, incumbents = self.config, self.ends, self.incumbents
        costs = [end.cost_seconds if isinstance(end, Completed) else None for end in ends]
        best = self.best
        return {
            "benchmark": config.benchmark_name,
            "dataset": config.dataset,
            "strategy": config.strategy,
            "seed": config.seed,
            "trials": len(ends),
            "planned_trials": config.trials,
            "objectives": [
                {"name": o.name, "unit": o.unit, "minimize": o.minimize} for o in config.objectives
            ],
            "values": {o.name: [_value(end, o.name) for end in ends] for o in config.objectives},
            "architectures": [
                end.architecture if isinstance(end, Completed) else None for end in ends
            ],
            "incumbent": [_value(end, self.objective.name) for end in incumbents],
            "reported": {
                q.name: [_value(end, q.name) for end in incumbents] for q in config.reported
            },
            "best": None
            if best is None
            else {
                "value": best.values[self.objective.name],
                **_description(best),
                **({"parameters": self.beside(best)} if config.searched else {}),
            },
            "optimum": self.objective.optimum,
            "cost_seconds": costs if any(cost is not None for cost in costs) else None,
            "screen": None
            if config.screen is None
            else {**asdict(config.screen), "spent": config.screen.spent},
            "cost": self.costs,
            "seconds": self.seconds,
            "seconds_per_trial": statistics.median(e.seconds for e in ends) if ends else None,
            "pareto_front": None
            if len(config.objectives) == 1
            else [
                {
                    "values": {o.name: end.values[o.name] for o in config.objectives},
                    **_description(end),
                }
                for end in self.pareto_front
            ],
            "picked": self._picked(),
            "hypervolume": self.hypervolume(),
            "limits": [str(limit) for limit in config.limits],
            "feasible": [self._counts(end) for end in ends] if config.limits else None,
            "features": self.features,
            "stopped_early": self.stop_reason,
            "out": None if self.out is None else str(self.out),
        }

    def _picked(self) -> dict[str, Any] | None:
        """The point that is picked of the front, and the rule; None with a single objective."""
        pick, picked = self.pick, self.picked
        if pick is None:
            return None
        of_trial = (
            {"values": None, "trial": None, "encoding": None, "architecture": None}
            if picked is None
            else {"values": picked.values, **_description(picked)}
        )
        return {"rule": pick.words, **of_trial}

    def beside(self, end: Completed | Failed) -> dict[str, Any]:
        """The values of a trial beside its architecture: name -> value."""
        started = self.records[end.trial].start.parameters
        return {name: started[name] for name in self.config.searched}

    def to_csv(self, *, front_only: bool = False) -> str:
        """The trials as a table: the content of ``trials.csv``, and of ``pareto.csv``.

        One row a trial, with its status, architecture, encoding (one column ``n_<operation>`` an
        operation, as Ax's parameters are called), what is searched beside the cell, all values,
        the incumbent's value, cost and time in seconds, and the node of the strategy that
        proposed it. A quantity with the name of one of these has the column ``value(<name>)``.

        Args:
            front_only: Only the Pareto front, by the first objective.
        """
        operations = list(self.ends[0].encoding) if self.ends else []
        quantities = [q.name for q in (*self.config.objectives, *self.config.reported)]
        before = ["trial", "status", "architecture", *count_names(operations)]
        before += self.config.searched
        after = ["incumbent", "cost_seconds", "seconds", "proposed_by", BETA]
        columns = column_names(quantities, [*before, *after])
        rows: dict[int, list[object]] = {}
        ended = [record for record in self.records if record.end is not None]
        for record, end, incumbent in zip(ended, self.ends, self.incumbents, strict=True):
            completed = end if isinstance(end, Completed) else None
            rows[end.trial] = (
                [end.trial, _status(end)]
                + ["" if completed is None else completed.architecture]
                + [end.encoding.get(operation, "") for operation in operations]
                + [*self.beside(end).values()]
                + [end.values.get(name, "") for name in quantities]
                + ["" if incumbent is None else incumbent.values[self.objective.name]]
                + ["" if completed is None else completed.cost_seconds, end.seconds]
                + [record.start.node, record.start.metadata.get(BETA, "")]
            )
        chosen = [end.trial for end in self.pareto_front] if front_only else rows
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(for_csv, [*before, *columns.values(), *after]))
        writer.writerows(map(for_csv, rows[trial]) for trial in chosen)
        return text.getvalue()


def _status(end: Completed | Failed) -> str:
    if isinstance(end, Failed):
        return "failed"
    return "early_stopped" if isinstance(end, Stopped) else "completed"


def _covers(point: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(point, other, strict=True))


def _value(end: Completed | Failed | None, name: str) -> float | None:
    return end.values[name] if isinstance(end, Completed) else None


def _description(end: Completed) -> dict[str, Any]:
    return {"trial": end.trial, "encoding": end.encoding, "architecture": end.architecture}
