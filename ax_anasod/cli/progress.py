"""The progress bar of a search, with the incumbent and the time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ax_anasod.cli.session import stderr_console
from ax_anasod.escaping import for_terminal


class SearchProgress:
    """A progress bar on stderr; nothing where stderr is no terminal.

    Args:
        title: What is searched, and how.
        trials: How many trials there will be.
        done: How many there are.
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
            done: How many trials have ended.
            incumbent: The best value so far, in words.
        """
        self._progress.update(self._task, completed=done, incumbent=for_terminal(incumbent))

    def show_part(self, name: str, done: int, total: int, words: str) -> None:
        """A bar of its own for something that takes long, such as a trial that is trained.

        Args:
            name: What it is.
            done: How many of its steps are done.
            total: How many it has.
            words: How it stands.
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()
