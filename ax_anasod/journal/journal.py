"""The journal of a run: what is true of it.

An append-only file with one line a trial event (:mod:`ax_anasod.journal.events`), each on
the disk before the run goes on. Everything else in a run folder can be made again from it.
A line that was cut off when the process was killed counts as never written, and so does a
batch of proposals of which some are missing: both are made again, the same.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ax_anasod.exceptions import RunError
from ax_anasod.journal.events import Completed, Event, Failed, Started, from_line, to_line
from ax_anasod.locks import try_lock, try_lock_patiently


@dataclass(frozen=True)
class Record:
    """One trial as the journal has it.

    Args:
        start: How it was proposed.
        end: How it ended; None while it is being evaluated.
    """

    start: Started
    end: Completed | Failed | None = None

    @property
    def trial(self) -> int:
        """Index of the trial."""
        return self.start.trial


class Journal:
    """A journal opened for appending, by one process at a time.

    Args:
        path: The file; it is made where there is none.

    Raises:
        RunError: It cannot be opened, another process writes it, or a line is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            raise RunError(f"the journal {path} cannot be written: {error.strerror}") from error
        try:
            if not try_lock_patiently(self._file):
                raise RunError(
                    f"the run of {path} is being continued by another process",
                    "wait for its end, or stop it",
                )
            self.records, self._size = _parse(path, path.read_bytes())
            os.ftruncate(self._file, self._size)
        except BaseException:
            self.close()
            raise

    def append(self, *events: Event) -> None:
        """Write events, all or none, and return once they are on the disk.

        Raises:
            RunError: They cannot be written, as on a full disk; the journal stays as it was.
        """
        content = b"".join(map(to_line, events))
        records = extend(self.records, events)
        try:
            _write_all(self._file, content)
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            first = events[0]
            raise RunError(
                f"trial {first.trial} could not be recorded in {self.path}: {error.strerror}",
                "all trials before it are kept; make room, then resume the run",
            ) from error
        self.records = records
        self._size += len(content)

    def close(self) -> None:
        """Close the file, so that another process may continue the run."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def read_records(path: Path) -> list[Record]:
    """The trials of a journal, which another process may be writing.

    Raises:
        RunError: It cannot be read, or a line is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"the journal {path} cannot be read: {error.strerror}") from error
    return _parse(path, content)[0]


def is_being_written(path: Path) -> bool:
    """Whether a process has the journal open for appending."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not try_lock(file, shared=True)
    finally:
        os.close(file)


def extend(records: Sequence[Record], events: Sequence[Event]) -> list[Record]:
    """Trials after further events.

    Raises:
        ValueError: An event cannot follow those before it; the message says why, to be put
            after its name.
    """
    extended = list(records)
    for event in events:
        _follow(extended, event)
    return extended


def _follow(records: list[Record], event: Event) -> None:
    if isinstance(event, Started):
        expected = records[-1].start.last if records else -1
        if event.trial != len(records) or (
            event.last < event.trial if event.trial > expected else event.last != expected
        ):
            raise ValueError(f"starts trial {event.trial} where trial {len(records)} is next")
        records.append(Record(event))
        return
    if event.trial >= len(records):
        raise ValueError(f"ends trial {event.trial}, which was never started")
    if records[event.trial].end is not None:
        raise ValueError(f"ends trial {event.trial} a second time")
    if len(records) <= records[event.trial].start.last:
        raise ValueError(f"ends trial {event.trial} before all of its batch were started")
    records[event.trial] = Record(records[event.trial].start, event)


def _parse(path: Path, content: bytes) -> tuple[list[Record], int]:
    """The trials, and up to which byte the journal is whole."""
    records: list[Record] = []
    position = whole = 0
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            _follow(records, from_line(line))
        except ValueError as error:
            raise RunError(
                f"line {number} of the journal {path} {error}",
                "cut the journal before that line to keep what has ended there "
                f"(trials: {_ended(records)}); the others are then evaluated again",
            ) from error
        position += len(line) + 1
        # Nothing of a batch is evaluated before all of it is in the journal.
        if records[-1].trial == records[-1].start.last:
            whole = position
    if records and records[-1].trial != records[-1].start.last:
        first = next(r.trial for r in records if r.start.last == records[-1].start.last)
        records = records[:first]
    return records, whole


def _ended(records: list[Record]) -> int:
    return sum(record.end is not None for record in records)


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
