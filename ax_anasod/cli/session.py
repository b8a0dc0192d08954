"""What is shown while a command works: on stderr, and only where somebody watches."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from ax_anasod.environment import changes
from ax_anasod.escaping import for_terminal
from ax_anasod.exceptions import AnasodWarning


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
    """Say where this environment is not that of a run which goes on."""
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
                # Of one kind only: all others are ignored.
                if str(message) not in said:
                    said.add(str(message))
                    note(str(message))

            warnings.showwarning = say
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
