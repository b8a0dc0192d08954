"""The progress of a comparison, as observers and trackers are told of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ax_anasod.compare.comparison_folder import ComparisonFolder, damage_in_words, read_runs
from ax_anasod.environment import changes
from ax_anasod.escaping import lines_for_terminal
from ax_anasod.files import write_whole
from ax_anasod.journal import Record, write_records
from ax_anasod.tracking.dispatcher import TrackerDispatcher

if TYPE_CHECKING:
    from ax_anasod.compare.run_worker import Task, TaskEnd
    from ax_anasod.tracking.tracker import Tracker

FAILURES: Final = "failures.txt"


class Observer:
    """Base class of those who watch a comparison; every method does nothing."""

    def begins(self, done: int, trials: int, runs: int) -> None:
        """The comparison begins, or goes on.

        Args:
            done: How many trials there are.
            trials: How many there will be, those so far included.
            runs: In how many runs.
        """

    def noticed(self, sentence: str) -> None:
        """Something has to be known of the folder, such as damage that was mended."""

    def goes_on_with(self, labels: Sequence[str]) -> None:
        """The folder has strategies that were not named now, and runs of them are to be made.

        Args:
            labels: Which ones.
        """

    def progressed(self, done: int, runs: int) -> None:
        """A trial or a run has ended; also called once at the beginning.

        Args:
            done: How many trials there are.
            runs: How many runs have ended.
        """

    def failed(self, label: str, seed: int, reason: str) -> None:
        """A run has failed; the others go on."""

    def should_stop(self) -> bool:
        """True ends the comparison after the trials under way."""
        return False


class ProgressReporter:
    """Count what the processes of many runs report, and tell it to an observer.

    Args:
        observer: Who watches.
        done: Place of each run -> its trials (or epochs) so far.
        planned: The trials (or epochs) of all runs together.
        ended: The number of runs that were at their end before.
    """

    def __init__(self, observer: Observer, done: dict[Path, int], planned: int, ended: int) -> None:
        self._observer = observer
        self._done, self._planned, self._ended = done, planned, ended
        self._details: list[str] = []
        self.failures: dict[str, tuple[str, ...]] = {}
        self.stopped = False

    def begin(self) -> None:
        """Report the trials that are there already."""
        self._observer.begins(sum(self._done.values()), self._planned, len(self._done))
        self._tell()

    def should_stop(self) -> bool:
        """Return True once the observer wants the runs to stop."""
        self.stopped = self.stopped or self._observer.should_stop()
        return self.stopped

    def write_details(self, folder: Path) -> None:
        """Keep where in the program the failures of this time were, as a bug report needs."""
        if self._details:
            write_whole(folder / FAILURES, lines_for_terminal("\n".join(self._details)))
        else:
            (folder / FAILURES).unlink(missing_ok=True)

    def _has_done(self, run: Path, done: int) -> None:
        self._done[run] = done
        self._tell()

    def _has_ended(self, label: str, seed: int, end: TaskEnd) -> None:
        """Count a run that is at its end, was stopped, or has failed."""
        self._ended += 1
        if end.error is not None:
            reason = f"seed {seed}: {end.error}"
            self.failures[label] = (*self.failures.get(label, ()), reason)
            self._details.append(f"{label}, {reason}\n{end.details}")
            self._observer.failed(label, seed, end.error)
        self._tell()

    def _tell(self) -> None:
        self._observer.progressed(sum(self._done.values()), self._ended)


class ComparisonReporter(ProgressReporter):
    """Report the runs of a comparison to an observer and to trackers.

    Args:
        folder: The folder of the comparison.
        named: The strategies that were named now.
        observer: Who watches.
        trackers: Who is told of the trials, too.
    """

    def __init__(
        self,
        folder: ComparisonFolder,
        named: Sequence[str],
        observer: Observer,
        trackers: Sequence[Tracker] = (),
    ) -> None:
        self._folder, self._named = folder, named
        self.records: dict[Path, list[Record]] = {}
        self._dispatchers: dict[Path, TrackerDispatcher] = {}
        tasks = {(task.contender.label, task.seed): task for task in folder.tasks}
        failed: set[str] = set()
        runs = read_runs(folder.path, folder.plan)
        self._notices = damage_in_words(runs)
        for run in runs:
            task = tasks[run.label, run.seed]
            self.records[task.journal] = [r for r in run.records if r.end is not None]
            if trackers:
                self._dispatchers[task.journal] = TrackerDispatcher(
                    folder.plan.tracked(task.contender, run.seed), trackers, task.journal, failed
                )
        unfinished = {(run.label, run.seed) for run in runs if not run.finished}
        self.unfinished = [task for key, task in tasks.items() if key in unfinished]
        then = folder.plan.environment
        if self.unfinished and then and (different := changes(then)):
            self._notices.append(
                f"the comparison was started with {different}: what follows may differ in the "
                "last digits"
            )
        super().__init__(
            observer,
            {journal: len(records) for journal, records in self.records.items()},
            sum(run.planned for run in runs),
            len(runs) - len(unfinished),
        )

    def begin(self) -> None:
        """Report the trials that are there already."""
        labels = dict.fromkeys(task.contender.label for task in self.unfinished)
        if others := [label for label in labels if label not in self._named]:
            self._observer.goes_on_with(others)
        for sentence in self._notices:
            self._observer.noticed(sentence)
        super().begin()
        under_way = {task.journal for task in self.unfinished}
        for journal, dispatcher in self._dispatchers.items():
            if dispatcher.all_ended(self.records[journal]) and journal not in under_way:
                dispatcher.end(self.records[journal], finished=True)

    def on_trial(self, task: Task, record: Record) -> None:
        """Report a trial that has ended."""
        records = self.records[task.journal]
        records.append(record)
        if task.journal in self._dispatchers:
            self._dispatchers[task.journal].trial(records, record)
        self._has_done(task.journal, record.trial + 1)

    def on_end(self, task: Task, end: TaskEnd) -> None:
        """Report a run that is at its end, was stopped, or has failed."""
        if task.journal in self._dispatchers:
            records = self.records[task.journal]
            finished = len(records) >= task.contender.trials
            self._dispatchers[task.journal].end(records, finished=finished)
        self._has_ended(task.contender.label, task.seed, end)

    def should_stop(self) -> bool:
        """Return True if the comparison is to end.

        Raises:
            RunLostError: The folder was deleted or replaced.
        """
        self._folder.check()
        return super().should_stop()

    def write_lost_journals(self) -> None:
        """Write journals again that were deleted while their runs were at work."""
        for journal, records in self.records.items():
            if records and journal.parent.is_dir() and not journal.exists():
                write_records(journal, records)
