"""The search loop of a run that trains: trials take minutes, and several may run at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from ax.core.data import Data
from ax.core.trial_status import TrialStatus
from ax.early_stopping.strategies import BaseEarlyStoppingStrategy

from ax_anasod import trust
from ax_anasod.core import KnownMetric
from ax_anasod.exceptions import RunError
from ax_anasod.journal import Completed, Failed, Journal, Record, Started, Stopped
from ax_anasod.metrics.known_quantities import known_cost
from ax_anasod.runners import BaseTrainingRunner
from ax_anasod.runs.execution import Execution
from ax_anasod.runs.layout import TRIALS_FOLDER
from ax_anasod.runs.loop import SearchLoop
from ax_anasod.runs.run_config import RunConfig
from ax_anasod.runs.state import Curve, describe
from ax_anasod.tracking.dispatcher import Epochs
from ax_anasod.training import TrainingTask, TrialState


class TrainingSearch(SearchLoop):
    """A search by training that can be stopped after any epoch, or killed, and continued.

    Trials are proposed in batches of ``parallel``, as in the paper (Appendix A.2), and Ax is
    told of a batch when all of it has ended, in the order of the trials: so that what is
    proposed does not depend on which of them was faster. With the runner in this process the
    run is the same each time; early stopping on several processes depends on their speed.

    Args:
        config: The configuration of the run.
        task: The training task.
        runner: The runner that trains the trials.
        journal: The journal, see :class:`ax_anasod.runs.Search`.
        early_stopping: Ax's strategy for early stopping.

    Attributes:
        after_epoch: Called with the index of a trial and its state, after each of its epochs.

    Raises:
        AnasodError: The strategy cannot run on the cell, or refuses an option.
    """

    def __init__(
        self,
        config: RunConfig,
        task: TrainingTask,
        runner: BaseTrainingRunner,
        journal: Journal | None = None,
        early_stopping: BaseEarlyStoppingStrategy | None = None,
    ) -> None:
        self.after_epoch: Callable[[int, TrialState], None] = lambda trial, state: None
        self.task = task
        self._runner = runner
        self._early_stopping = early_stopping
        self._epochs: dict[int, int] = {}
        # The surrogates of a search want one thread; training has its own number, or torch's.
        self._threads = torch.get_num_threads()
        super().__init__(config, task.cell, journal)

    @classmethod
    def of(
        cls,
        config: RunConfig,
        folder: Path,
        journal: Journal | None = None,
        *,
        address: str | None = None,
    ) -> TrainingSearch:
        """The search that a configuration describes.

        Args:
            config: The configuration of the run.
            folder: The folder of the run, in which each trial has a folder of its own.
            journal: The journal, see :class:`ax_anasod.runs.Search`.
            address: Address of the Ray cluster, in the place of that of the configuration.

        Raises:
            AnasodError: The configuration is of another version, or asks for what its reader
                does not trust (see `ax_anasod.trust`); or a package is missing.
        """
        task = TrainingTask.from_dict(config.benchmark)
        if address is None:
            execution = Execution.from_dict(config.execution)
        else:
            with trust.own_description():
                execution = Execution.from_dict({**config.execution, "address": address})
        runner = execution.make_runner(task, config, folder / TRIALS_FOLDER)
        return cls(config, task, runner, journal, execution.make_early_stopping())

    @property
    def runner(self) -> BaseTrainingRunner:
        """The runner that trains the trials."""
        return self._runner

    def _known(self) -> dict[str, KnownMetric]:
        """The costs that follow from an architecture."""
        known = {name: known_cost(name, self.task) for name in self.config.known}
        return {name: metric for name, metric in known.items() if metric is not None}

    def _work_on(
        self,
        waiting: Sequence[Record],
        after_trial: Callable[[Record], None],
        should_stop: Callable[[], bool],
    ) -> None:
        with self._all_threads():
            self._train(waiting, after_trial, should_stop)
        self._settle(waiting[0].start.last)

    def _train(
        self,
        waiting: Sequence[Record],
        after_trial: Callable[[Record], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Train until these trials have ended, or until the search is to stop."""
        queue = [record.start for record in waiting]
        running: dict[int, tuple[Started, dict[str, Any]]] = {}
        limit = self._runner.concurrency or len(queue)
        while (queue or running) and not should_stop():
            while queue and len(running) < limit:
                start = queue.pop(0)
                metadata = self._runner.run(self._trial(start.trial))
                running[start.trial] = (start, metadata)
            self._stop_early(running, after_trial)
            changed = False
            for index, (start, metadata) in list(running.items()):
                status = self._runner.poll_trial(index, metadata)
                changed |= self._look(index, metadata)
                if status is not TrialStatus.RUNNING:
                    del running[index]
                    self._end(start, metadata)
                    after_trial(self.records[index])
            if running and not changed:
                time.sleep(self._runner.seconds_between_polls)

    def _look(self, index: int, metadata: dict[str, Any]) -> bool:
        """Return True if a trial has new epochs; Ax gets them if trials are stopped early."""
        state = self._runner.state(metadata)
        if state is None or len(state.epochs) == self._epochs.get(index, 0):
            return False
        self._epochs[index] = len(state.epochs)
        self.after_epoch(index, state)
        if self._dispatcher is not None:
            self._dispatcher.epochs(index, _scalars(state))
        return True

    def _epochs_of(self, trial: int) -> Epochs:
        state = TrialState.read(self._runner.folder_of(trial))
        return () if state is None else _scalars(state)

    def _stop_early(
        self,
        running: dict[int, tuple[Started, dict[str, Any]]],
        after_trial: Callable[[Record], None],
    ) -> None:
        if self._early_stopping is None:
            return
        states = {index: self._runner.state(metadata) for index, (_, metadata) in running.items()}
        candidates = {i for i, s in states.items() if s and s.epochs and s.status == "running"}
        rows = [
            row
            for index in sorted(candidates)
            for row in self._data_rows(self._trial(index), _curve(states[index]))
        ]
        if not rows:
            return
        self.experiment.attach_data(Data(data_rows=rows))
        stopped = self._early_stopping.should_stop_trials_early(candidates, self.experiment)
        for index in sorted(stopped):
            start, metadata = running.pop(index)
            self._runner.stop_trial(index, metadata)
            self._end(start, metadata)
            after_trial(self.records[index])

    def _end(self, start: Started, metadata: dict[str, Any]) -> None:
        """Write the end of a trial into the journal."""
        encoding = self._encoding(start)
        seconds = self._share + self._lap()
        state = self._runner.state(metadata)
        if state is None:
            raise RunError(f"the folder {metadata['folder']} of trial {start.trial} is gone")
        wrong = [f"{name} is {v}" for name, v in state.values.items() if not math.isfinite(v)]
        if state.status == "failed" or wrong or not state.epochs:
            reason = state.reason or ", ".join(wrong) or "it has no epoch"
            known = {name: v for name, v in state.costs.items() if name in self._metrics}
            self._record(Failed(start.trial, reason, encoding, seconds, known))
            return
        kind = Stopped if state.status == "stopped" else Completed
        self._record(
            kind(
                trial=start.trial,
                values={name: state.values[name] for name in self._metrics},
                architecture=metadata["architecture"],
                encoding=encoding,
                cost_seconds=None,
                seconds=seconds,
            )
        )

    def _settle(self, last: int) -> None:
        """Report a batch that has ended to Ax, in the order of its trials."""
        batch = [record for record in self.records if record.start.last == last]
        if any(record.end is None for record in batch):
            return
        rows = []
        for record in batch:
            trial = self._trial(record.trial)
            if isinstance(record.end, Completed) and not trial.status.is_terminal:
                rows += self._data_rows(trial, self._curve(record.end))
                describe(trial, record.end)
            elif isinstance(record.end, Failed) and not trial.status.is_terminal:
                rows += self._known_rows(trial, record.end)
        if rows:
            self.experiment.attach_data(Data(data_rows=rows))
        for record in batch:
            if not self._trial(record.trial).status.is_terminal:
                self._mark(record)

    def _curve(self, end: Completed) -> Curve:
        """The values after each epoch, as the folder of the trial has them."""
        state = TrialState.read(self._runner.folder_of(end.trial))
        return super()._curve(end) if state is None else _curve(state)

    @contextmanager
    def _all_threads(self) -> Iterator[None]:
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _scalars(state: TrialState) -> Epochs:
    return [(epoch.epoch, epoch.scalars) for epoch in state.epochs]


def _curve(state: TrialState | None) -> Curve:
    if state is None:
        return []
    return [(epoch.epoch, state.values_after(epoch)) for epoch in state.epochs]
