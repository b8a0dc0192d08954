"""A comparison as a folder: the plan, and a journal for each run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from ax_anasod.compare.comparison_plan import Plan
from ax_anasod.compare.contender import Contender
from ax_anasod.exceptions import RunError, RunLostError
from ax_anasod.files import refuse_link, remove_unfinished
from ax_anasod.journal import (
    Record,
    all_trials,
    check_quantities,
    is_being_written,
    read_content,
    write_records,
)
from ax_anasod.locks import hold, is_same_file
from ax_anasod.runs.layout import (
    COMPARISON,
    check_holds_no_other,
    check_is_no_file,
    holds_comparison,
    refusing,
)

if TYPE_CHECKING:
    from ax_anasod.compare.run_worker import Task

LOCK: Final = "comparison.lock"
_RUNS: Final = "runs"
# Largest number of runs that is read; more would fill the memory.
_MOST_RUNS: Final = 100_000


@dataclass(frozen=True)
class Run:
    """A contender with a seed, and its trials so far.

    Args:
        label: The contender.
        seed: The seed.
        planned: How many trials are planned.
        records: The trials so far.
        damaged: How many bytes at the end of its journal are damaged and do not count.
    """

    label: str
    seed: int
    planned: int
    records: tuple[Record, ...]
    damaged: int = 0

    @property
    def finished(self) -> bool:
        """True if all planned trials have ended."""
        return sum(record.end is not None for record in self.records) >= self.planned


class ComparisonFolder:
    """The folder of a comparison that this process works in, and no other.

    Every run has a journal of its own, in which each trial is on the disk before the run goes
    on. Whatever happens to the processes, nothing that has been evaluated is lost, and a run
    goes on where it was.

    Args:
        path: The folder.
        plan: The plan.
        lock: Descriptor of the lock file, which is held as long as the folder is open.
    """

    def __init__(self, path: Path, plan: Plan, lock: int) -> None:
        self.path, self.plan, self._lock = path, plan, lock

    @classmethod
    def open(cls, path: Path, wanted: Plan) -> Self:
        """Make the folder of a comparison, or open it and extend its plan.

        Raises:
            AnasodError: The comparison cannot answer what is asked.
            RunError: ``path`` is a file, the folder of a search, or holds a comparison of something
                else or with more trials or seeds; another process is at work in it; or it
                cannot be written.
        """
        with refusing(path, "used"):
            check_is_no_file(path)
            check_holds_no_other(path, COMPARISON)
            _planned(path, wanted)  # refuses before anything is written
            path.mkdir(parents=True, exist_ok=True)
            lock = hold(path / LOCK, f"another process is at work on the comparison in {path}")
            try:
                plan = _planned(path, wanted)
                refuse_link(path / _RUNS)
                (path / _RUNS).mkdir(exist_ok=True)
                remove_unfinished(path)
                plan.write(path / COMPARISON)
            except BaseException:
                os.close(lock)
                raise
            return cls(path, plan, lock)

    @property
    def tasks(self) -> list[Task]:
        """All runs, those with the same seed together.

        In this order a comparison that was stopped has the same seeds of all contenders.
        """
        from ax_anasod.compare.run_worker import Task

        plan = self.plan
        asked = tuple(map(str, plan.limits)), plan.known, plan.constraints
        return [
            Task(contender, seed, journal_path(self.path, contender, seed), *asked)
            for seed in range(plan.seeds)
            for contender in plan.contenders
        ]

    def check(self) -> None:
        """Make sure that the folder is still where it was.

        Raises:
            RunLostError: The folder was deleted, moved or replaced.
        """
        if is_same_file(self._lock, self.path / LOCK):
            return
        if os.fstat(self._lock).st_nlink:
            raise RunLostError(
                f"the folder {self.path} was moved or replaced while the comparison was at work",
                "all trials are in it, wherever it is now",
                moved=True,
            )
        raise RunLostError(f"the folder {self.path} was deleted while the comparison was at work")

    def rescue(self, lost: RunLostError, records: Mapping[Path, Sequence[Record]]) -> RunLostError:
        """Write the trials into a new folder beside the one that was deleted.

        Args:
            lost: What `check` has raised.
            records: Journal -> the trials that have ended.

        Returns:
            What is to be said.
        """
        from ax_anasod.runs.folder import new_folder_beside

        said = all_trials(sum(map(len, records.values())))
        try:
            place = new_folder_beside(self.path)
            self.plan.write(place / COMPARISON)
            for journal, trials in records.items():
                if not trials:
                    continue
                kept = place / journal.relative_to(self.path)
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_records(kept, trials)
        except (RunError, OSError) as error:
            return RunLostError(lost.message, f"{said} lost: {error}")
        return RunLostError(
            lost.message,
            f"{said} kept in {place}; the same command goes on from them there",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._lock)


def read_runs(path: Path, plan: Plan) -> list[Run]:
    """All runs of a comparison as they are now; processes may be at work on them.

    Raises:
        RunError: A journal is damaged, or that of another run, or there are too many.
    """
    number = len(plan.contenders) * plan.seeds
    if number > _MOST_RUNS:
        raise RunError(
            f"the comparison in {path} has {number:,} runs, more than {_MOST_RUNS:,}",
            "bring its plan back from a copy",
        )
    searched = plan.objective if plan.front is None else plan.front.objectives[0]
    names = list(dict.fromkeys(q.name for q in (searched, *plan.recorded)))
    return [
        _read_run(path, contender, seed, names)
        for contender in plan.contenders
        for seed in range(plan.seeds)
    ]


def damage_in_words(runs: Iterable[Run]) -> list[str]:
    """Sentences about the journals whose end is damaged, one each."""
    return [
        f"the last {run.damaged:,} bytes of the journal of {run.label}, seed {run.seed}, are "
        "damaged, as after a power failure, and do not count"
        for run in runs
        if run.damaged
    ]


def is_running(path: Path) -> bool:
    """True while a process works on the comparison of a folder."""
    return is_being_written(path / LOCK)


def journal_path(path: Path, contender: Contender, seed: int) -> Path:
    """The path of the journal of a run."""
    return path / _RUNS / contender.folder_name / f"{seed}.jsonl"


def _planned(path: Path, wanted: Plan) -> Plan:
    """Extend the plan of a folder by what is wanted.

    Raises:
        AnasodError: The plans do not go together, or the comparison cannot answer what is asked.
    """
    plan = wanted
    if holds_comparison(path):
        plan = Plan.read(path / COMPARISON).extended(wanted)
    elif any((path / _RUNS).glob("*/*.jsonl")):
        raise RunError(
            f"the folder {path} has runs, but no {COMPARISON} that says of which benchmark",
            "bring that back from a copy, or choose another folder",
        )
    plan.check_questions()
    return plan


def _read_run(path: Path, contender: Contender, seed: int, names: Sequence[str]) -> Run:
    journal = journal_path(path, contender, seed)
    if not journal.exists():
        return Run(contender.label, seed, contender.trials, ())
    content = read_content(journal)
    check_quantities(journal, content.records, names)
    # Whatever a longer comparison has had before it was planned anew is its beginning.
    records = tuple(content.records[: contender.trials])
    return Run(contender.label, seed, contender.trials, records, len(content.damaged))
