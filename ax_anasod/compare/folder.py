"""A comparison as a folder: the plan, and a journal for each run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ax_anasod.compare.contender import Contender
from ax_anasod.compare.layout import LOCK, PLAN, RUNS, holds_comparison
from ax_anasod.compare.plan import Plan
from ax_anasod.compare.worker import Task
from ax_anasod.exceptions import RunError
from ax_anasod.journal import Journal, Record, is_being_written, read_records
from ax_anasod.runs.layout import check_holds_no_other, check_is_no_file


@dataclass(frozen=True)
class Run:
    """A contender with a seed, and its trials so far.

    Args:
        label: The contender.
        seed: The seed.
        planned: How many trials are planned.
        records: The trials so far.
    """

    label: str
    seed: int
    planned: int
    records: tuple[Record, ...]

    @property
    def finished(self) -> bool:
        """Whether all planned trials have ended."""
        return sum(record.end is not None for record in self.records) >= self.planned


class ComparisonFolder:
    """The folder of a comparison that this process works in, and no other.

    Every run has a journal of its own, in which each trial is on the disk before the run goes
    on. Whatever happens to the processes, nothing that has been evaluated is lost, and a run
    goes on where it was.

    Args:
        path: The folder.
        plan: The plan.
        lock: Held as long as the folder is open.
    """

    def __init__(self, path: Path, plan: Plan, lock: Journal) -> None:
        self.path, self.plan, self._lock = path, plan, lock

    @classmethod
    def open(cls, path: Path, wanted: Plan) -> Self:
        """Make the folder of a comparison, or open it and extend its plan.

        Raises:
            AnasodError: The comparison cannot answer what is asked.
            RunError: It is a file, the folder of a search, or holds a comparison of something
                else or with more trials or seeds; another process is at work in it; or it
                cannot be written.
        """
        with _refusing(path):
            check_is_no_file(path)
            check_holds_no_other(path, PLAN)
            _planned(path, wanted)  # refuses before anything is written
            path.mkdir(parents=True, exist_ok=True)
            if is_running(path):
                raise RunError(
                    f"another process is at work on the comparison in {path}",
                    "wait for its end, or stop it",
                )
            # A journal that nothing is written to: it is locked as long as it is open.
            lock = Journal(path / LOCK)
            try:
                plan = _planned(path, wanted)
                plan.write(path / PLAN)
            except BaseException:
                lock.close()
                raise
            return cls(path, plan, lock)

    @property
    def tasks(self) -> list[Task]:
        """All runs, those with the same seed together.

        In this order a comparison that was stopped has the same seeds of all contenders.
        """
        return [
            Task(contender, seed, journal_path(self.path, contender, seed))
            for seed in range(self.plan.seeds)
            for contender in self.plan.contenders
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.close()


def read_runs(path: Path, plan: Plan) -> list[Run]:
    """All runs of a comparison as they are now; processes may be at work on them.

    Raises:
        RunError: A journal is damaged.
    """
    return [
        Run(contender.label, seed, contender.trials, _records(path, contender, seed))
        for contender in plan.contenders
        for seed in range(plan.seeds)
    ]


def is_running(path: Path) -> bool:
    """Whether a process is at work on the comparison of a folder."""
    return is_being_written(path / LOCK)


def journal_path(path: Path, contender: Contender, seed: int) -> Path:
    """Where the trials of a run are kept."""
    return path / RUNS / contender.folder_name / f"{seed}.jsonl"


def _planned(path: Path, wanted: Plan) -> Plan:
    """What is wanted, with what the folder has.

    Raises:
        AnasodError: The two do not go together, or the comparison cannot answer what is asked.
    """
    plan = wanted
    if holds_comparison(path):
        plan = Plan.read(path / PLAN).extended(wanted)
    elif any((path / RUNS).glob("*/*.jsonl")):
        raise RunError(
            f"the folder {path} has runs, but no {PLAN} that says of which benchmark",
            "bring that back from a copy, or choose another folder",
        )
    plan.check_questions()
    return plan


def _records(path: Path, contender: Contender, seed: int) -> tuple[Record, ...]:
    journal = journal_path(path, contender, seed)
    # Whatever a longer comparison has had before it was planned anew is its beginning.
    return tuple(read_records(journal)[: contender.trials]) if journal.exists() else ()


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(
            f"the folder {path} cannot be used: {error.strerror}", "choose another folder"
        ) from error
