"""What a run has found, computed from its configuration and its trials alone."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ax_anasod.escaping import for_csv
from ax_anasod.journal import Completed, Failed, Record, Stopped
from ax_anasod.metadata import BETA, column_names
from ax_anasod.objectives import Objective
from ax_anasod.runs.config import RunConfig


@dataclass(frozen=True)
class Results:
    """The ended trials of a run, in order.

    Args:
        config: What the run is.
        records: Its trials; those still being evaluated are left out.
        out: Its folder, None where nothing is written.
    """

    config: RunConfig
    records: Sequence[Record]
    out: Path | None = None

    @property
    def ends(self) -> list[Completed | Failed]:
        """How each trial ended."""
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
            if isinstance(end, Completed) and self._is_feasible(end):
                is_better = best is None or self._point(end) < self._point(best)
                best = end if is_better else best
            incumbents.append(best)
        return incumbents

    @property
    def best(self) -> Completed | None:
        """The best trial by the first objective."""
        incumbents = self.incumbents
        return incumbents[-1] if incumbents else None

    @property
    def stop_reason(self) -> str | None:
        """Why the run ended before its last trial; None where it did not."""
        if len(self.ends) >= self.config.trials:
            return None
        return self.config.stop_reason(self.records)

    @property
    def seconds(self) -> float:
        """Wall time of the search over all its processes, in seconds."""
        return sum(end.seconds for end in self.ends)

    @property
    def pareto_front(self) -> list[Completed]:
        """The trials that no other beats in all objectives, by the first objective.

        Of trials with equal values the earliest is taken; none that breaks a limit.
        """
        completed = [end for end in self.ends if isinstance(end, Completed)]
        completed = [end for end in completed if self._is_feasible(end)]
        points = sorted(completed, key=lambda end: (*self._point(end), end.trial))
        front: list[Completed] = []
        for end in points:
            # Whatever dominates or equals a point comes before it in this order.
            if not any(_covers(self._point(other), self._point(end)) for other in front):
                front.append(end)
        return front

    def hypervolume(self) -> dict[str, Any] | None:
        """The hypervolume of the front after each trial, and its reference point.

        All are measured before one reference point, that of what was found in the end
        (:func:`ax_anasod.surrogates.hypervolume.reference_point`): a limit on an objective is
        its threshold, and the fences are those of the trials that keep the limits.

        Returns:
            ``"reference_point"``, a value for each objective, and ``"values"``, one for each
            trial, in the product of the units; None with a single objective, and where no
            trial keeps the limits.
        """
        objectives, ends = self.config.objectives, self.ends
        counts = [isinstance(end, Completed) and self._is_feasible(end) for end in ends]
        if len(objectives) == 1 or not any(counts):
            return None
        # Loaded here: nothing else that is shown of a run needs Ax and torch.
        import numpy as np

        from ax_anasod.generators.targets import winsorized
        from ax_anasod.surrogates.hypervolume import hypervolumes, reference_point

        points = np.array(
            [
                self._point(end)
                if isinstance(end, Completed) and counted
                else [math.inf] * len(objectives)
                for end, counted in zip(ends, counts, strict=True)
            ]
        )
        bounds = {limit.name: limit.bound for limit in self.config.limits}
        thresholds = [bounds.get(o.name, math.inf) for o in objectives]
        feasible = points[np.array(counts)]
        fences = [winsorized(v, t)[1] for v, t in zip(feasible.T, thresholds, strict=True)]
        reference = reference_point(feasible, thresholds, fences)
        return {
            "reference_point": {
                o.name: o.sign * value
                for o, value in zip(objectives, reference.tolist(), strict=True)
            },
            "values": hypervolumes(points, reference),
        }

    def _is_feasible(self, end: Completed) -> bool:
        """Whether a trial keeps all limits."""
        return all(limit.keeps(end.values[limit.name]) for limit in self.config.limits)

    def _point(self, end: Completed) -> tuple[float, ...]:
        """What is searched of a trial, so that less is better."""
        return tuple(o.sign * end.values[o.name] for o in self.config.objectives)

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
            "hypervolume": self.hypervolume(),
            "limits": [str(limit) for limit in config.limits],
            "feasible": [isinstance(end, Completed) and self._is_feasible(end) for end in ends]
            if config.limits
            else None,
            "stopped_early": self.stop_reason,
            "out": None if self.out is None else str(self.out),
        }

    def beside(self, end: Completed | Failed) -> dict[str, Any]:
        """What a trial had beside its architecture: name -> value."""
        started = self.records[end.trial].start.parameters
        return {name: started[name] for name in self.config.searched}

    def to_csv(self, *, front_only: bool = False) -> str:
        """The trials as a table: the content of ``trials.csv``, and of ``pareto.csv``.

        One row a trial, with its status, architecture, encoding (one column ``n(<operation>)``
        an operation), what is searched beside the cell, all values, the incumbent's value, cost
        and time in seconds, and the node of the strategy that proposed it. A quantity with the
        name of one of these has the column ``value(<name>)``.

        Args:
            front_only: Only the Pareto front, by the first objective.
        """
        operations = list(self.ends[0].encoding) if self.ends else []
        quantities = [q.name for q in (*self.config.objectives, *self.config.reported)]
        before = ["trial", "status", "architecture", *(f"n({name})" for name in operations)]
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
                + ["" if completed is None else completed.values[name] for name in quantities]
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
