"""The terminal: what is shown while a command works, Ctrl-C, and tables and JSON of results.

Nothing that comes from a file acts on the terminal. Progress and notes go to stderr, and
progress only on a terminal.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from ax_anasod.environment import changes
from ax_anasod.escaping import for_terminal
from ax_anasod.exceptions import AnasodWarning

INTERRUPTED: Final = 130
"""Exit code of a process that was stopped with Ctrl-C."""


def stderr_console() -> Console:
    """The console for everything but results."""
    return Console(stderr=True, highlight=False)


@contextmanager
def waiting(doing: str) -> Iterator[None]:
    """A spinner where stderr is a terminal."""
    console = stderr_console()
    if not console.is_terminal:
        yield
        return
    with console.status(Text(for_terminal(f"{doing} ..."))):
        yield


def note(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"note: {for_terminal(text)}\n")


def note_changes(environment: Mapping[str, str]) -> None:
    """Print the differences between this environment and that of a run which goes on."""
    if different := changes(environment):
        note(f"the run was started with {different}: what follows may differ in the last digits")


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the log lines and warnings of Ax and its kin off the terminal.

    They are about Ax's own doing, twice a trial, and would tear the progress bar; what a
    user has to know this package says itself, as notes. ``python -W`` still shows warnings.
    """
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", AnasodWarning)
            said: set[str] = set()

            def say(message: Warning | str, *details: Any, **more: Any) -> None:
                # Only AnasodWarnings arrive here: the filters above ignore all other warnings.
                if str(message) not in said:
                    said.add(str(message))
                    note(str(message))

            warnings.showwarning = say
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


class SearchProgress:
    """A progress bar on stderr; nothing where stderr is no terminal.

    Args:
        title: Name of the search.
        trials: Number of trials at the end.
        done: Number of trials so far.
    """

    def __init__(self, title: str, trials: int, done: int) -> None:
        console = stderr_console()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[incumbent]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._parts: dict[str, TaskID] = {}
        self._task = self._progress.add_task(
            for_terminal(title), total=trials, completed=done, incumbent=""
        )

    def show(self, done: int, incumbent: str) -> None:
        """Move to ``done`` trials.

        Args:
            done: Number of trials that have ended.
            incumbent: The best value so far, in words.
        """
        self._progress.update(self._task, completed=done, incumbent=for_terminal(incumbent))

    def show_part(self, name: str, done: int, total: int, words: str) -> None:
        """A bar of its own for something that takes long, such as a trial that is trained.

        Args:
            name: Name of the part.
            done: Number of its steps that are done.
            total: Number of all its steps.
            words: Its state in words.
        """
        if name not in self._parts:
            self._parts[name] = self._progress.add_task(name, total=total, incumbent="")
        self._progress.update(self._parts[name], completed=done, incumbent=for_terminal(words))

    def end_part(self, name: str) -> None:
        """Take the bar of something that has ended away."""
        if name in self._parts:
            self._progress.remove_task(self._parts.pop(name))

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._progress.console.print(Text(for_terminal(text)))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()


class Interruption:
    """Remembers Ctrl-C instead of raising it, so that a trial is never torn.

    Args:
        announce: Called with a sentence at the first Ctrl-C.
        unit: Name of the unit that comes to its end, such as a trial.
    """

    def __init__(self, announce: Callable[[str], None], unit: str = "trial") -> None:
        self.requested = False
        self._announce, self._unit = announce, unit
        self._before: Any = None

    def __enter__(self) -> Self:
        # Python delivers signals to the main thread only, and lets only it set handlers.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self._announce(f"stopping after this {self._unit}; Ctrl-C again stops at once")


class PlainTable(Table):
    """A table whose cells and title are shown as they are: no markup, no control characters.

    Args:
        title: Its title, if any.
        **settings: As for rich's table.
    """

    def __init__(self, title: str | None = None, **settings: Any) -> None:
        shown = None if title is None else plain(title)
        super().__init__(title=shown, title_justify="left", box=SIMPLE_HEAD, **settings)

    def add_row(self, *cells: Any, **settings: Any) -> None:
        """Add a row; cells that are no text are shown as rich does."""
        super().add_row(*(plain(c) if isinstance(c, str) else c for c in cells), **settings)

    def add_column(self, header: Any = "", *arguments: Any, **settings: Any) -> None:
        """Add a column."""
        shown = plain(header) if isinstance(header, str) else header
        super().add_column(shown, *arguments, **settings)


def plain(text: str) -> Text:
    """Text that is shown as it is."""
    return Text(for_terminal(text))


def lines(texts: list[str]) -> Text:
    """Texts below each other, in one cell; a dash where there are none."""
    return Text("\n".join(map(for_terminal, texts)) or "-")


def listing(*columns: str) -> PlainTable:
    """A table with these columns, the first of which is never broken."""
    table = PlainTable(pad_edge=False)
    for position, column in enumerate(columns):
        table.add_column(column, no_wrap=position == 0, overflow="fold")
    return table


def print_result(
    table: Table, sentences: Iterable[str | Text] = (), *, content: Any = None
) -> None:
    """Print a result on stdout; or on stderr, where its content is printed on stdout as JSON.

    Where no terminal limits the width, no line is broken.

    Args:
        table: For people.
        sentences: For people, too, below it.
        content: An object that is printed as one line of JSON.
    """
    console = Console(stderr=content is not None, highlight=False)
    wide = (
        console
        if console.is_terminal
        else Console(file=console.file, highlight=False, width=100_000)
    )
    wide.print(table)
    for sentence in sentences:
        shown = plain(sentence) if isinstance(sentence, str) else sentence
        console.print(shown, soft_wrap=not console.is_terminal)
    if content is not None:
        # JSON may hold the delete character as it is, unlike all others that act.
        sys.stdout.write(json.dumps(content).replace("\x7f", "\\u007f") + "\n")
