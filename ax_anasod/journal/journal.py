"""The journal of a run: what is true of it.

An append-only file with one line a trial event (:mod:`ax_anasod.journal.events`), each on
the disk before the run goes on. Everything else in a run folder can be made again from it.
A line that was cut off when the process was killed counts as never written, and so does a
batch of proposals of which some are missing: both are made again, the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from itertools import count, groupby
from pathlib import Path
from typing import Self

from ax_anasod.exceptions import RunError, RunLostError
from ax_anasod.files import read_open, sync_folder, write_new
from ax_anasod.journal.content import MOST_BYTES, Record, extend, parse
from ax_anasod.journal.events import Event, to_lines
from ax_anasod.locks import is_same_file, open_locked


class Journal:
    """A journal opened for appending, by one process at a time.

    Args:
        path: The file; it is made where there is none.

    Attributes:
        records: The trials, in order.
        set_aside: The file that has got the damaged end of this one, None where it had none.

    Raises:
        RunError: The file cannot be opened, another process writes it, a line is damaged, or it
            is no journal; then the file is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_aside: Path | None = None
        self._torn = False
        self._file = open_locked(
            path, f"the journal {path}", f"the run of {path} is being continued by another process"
        )
        try:
            content = parse(path, read_open(self._file, MOST_BYTES))
            self.records, self._size = content.records, content.whole
            self._checksum = content.checksum
            if content.damaged:
                self.set_aside = _set_aside(path, content.damaged)
            os.ftruncate(self._file, self._size)
            if not self._size:
                sync_folder(path.parent)
        except OSError as error:
            self.close()
            raise RunError(f"the journal {path} cannot be read: {error.strerror}") from error
        except BaseException:
            self.close()
            raise

    @property
    def ended(self) -> int:
        """The number of trials that have ended."""
        return sum(record.end is not None for record in self.records)

    def append(self, *events: Event) -> None:
        """Write events, all or none, and return once they are on the disk.

        Raises:
            RunLostError: See `check`.
            RunError: The events cannot be written, as on a full disk; the journal stays as it was.
        """
        content, checksum = to_lines(events, self._checksum)
        records = extend(self.records, events)
        try:
            self._cut()
            self.check()
            self._torn = True
            _write_all(self._file, content)
            os.fsync(self._file)
            self._torn = False
        except OSError as error:
            # If this fails, too, the next writer tries again.
            with suppress(OSError):
                self._cut()
            first = events[0]
            raise RunError(
                f"trial {first.trial} could not be recorded in {self.path}: {error.strerror}",
                "all trials before it are kept; make room, then resume the run",
            ) from error
        self.records, self._checksum = records, checksum
        self._size += len(content)

    def check(self) -> None:
        """Make sure that what was written is still where it was written to.

        Raises:
            RunLostError: The file was deleted, moved, replaced, or changed by another
                program.
        """
        status = os.fstat(self._file)
        if not is_same_file(self._file, self.path):
            if status.st_nlink and status.st_size == self._size:
                raise RunLostError(
                    f"the journal {self.path} was moved or replaced while its run was at work",
                    f"{all_trials(self.ended)} in it, wherever it is now",
                    moved=True,
                )
            raise RunLostError(f"the journal {self.path} was deleted while its run was at work")
        if status.st_size != self._size:
            raise RunLostError(
                f"the journal {self.path} was changed by another program while its run was at work"
            )

    def _cut(self) -> None:
        if self._torn:
            os.ftruncate(self._file, self._size)
            self._torn = False

    def close(self) -> None:
        """Close the file, so that another process may continue the run."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write trials as a new journal.

    Args:
        path: The file; there is none yet.
        records: The trials, in order.

    Raises:
        RunError: The journal cannot be written.
    """
    events: list[Event] = []
    for _, group in groupby(records, key=lambda record: record.start.last):
        batch = list(group)
        events += [record.start for record in batch]
        events += [record.end for record in batch if record.end is not None]
    try:
        write_new(path, to_lines(events)[0])
    except OSError as error:
        raise RunError(f"the journal {path} cannot be written: {error.strerror}") from error


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]


def _set_aside(path: Path, damaged: bytes) -> Path:
    """Keep the damaged end of a journal in a file of its own."""
    for number in count(1):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        with suppress(FileExistsError):
            write_new(aside, damaged)
            return aside
    raise AssertionError  # the numbers do not end


def all_trials(number: int) -> str:
    """The beginning of what is said of all trials of a run.

    Example:
        >>> all_trials(1), all_trials(4)
        ('its only trial is', 'all 4 trials are')
    """
    return "its only trial is" if number == 1 else f"all {number} trials are"
