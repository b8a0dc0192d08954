"""Trackers, which watch runs from outside, and the description of a run for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from ax_anasod.journal import Completed, Record
from ax_anasod.objectives import Limit, Objective, keeps_all, point_of

LOG: Final = "tensorboard"
"""Folder of TensorBoard's log in that of a run or a comparison."""

ARCHITECTURE: Final = "architecture"


@dataclass(frozen=True)
class TrackedRun:
    """The description of a run for trackers.

    Args:
        name: What it is called, for people.
        objectives: What is searched.
        limits: What trials must keep.
        settings: What distinguishes it from others: strategy, seed, and so on.
        folder: Where it is among the runs of a comparison, as a relative path; empty for a run
            of its own.
        id: 32 hexadecimal digits, the same ones when the run goes on.
    """

    name: str
    objectives: tuple[Objective, ...]
    limits: tuple[Limit, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    id: str = ""

    def best(self, records: Iterable[Record]) -> Completed | None:
        """The trial that keeps the limits and is best by the first objective, then the others."""
        ends = (record.end for record in records)
        kept = [e for e in ends if isinstance(e, Completed) and keeps_all(e.values, self.limits)]
        return min(kept, key=lambda end: point_of(end.values, self.objectives), default=None)


class Tracker:
    """Base class of trackers; every method does nothing.

    What a method raises ends no run: the tracker is told no more until the run goes on.

    Attributes:
        name: By which a run remembers what the tracker was told.
    """

    name: ClassVar[str] = ""

    def on_epoch_end(
        self, run: TrackedRun, trial: int, epoch: int, values: Mapping[str, float]
    ) -> None:
        """A trial that is trained has had an epoch.

        Args:
            run: The run.
            trial: Index of the trial.
            epoch: Number of the epoch, from 1.
            values: What was measured, such as ``error/valid`` in percent.
        """

    def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
        """A trial has ended, and is in the journal.

        Args:
            run: The run.
            record: How it was proposed, and how it ended: completed, stopped early or failed.
            best: The best trial so far, this one included; None where none keeps the limits.
        """

    def on_run_end(
        self, run: TrackedRun, records: Sequence[Record], best: Completed | None, finished: bool
    ) -> None:
        """The process ends its work on a run.

        Args:
            run: The run.
            records: All its trials.
            best: The best one.
            finished: Whether the run is at its end, or was stopped and may go on.
        """


def describe_trial(record: Record) -> dict[str, Any]:
    """The description of a trial: its parameters, its architecture, and its generator."""
    end = record.end
    of_end = {ARCHITECTURE: end.architecture} if isinstance(end, Completed) else {}
    return {**record.start.parameters, **of_end, "proposed by": record.start.node}
