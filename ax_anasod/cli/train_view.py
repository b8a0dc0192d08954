"""What is shown while images are read and networks trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ax_anasod.cli.session import stderr_console


@contextmanager
def reading_images(dataset: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, where it is a terminal.

    Args:
        dataset: Name of the data set.
    """
    console = stderr_console()
    progress = Progress(
        TextColumn("reading the images of {task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with progress:
        task = progress.add_task(dataset, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
