"""A comparison on the terminal: its progress, and its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from ax_anasod.cli.failures import while_writing
from ax_anasod.cli.terminal import (
    INTERRUPTED,
    Interruption,
    PlainTable,
    SearchProgress,
    note,
    plain,
    print_result,
    waiting,
)
from ax_anasod.cli.watch import RunSnapshot
from ax_anasod.compare import Comparison, Observer
from ax_anasod.compare.comparison_folder import is_running
from ax_anasod.compare.progress import FAILURES
from ax_anasod.compare.texts import as_dict, notes, table

if TYPE_CHECKING:
    from ax_anasod.reproduce import Reproduction

_KEPT: Final = "all trials are kept; the same command writes the files again"
_NOT_KEPT: Final = "the same command makes them again"


class ComparisonProgress(Observer):
    """One progress bar over all runs, with what fails above it.

    Args:
        title: Name of the work, for the progress bar.
        unit: Name of the unit that Ctrl-C lets come to its end, such as a trial.
        runs: Plural name of the runs.
    """

    def __init__(self, title: str, unit: str = "trial", runs: str = "runs") -> None:
        self._title, self._called = title, runs
        self._runs = 0
        self._progress: SearchProgress | None = None
        self.interruption = Interruption(self._say, unit)

    def begins(self, done: int, trials: int, runs: int) -> None:
        """Show the bar."""
        self._runs = runs
        self._progress = SearchProgress(self._title, trials, done)
        self._progress.__enter__()

    def goes_on_with(self, labels: Sequence[str]) -> None:
        """Print why the work takes longer than the runs that were asked for."""
        self._say(f"the folder's other strategies go on, too: {', '.join(labels)}")

    def noticed(self, sentence: str) -> None:
        """Print the sentence above the bar."""
        self._say(sentence)

    def progressed(self, done: int, runs: int) -> None:
        """Move the bar."""
        if self._progress is not None:
            self._progress.show(done, f"{runs} of {self._runs} {self._called}")

    def failed(self, label: str, seed: int, reason: str) -> None:
        """Print the failure at once: the comparison may go on for hours."""
        self._say(f"{label}, seed {seed} failed: {reason}")

    def should_stop(self) -> bool:
        """True if Ctrl-C was pressed."""
        return self.interruption.requested

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.__exit__(None, None, None)

    def _say(self, text: str) -> None:
        if self._progress is None:
            note(text)
        else:
            self._progress.say(text)


@contextmanager
def watched(title: str, unit: str = "trial", runs: str = "runs") -> Iterator[ComparisonProgress]:
    """Show the progress of comparisons; the first Ctrl-C ends them after a trial.

    Args:
        title: Name of the work, for the progress bar.
        unit: Name of the unit that Ctrl-C lets come to its end, such as a trial.
        runs: Plural name of the runs.
    """
    progress = ComparisonProgress(title, unit, runs)
    with progress.interruption:
        try:
            yield progress
        finally:
            progress.close()


def finish(comparison: Comparison, *, as_json: bool) -> int:
    """Write the files of a comparison and print its summary.

    Args:
        comparison: The comparison, finished or stopped.
        as_json: Print the summary as JSON on stdout, and the table on stderr.

    Returns:
        The exit code.

    Raises:
        Failure: A file cannot be written.
    """
    try:
        if comparison.out is not None:
            with while_writing(_KEPT), waiting("drawing the pictures"):
                comparison.write()
    finally:
        # The results are printed even if their files could not be written.
        _print_comparison(comparison, as_json=as_json)
    failures = sum(map(len, comparison.failures.values()))
    return _exit_code(comparison.finished, failures, comparison.out)


def finish_reproduction(reproduction: Reproduction, out: Path | None, *, as_json: bool) -> int:
    """Write the files of a table or figure of the paper, and print it.

    Args:
        reproduction: The table or figure, finished or stopped.
        out: The folder, None where nothing is written.
        as_json: Print it as JSON on stdout, and as a table on stderr.

    Returns:
        The exit code.

    Raises:
        Failure: A file cannot be written.
    """
    from ax_anasod.reproduce import write_files

    try:
        if out is not None:
            kept = _KEPT if reproduction.resumable else _NOT_KEPT
            with while_writing(kept), waiting("drawing the pictures"):
                write_files(reproduction, out)
    finally:
        _print_reproduction(reproduction, out, as_json=as_json)
    if not reproduction.finished and not reproduction.resumable:
        note("stopped before its end; the same command starts again")
        return INTERRUPTED
    return _exit_code(reproduction.finished, len(reproduction.failures), out)


def _print_reproduction(reproduction: Reproduction, out: Path | None, *, as_json: bool) -> None:
    content = reproduction.as_dict() | {"out": None if out is None else str(out)}
    shown = _table(reproduction.title, *reproduction.table())
    print_result(shown, reproduction.notes(), content=content if as_json else None)


def show_comparison(path: Path, *, as_json: bool) -> None:
    """Print what a comparison has found so far, without changing anything.

    Args:
        path: Its folder.
        as_json: Print the summary as JSON on stdout, and the table on stderr.

    Raises:
        RunError: The comparison is damaged.
    """
    comparison = Comparison.read(path)
    _print_comparison(comparison, as_json=as_json, state=_state(comparison, is_running(path)))


def look_at_comparison(path: Path) -> RunSnapshot:
    """A snapshot of a comparison, with all that `show_comparison` prints.

    Raises:
        RunError: The comparison is damaged.
    """
    running = is_running(path)
    comparison = Comparison.read(path)
    state = _state(comparison, running)
    ended = int(comparison.results.shape[0])
    line = f"{state}, {ended:,} trials"
    return RunSnapshot(line, running, Group(*_shown(comparison, state)))


def _state(comparison: Comparison, running: bool) -> str:
    if comparison.finished:
        return "finished"
    return "running" if running else "stopped; the same command goes on from here"


def _shown(comparison: Comparison, state: str | None) -> tuple[PlainTable, *tuple[Text, ...]]:
    sentences = [*([] if state is None else [f"State: {state}."]), *notes(comparison.summary)]
    shown = _table(f"strategies on {comparison.plan.subject}", *table(comparison.summary))
    return shown, *map(plain, [*sentences, *comparison.damage])


def _print_comparison(comparison: Comparison, *, as_json: bool, state: str | None = None) -> None:
    out = None if comparison.out is None else str(comparison.out)
    content = as_dict(comparison.summary) | {"out": out}
    shown, *sentences = _shown(comparison, state)
    print_result(shown, sentences, content=content if as_json else None)


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> PlainTable:
    shown = PlainTable(title, pad_edge=False)
    for position, name in enumerate(header):
        shown.add_column(name, justify="right" if position else "left", no_wrap=not position)
    for row in rows:
        shown.add_row(*row)
    return shown


def _exit_code(finished: bool, failures: int, out: Path | None) -> int:
    if not finished:
        note(
            "stopped before its end; "
            + (
                "nothing was kept, since --out was not given"
                if out is None
                else "the same command goes on from here"
            )
        )
        return INTERRUPTED
    if failures:
        details = "" if out is None else f"; details: {out / FAILURES}"
        note(f"{failures} {'run has' if failures == 1 else 'runs have'} failed{details}")
        return 1
    return 0
