"""Trackers for a loop of the user's own over Ax's ``Client`` or ``AxClient``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from ax.core.experiment import Experiment
from ax.core.trial import Trial

from ax_anasod._ax import experiment_of, origin_of
from ax_anasod.core import RunProperties, architecture_of
from ax_anasod.core.architectures import ARCHITECTURE, encoding_of, space_of_run
from ax_anasod.core.ax_objectives import limits_of, objective_signs
from ax_anasod.core.means import ArmMeans
from ax_anasod.exceptions import ArchitectureError, OptionError
from ax_anasod.journal import Completed, Failed, Record, Started, Stopped, plain_entries
from ax_anasod.objectives import Objective
from ax_anasod.tracking.dispatcher import TrackerDispatcher
from ax_anasod.tracking.tracker import TrackedRun, Tracker


class ClientTracking:
    """Tells trackers of the trials of a client; as a context manager, also of the end.

    Args:
        client: Ax's ``Client`` or ``AxClient`` over a search space of this package, with what is
            searched.
        trackers: The trackers.
        name: What the run is called; the name of the experiment by default.
        folder: Where it is remembered, from process to process, what the trackers were told.
            Without it a loaded client is told from its first trial on, as another run.

    Raises:
        OptionError: The client has no experiment of this package, or nothing to search; or two
            trackers have the same name.

    Example:
        >>> from ax_anasod.cells import Cell
        >>> from ax_anasod.experiment import make_client
        >>> client = make_client(Cell("mine", ["conv", "skip"], 4), "random", objectives="error")
        >>> class Printer(Tracker):
        ...     def on_trial_end(self, run, record, best):
        ...         print(record.trial, record.end.values, best.trial)
        >>> with ClientTracking(client, [Printer()]) as tracking:
        ...     for error in (5.0, 7.0):
        ...         ((index, _),) = client.get_next_trials(max_trials=1).items()
        ...         _ = client.complete_trial(index, raw_data={"error": error})
        ...         tracking.update()
        0 {'error': 5.0} 0
        1 {'error': 7.0} 0
    """

    def __init__(
        self,
        client: object,
        trackers: Sequence[Tracker],
        *,
        name: str | None = None,
        folder: Path | str | None = None,
    ) -> None:
        self._client = client
        self._experiment = experiment_of(client)
        self._space = space_of_run(client)
        self._means = ArmMeans()
        self._ended: dict[int, Record] = {}
        run = _run_of(self._experiment, name)
        journal = None if folder is None else Path(folder) / "client"
        self._dispatcher = TrackerDispatcher(run, trackers, journal)

    def update(self) -> None:
        """Report all trials that have ended since the last time."""
        self._dispatcher.all_ended(self._records())

    def epoch(self, trial_index: int, epoch: int, values: Mapping[str, float]) -> None:
        """Report an epoch of a trial.

        Args:
            trial_index: Index of the trial, which has not ended.
            epoch: Number of the epoch, from 1; they come in order.
            values: What was measured.
        """
        self._dispatcher.epochs(trial_index, [(epoch, values)])

    def end(self, *, finished: bool = True) -> None:
        """Report the new trials, and that this process ends its work on the run."""
        self.update()
        self._dispatcher.end(self._records(), finished=finished)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.end(finished=exception[0] is None)

    def _records(self) -> list[Record]:
        self._means.update(self._experiment.lookup_data())
        for index, trial in self._experiment.trials.items():
            if index not in self._ended and isinstance(trial, Trial) and trial.status.is_terminal:
                self._ended[index] = self._record(trial)
        return [record for _, record in sorted(self._ended.items())]

    def _record(self, trial: Trial) -> Record:
        arm, generated = trial.arm, trial.generator_run
        if arm is None or generated is None:
            raise OptionError(f"trial {trial.index} has no arm")
        node, generator = origin_of(generated)
        start = Started(
            trial=trial.index,
            last=trial.index,
            parameters=dict(arm.parameters),
            node=node,
            generator=generator,
            metadata=plain_entries(generated.gen_metadata),
        )
        encoding = encoding_of(self._space, arm.parameters)
        key, metrics = (trial.index, arm.name), self._experiment.metrics.values()
        found = {m.name: self._means.get(key, m.signature) for m in metrics}
        values = {name: value for name, value in found.items() if math.isfinite(value)}
        begun, ended = trial.time_run_started, trial.time_completed
        seconds = (ended - begun).total_seconds() if begun and ended else 0.0
        run, status = self._dispatcher.run, trial.status
        needed = [o.name for o in run.objectives] + [limit.name for limit in run.limits]
        lacking = [name for name in needed if name not in values]
        if lacking or not (status.is_completed or status.is_early_stopped):
            reason = trial.status_reason or f"{status.name.lower()}, without {', '.join(lacking)}"
            return Record(start, Failed(trial.index, reason, encoding, seconds, values))
        kind = Stopped if status.is_early_stopped else Completed
        architecture = self._architecture(trial)
        return Record(start, kind(trial.index, values, architecture, encoding, None, seconds))

    def _architecture(self, trial: Trial) -> str:
        try:
            return str(architecture_of(self._client, trial.index))
        except ArchitectureError:  # one a layer
            return str(trial.run_metadata[ARCHITECTURE])


def _run_of(experiment: Experiment, name: str | None) -> TrackedRun:
    config = experiment.optimization_config
    if config is None:
        raise OptionError("the client searches nothing yet", "call configure_optimization first")
    properties = RunProperties.read(experiment)
    return TrackedRun(
        name=name or experiment.name,
        objectives=tuple(
            Objective(metric, "", minimize=sign > 0) for metric, sign in objective_signs(config)
        ),
        limits=tuple(limits_of(config)[0]),
        settings={}
        if properties is None
        else {"strategy": properties.strategy, "seed": properties.seed, **properties.options},
    )
