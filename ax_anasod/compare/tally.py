"""What has happened in a comparison, as those who watch are told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ax_anasod.compare.comparison_folder import ComparisonFolder, damage_in_words, read_runs
from ax_anasod.escaping import lines_for_terminal
from ax_anasod.files import write_whole
from ax_anasod.journal import Record, write_records
from ax_anasod.tracking.telling import Telling

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


class Tally:
    """Counts what the processes report, and tells it to those who watch.

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
        self._observer = observer
        self._folder = folder
        self._named = named
        self._done: dict[tuple[str, int], int] = {}
        self.records: dict[Path, list[Record]] = {}
        self._total = 0
        self._ended = 0
        self._details: list[str] = []
        self.failures: dict[str, tuple[str, ...]] = {}
        self.stopped = False
        tasks = {(task.contender.label, task.seed): task for task in folder.tasks}
        unfinished = set()
        failed: set[str] = set()
        self._tellings: dict[Path, Telling] = {}
        runs = read_runs(folder.path, folder.plan)
        self._damage = damage_in_words(runs)
        for run in runs:
            key = (run.label, run.seed)
            ended = [record for record in run.records if record.end is not None]
            self.records[tasks[key].journal] = ended
            self._done[key] = len(ended)
            if trackers:
                run_of = folder.plan.tracked(tasks[key].contender, run.seed)
                telling = Telling(run_of, trackers, tasks[key].journal, failed)
                self._tellings[tasks[key].journal] = telling
            self._total += run.planned
            self._ended += run.finished
            if not run.finished:
                unfinished.add(key)
        self.unfinished = [task for key, task in tasks.items() if key in unfinished]

    def begin(self) -> None:
        """Tell of what is there already."""
        labels = dict.fromkeys(task.contender.label for task in self.unfinished)
        if others := [label for label in labels if label not in self._named]:
            self._observer.goes_on_with(others)
        for sentence in self._damage:
            self._observer.noticed(sentence)
        self._observer.begins(sum(self._done.values()), self._total, len(self._done))
        self._tell()
        under_way = {task.journal for task in self.unfinished}
        for journal, telling in self._tellings.items():
            if telling.all_ended(self.records[journal]) and journal not in under_way:
                telling.end(self.records[journal], finished=True)

    def on_trial(self, task: Task, record: Record) -> None:
        """A trial of a run has ended."""
        self._done[task.contender.label, task.seed] = record.trial + 1
        records = self.records[task.journal]
        records.append(record)
        if task.journal in self._tellings:
            self._tellings[task.journal].trial(records, record)
        self._tell()

    def on_end(self, task: Task, end: TaskEnd) -> None:
        """A run is at its end, was stopped, or has failed."""
        self._ended += 1
        if end.error is not None:
            label = task.contender.label
            reason = f"seed {task.seed}: {end.error}"
            self.failures[label] = (*self.failures.get(label, ()), reason)
            self._details.append(f"{label}, {reason}\n{end.details}")
            self._observer.failed(label, task.seed, end.error)
        if task.journal in self._tellings:
            records = self.records[task.journal]
            finished = len(records) >= task.contender.trials
            self._tellings[task.journal].end(records, finished=finished)
        self._tell()

    def should_stop(self) -> bool:
        """Whether the comparison is to end.

        Raises:
            RunLostError: Its folder was deleted or replaced.
        """
        self._folder.check()
        self.stopped = self.stopped or self._observer.should_stop()
        return self.stopped

    def write_lost_journals(self) -> None:
        """Write journals again that were deleted while their runs were at work."""
        for journal, records in self.records.items():
            if records and journal.parent.is_dir() and not journal.exists():
                write_records(journal, records)

    def write_details(self, path: Path) -> None:
        """Keep where in the program the failures of this time were, as a bug report needs."""
        if self._details:
            write_whole(path / FAILURES, lines_for_terminal("\n".join(self._details)))
        else:
            (path / FAILURES).unlink(missing_ok=True)

    def _tell(self) -> None:
        self._observer.progressed(sum(self._done.values()), self._ended)
