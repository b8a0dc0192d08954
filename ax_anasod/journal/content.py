"""The content of a journal: its trials, and the length of its undamaged part."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ax_anasod.exceptions import RunError
from ax_anasod.files import read_bytes
from ax_anasod.journal.events import Completed, Event, Failed, Started, from_line
from ax_anasod.locks import try_lock

CONFIG: Final = "config.json"
JOURNAL: Final = "journal.jsonl"
"""The files of a run folder that say what the run is, and what happened in it."""

TRACKED: Final = ".tracked.json"
"""The suffix of the file beside a journal that records what trackers were told."""

MOST_BYTES: Final = 2**29
"""Largest size of a journal that is read: half a gigabyte, several hundred thousand trials."""

_LINE: Final = b'{"event":"'
_FIRST: Final = _LINE + b'start"'


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


@dataclass(frozen=True)
class Content:
    """The content of a journal.

    Args:
        records: The trials, in order.
        whole: Up to which byte it is whole.
        checksum: That of the last line before this byte, 0 where there is none.
        damaged: What comes after that, where it is more than a line or batch whose writing was
            interrupted; empty otherwise.
    """

    records: list[Record]
    whole: int
    checksum: int = 0
    damaged: bytes = b""


def read_content(path: Path) -> Content:
    """Read a journal, which another process may be writing.

    Raises:
        RunError: The file cannot be read or is no journal, or a line is damaged.
    """
    try:
        content = read_bytes(path, MOST_BYTES)
    except OSError as error:
        raise RunError(f"the journal {path} cannot be read: {error.strerror}") from error
    return parse(path, content)


def read_records(path: Path) -> list[Record]:
    """The trials of a journal, which another process may be writing.

    Raises:
        RunError: The file cannot be read or is no journal, or a line is damaged.
    """
    return read_content(path).records


def is_being_written(path: Path) -> bool:
    """Return True if a process has the journal open for appending; False if that is unknown."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        return not try_lock(file, shared=True)
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(file)


def parse(path: Path, content: bytes) -> Content:
    """Parse the bytes of a journal.

    A write is on the disk before the next one begins. So a power failure can only damage the
    last one, of which some pages may then be missing: they read as zeros. It counts as never
    written.

    Args:
        path: Where they are, for messages.
        content: The bytes.

    Raises:
        RunError: The bytes are no journal, or a line is damaged otherwise.
    """
    head = content[: len(_FIRST)].rstrip(b"\0")
    if not _FIRST.startswith(head) or (not head and content.strip(b"\0")):
        raise RunError(
            f"the file {path} is not the journal of a run, and stays as it is",
            "move it elsewhere",
        )
    records: list[Record] = []
    position = whole = checksum = whole_checksum = 0
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            event, checksum = from_line(line, checksum)
            _follow(records, event)
        except ValueError as error:
            if _is_last_write(content[position:]):
                break
            raise RunError(
                f"line {number} of the journal {path} {error}",
                "cut the journal before that line to keep what has ended there "
                f"(trials: {_ended(records)}); the others are then evaluated again",
            ) from error
        position += len(line) + 1
        # Nothing of a batch is evaluated before all of it is in the journal.
        if records[-1].trial == records[-1].start.last:
            whole, whole_checksum = position, checksum
    if records and records[-1].trial != records[-1].start.last:
        first = next(r.trial for r in records if r.start.last == records[-1].start.last)
        records = records[:first]
    rest = content[whole:]
    return Content(records, whole, whole_checksum, b"" if _is_interrupted(rest) else rest)


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


def check_quantities(path: Path, records: Sequence[Record], names: Collection[str]) -> None:
    """Make sure that trials have the values that their run has, and the same operations.

    Args:
        path: Where they come from, for the message.
        records: The trials.
        names: What the run searches and reports.

    Raises:
        RunError: A trial has others, as in the journal of another run.
    """
    operations: set[str] | None = None
    for record in records:
        end = record.end
        if end is None:
            continue
        has_others = (
            set(end.values) != set(names)
            if isinstance(end, Completed)
            else not set(end.values) <= set(names)
        )
        if has_others:
            raise RunError(
                f"trial {end.trial} of the journal {path} has values of "
                f"{', '.join(map(repr, end.values)) or 'nothing'}, not of "
                f"{', '.join(map(repr, names))}",
                "bring the journal of this run back from a copy",
            )
        if isinstance(end, Failed) and not end.encoding:
            continue
        operations = set(end.encoding) if operations is None else operations
        if set(end.encoding) != operations:
            raise RunError(
                f"trial {end.trial} of the journal {path} has other operations than those before",
                "bring the journal of this run back from a copy",
            )


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


def _is_last_write(rest: bytes) -> bool:
    """Return True if the bytes from a damaged line on are one write with missing pages."""
    if b"\0" not in rest:
        return False
    batches = set()
    for line in rest.split(b"\n")[1:]:
        try:
            event, _ = from_line(line, before=None)
        except ValueError:
            continue
        batches.add(event.last if isinstance(event, Started) else None)
    return not batches or (len(batches) == 1 and None not in batches)


def _is_interrupted(rest: bytes) -> bool:
    """Return True if bytes are the beginning of a write, as a killed process leaves it."""
    begun = (line.startswith(_LINE) or _LINE.startswith(line) for line in rest.split(b"\n"))
    return b"\0" not in rest and all(begun)


def _ended(records: list[Record]) -> int:
    return sum(record.end is not None for record in records)
