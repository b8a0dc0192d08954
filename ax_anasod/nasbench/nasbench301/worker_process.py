"""A child process that is spoken to in lines of JSON."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final, cast

from ax_anasod.exceptions import BenchmarkError

_ENDING: Final = 5.0
_TAIL: Final = 4096
_SHOWN: Final = 80
# Letters of an answer; real ones have some thousand.
_LONGEST: Final = 2**24


class ProcessLostError(Exception):
    """The process has ended, or says what is no answer. It is gone, what was asked is not."""


class ProcessSlowError(Exception):
    """The process took too long, and was ended."""


class LineProcess:
    """A process that reads a JSON object a line and answers with one a line.

    Nothing goes through a shell. It ends with this object, or with this process, whose end
    closes its stdin.

    Args:
        command: Program and arguments.

    Raises:
        BenchmarkError: If there is no such program.
    """

    def __init__(self, command: Sequence[str]) -> None:
        # A file, since nobody would read a pipe before it is full.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it ends)
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                errors="replace",
                # What it predicts is small: threads would cost more than they save.
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                # An interrupt in the terminal is for this process to handle.
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise BenchmarkError(f"{command[0]} cannot be run: {error.strerror}") from error
        self._requests = cast(IO[str], self._child.stdin)
        self._answers = cast(IO[str], self._child.stdout)
        self._end = weakref.finalize(
            self, _end, self._child, self._requests, self._answers, self._errors
        )

    @property
    def pid(self) -> int:
        """The number that the system gave it."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it was not ended from here; it may have ended itself."""
        return self._end.alive

    def exchange(self, line: str, seconds: float) -> dict[str, Any]:
        """Write a line and read one. Whatever fails, even an interrupt, ends the process.

        Args:
            line: What to write, with its line break; nothing, if empty.
            seconds: How long this may take.

        Returns:
            The object on the line that was read.

        Raises:
            ProcessLostError: If the process ended, or the line holds no JSON object.
            ProcessSlowError: If it took too long.
        """
        try:
            with self._killed_after(seconds) as expired:
                # One that has ended breaks the pipe, and ends the reading as well.
                with contextlib.suppress(BrokenPipeError):
                    self._requests.write(line)
                    self._requests.flush()
                text = self._answers.readline(_LONGEST)
            if expired.is_set():
                raise ProcessSlowError(f"no answer within {seconds:g} seconds")
            return self._parse(text)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """End it at once."""
        self._end()

    def _parse(self, text: str) -> dict[str, Any]:
        if len(text) == _LONGEST:
            raise ProcessLostError(f"it printed a line of more than {_LONGEST:,} letters")
        if not text.endswith("\n"):
            raise ProcessLostError(self._last_words())
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ProcessLostError(f"it printed {text[:_SHOWN]!r} in the place of an answer")
        return answer

    def _last_words(self) -> str:
        """How it ended, with the last line that it wrote to stderr."""
        try:
            code = self._child.wait(_ENDING)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _TAIL))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return f"it ended with {how}" + (f": {lines[-1].strip()}" if lines else "")

    @contextlib.contextmanager
    def _killed_after(self, seconds: float) -> Iterator[threading.Event]:
        """Killing it ends any reading from it and writing to it."""
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._child.kill()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()


def _end(child: subprocess.Popen[str], *files: IO[Any]) -> None:
    child.kill()
    for file in files:
        # Closing writes what is left in a buffer, which nobody reads any more.
        with contextlib.suppress(OSError):
            file.close()
    child.wait()
