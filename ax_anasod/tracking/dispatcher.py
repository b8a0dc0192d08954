"""The dispatch of the events in a run's journal to trackers, each event once."""

from __future__ import annotations

import json
import re
import uuid
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

from ax_anasod.exceptions import AnasodWarning, OptionError, RunError
from ax_anasod.files import is_there, read_json, write_whole
from ax_anasod.journal import TRACKED, Record
from ax_anasod.tracking.tracker import TrackedRun, Tracker

_MOST_SAID: Final = 300
_ID: Final = re.compile(r"[0-9a-f]{32}")

Epochs = Iterable[tuple[int, Mapping[str, float]]]
"""The number and the measurements of epochs, in order."""


class TrackerWarning(AnasodWarning):
    """A tracker has failed; the run goes on without it."""


@dataclass(frozen=True)
class _Told:
    """The events of a run that a tracker was told.

    Args:
        trials: Its trials.
        epochs: Trial under way -> its last epoch.
        ended: Whether it was told that the run is at its end, and of nothing after that.
    """

    trials: list[int] = field(default_factory=list)
    epochs: dict[str, int] = field(default_factory=dict)
    ended: bool = False


@dataclass(frozen=True)
class _Memory:
    """The content of the file beside a journal."""

    run: str
    told: dict[str, _Told] = field(default_factory=dict)


class TrackerDispatcher:
    """Reports the events of a run's journal to trackers.

    Each event is recorded before it is sent. An event that was being sent when the process was
    killed may be missing in the tracker, but none is in it twice. A tracker that raises gets no
    further events from this process, with one warning; it gets them when the run goes on.

    Args:
        run: The run.
        trackers: The trackers.
        journal: The journal of the run, beside which it is remembered what they were told; None
            forgets it with the process.
        failed: Names of trackers that are told no more; those that fail are added. Runs that go on
            side by side share it.

    Raises:
        OptionError: Two trackers have the same name.
        RunError: The file beside the journal is damaged.
    """

    def __init__(
        self,
        run: TrackedRun,
        trackers: Sequence[Tracker],
        journal: Path | None = None,
        failed: set[str] | None = None,
    ) -> None:
        self._trackers = {tracker.name or type(tracker).__name__: tracker for tracker in trackers}
        if len(self._trackers) < len(trackers):
            raise OptionError("two trackers have the same name", "give their classes a `name`")
        self._failed = set() if failed is None else failed
        self._path = None if journal is None else journal.with_suffix(TRACKED)
        self._memory = _Memory(uuid.uuid4().hex)
        if self._path is not None and is_there(self._path):
            self._memory = read_json(self._path, _Memory)
            # The id is used in MLflow queries and run names, so it must be harmless.
            if not _ID.fullmatch(self._memory.run):
                raise RunError(f"{self._path} is damaged: {self._memory.run!r} is no run")
        self.run = replace(run, id=self._memory.run)

    def epochs(self, trial: int, epochs: Epochs) -> None:
        """Report the new epochs of a trial."""
        for (epoch, values), name in product(epochs, self._trackers):
            told = self._told(name)
            if trial not in told.trials and epoch > told.epochs.get(str(trial), 0):
                now = _Told(told.trials, {**told.epochs, str(trial): epoch})
                self._tell(name, now, "on_epoch_end", trial, epoch, values)

    def trial(self, records: Sequence[Record], record: Record, epochs: Epochs = ()) -> None:
        """Report a trial that has ended, and its new epochs.

        Args:
            records: The trials of the run so far.
            record: The trial.
            epochs: All its epochs.
        """
        trial = record.trial
        self.epochs(trial, epochs)
        for name in self._trackers:
            told = self._told(name)
            if trial not in told.trials:
                under_way = {k: v for k, v in told.epochs.items() if k != str(trial)}
                now = _Told([*told.trials, trial], under_way)
                best = self.run.best(records)
                self._tell(name, now, "on_trial_end", record, best)

    def all_ended(
        self, records: Sequence[Record], epochs_of: Callable[[int], Epochs] = lambda trial: ()
    ) -> bool:
        """Report all ended trials that are new to a tracker; returns True if there were any."""
        new = [
            (number, record)
            for number, record in enumerate(records, start=1)
            if record.end is not None and self._is_new(record.trial)
        ]
        for number, record in new:
            self.trial(records[:number], record, epochs_of(record.trial))
        return bool(new)

    def end(self, records: Sequence[Record], *, finished: bool) -> None:
        """Report that this process ends its work on the run, unless that was at its end before."""
        best = self.run.best(records)
        for name in self._trackers:
            told = self._told(name)
            if not told.ended:
                now = replace(told, ended=finished)
                self._tell(name, now, "on_run_end", records, best, finished)

    def _is_new(self, trial: int) -> bool:
        return any(trial not in self._told(name).trials for name in self._trackers)

    def _told(self, name: str) -> _Told:
        return self._memory.told.get(name, _Told())

    def _tell(self, name: str, now: _Told, method: str, *arguments: Any) -> None:
        """Call a tracker, unless it has failed.

        Args:
            name: The tracker.
            now: What it was told, this included.
            method: The name of the tracker's method that is called.
            *arguments: The arguments of that method, after the run.
        """
        if name in self._failed:
            return
        before = self._told(name)
        try:
            self._remember(name, now)
            getattr(self._trackers[name], method)(self.run, *arguments)
        except Exception as error:  # noqa: BLE001  (whatever its package and its network raise)
            self._failed.add(name)
            with suppress(RunError):
                self._remember(name, before)
            said = " ".join(str(error).split())
            warnings.warn(
                f"the tracker {name} has failed and is told no more by this process: "
                f"{type(error).__name__}: {said[:_MOST_SAID]}",
                TrackerWarning,
                stacklevel=2,
            )

    def _remember(self, name: str, told: _Told) -> None:
        self._memory.told[name] = told
        if self._path is not None:
            content = {
                "run": self._memory.run,
                "told": {each: vars(of_it) for each, of_it in self._memory.told.items()},
            }
            write_whole(self._path, json.dumps(content))
