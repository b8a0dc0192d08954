"""Errors as people see them: one line on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self

import typer

from ax_anasod.cli._typer import UsageError, explain
from ax_anasod.escaping import for_terminal
from ax_anasod.exceptions import AnasodError, RunError, RunLostError, UnknownNameError

TRACEBACK: Final = "AX_ANASOD_TRACEBACK"
"""Environment variable that lets unexpected errors show where they come from."""

# What users can register names of.
_REGISTERED: Final = ("strategy", "benchmark", "cell class")


class Failure(Exception):
    """A run has failed on its way, as opposed to being asked for wrongly.

    Args:
        error: The error that ended it.
        advice: Hint for an error that has none.
    """

    def __init__(self, error: AnasodError, advice: str | None = None) -> None:
        super().__init__(str(error))
        self.message = error.message
        self.hint = hint_of(error) or advice


@contextmanager
def while_running(advice: str | None = None) -> Iterator[None]:
    """Errors in here are failures of a run (exit code 1), not the user's mistakes (2).

    Args:
        advice: Hint for an error that has none.

    Raises:
        Failure: In the place of an :class:`AnasodError`.
    """
    try:
        yield
    except AnasodError as error:
        raise Failure(error, advice) from error


@contextmanager
def while_writing(kept: str) -> Iterator[None]:
    """Errors in here say what is kept, and how its files are written again.

    Args:
        kept: A sentence that says both.

    Raises:
        Failure: In the place of a :class:`RunError`.
    """
    try:
        yield
    except RunError as error:
        raise Failure(RunError(error.message, kept)) from error


def say_error(message: str, hint: str | None, code: int) -> int:
    """Print an error on stderr, on one line, and return its exit code."""
    text = message if hint is None else f"{message} ({hint})"
    # Names in messages may hold line breaks, and bytes that act on the terminal.
    sys.stderr.write(for_terminal(" ".join(f"error: {text}".split())) + "\n")
    return code


@dataclass(frozen=True)
class ErrorReport:
    """The report of an error that ends a command.

    Args:
        message: Description of the error.
        hint: Advice for the user.
        code: The exit code.
        expected: False for an unexpected exception, which is a bug.
    """

    message: str
    hint: str | None
    code: int
    expected: bool = True

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Build the report of an error that no command has handled."""
        if isinstance(error, UsageError):
            return cls(*explain(error), code=2)
        if isinstance(error, AnasodError):
            # A folder that was deleted during a run is no usage error (exit code 1, not 2).
            code = 1 if isinstance(error, RunLostError) else 2
            return cls(error.message, hint_of(error), code)
        if isinstance(error, Failure):
            return cls(error.message, error.hint, code=1)
        if isinstance(error, KeyboardInterrupt | typer.Abort):
            return cls("interrupted", None, code=130)
        text = " ".join(str(error).split())
        return cls(
            f"{type(error).__name__}: {text}" if text else type(error).__name__,
            f"unexpected; {TRACEBACK}=1 shows where it comes from",
            code=1,
            expected=False,
        )

    def say(self) -> int:
        """Print it on stderr, on one line, and return the exit code."""
        return say_error(self.message, self.hint, self.code)


def hint_of(error: AnasodError) -> str | None:
    """Advice about an error, in the words of the command line."""
    hint = error.hint or ""
    unknown = isinstance(error, UnknownNameError) and error.kind in _REGISTERED
    if not unknown or hint.startswith("did you mean"):
        return error.hint
    return f"{hint}; one of your own: ax-anasod --import MODULE ..."
