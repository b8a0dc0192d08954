"""The process that serves a surrogate, spoken to in lines of JSON, and started again when lost."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final, cast

from ax_anasod.exceptions import BenchmarkError, shown
from ax_anasod.nasbench.source_files import one_line

_ENDING: Final = 5.0
_TAIL: Final = 4096
_SHOWN: Final = 80
# Letters of an answer; real ones have some thousand.
_LONGEST: Final = 2**24
STARTING: Final = 600.0
"""Seconds that loading a surrogate may take: large ensembles have hundreds of megabytes."""

ANSWERING: Final = 300.0
"""Seconds that one request may take."""

CHUNK: Final = 256
"""Most architectures of one request: what is answered is not asked again."""

# The worker's numbers become double precision ones.
_LARGEST: Final = 2**1023

COLUMNS: Final = ("accuracy", "deviation", "seconds")
"""The quantities that are predicted for each architecture."""


class ProcessLostError(Exception):
    """The process has ended or sent an invalid answer. A new one can get the same request."""


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
        # A file, since a pipe would fill up unread.
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
        """True if this process has not ended the other one, which may have ended by itself."""
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
            ProcessSlowError: If the process took too long.
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
        """The end of the process in words, with the last line that it wrote to stderr."""
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
        # Closing writes what is left in a buffer, and the reader has ended.
        with contextlib.suppress(OSError):
            file.close()
    child.wait()


class GenotypeRefusedError(Exception):
    """One genotype cannot be predicted.

    Args:
        index: Its place among those that were asked for.
        reason: Why.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index, self.reason = index, reason


class Worker:
    """Has genotypes predicted by a process that serves a surrogate, see `worker_script`.

    The process is started when this is made, so that a damaged surrogate is found then. If
    it is lost in the middle of a batch, whatever it had not answered is asked again of a new
    one: first in halves, so that a genotype that it cannot survive is found, and named.

    Args:
        command: Program and arguments.
        starting: Seconds until the process must be ready.
        answering: Seconds until it must have answered a request.

    Raises:
        BenchmarkError: If the process does not start, or has nothing to serve.
    """

    def __init__(
        self, command: Sequence[str], *, starting: float = STARTING, answering: float = ANSWERING
    ) -> None:
        self._command = list(command)
        self._starting, self._answering = starting, answering
        self._ids = itertools.count()
        # Ax may run trials in threads.
        self._lock = threading.Lock()
        self._process, self.description = self._start()

    @property
    def pid(self) -> int | None:
        """Number of the process, None while there is none."""
        return self._process.pid if self._process.alive else None

    def predict(self, genotypes: Sequence[Any]) -> dict[str, list[Any]]:
        """Predict genotypes, however often the process is lost on the way.

        Args:
            genotypes: ``n`` JSON-able genotypes.

        Returns:
            ``accuracy`` and ``deviation`` in percent, ``seconds``: ``n`` values each, or
            None where the surrogate has none.

        Raises:
            GenotypeRefusedError: If a genotype is refused, or the process does not
                survive it.
            BenchmarkError: If the process cannot be started again, or takes too long.
        """
        parts: dict[int, dict[str, list[Any]]] = {}
        # Ranges, the next one last, and whether the process was lost on it before.
        starts = range(0, len(genotypes), CHUNK)
        waiting = [(first, min(first + CHUNK, len(genotypes)), False) for first in starts][::-1]
        while waiting:
            first, end, lost = waiting.pop()
            try:
                parts[first] = self._ask(genotypes[first:end], first)
            except ProcessLostError as error:
                if lost:
                    reason = f"the surrogate's process was lost on it twice: {error}"
                    raise GenotypeRefusedError(first, reason) from error
                middle = (first + end) // 2
                if first == middle:
                    waiting.append((first, end, True))
                else:
                    waiting += [(middle, end, False), (first, middle, False)]
            except ProcessSlowError as error:
                if end - first == 1:
                    raise GenotypeRefusedError(first, str(error)) from error
                raise BenchmarkError(
                    f"the surrogate gave {error} for {end - first} architectures",
                    "allow it more with timeout=SECONDS",
                ) from error
        return {
            name: [value for first in sorted(parts) for value in parts[first][name]]
            for name in COLUMNS
        }

    def close(self) -> None:
        """End the process. A later request starts another."""
        with self._lock:
            self._process.end()

    def _ask(self, genotypes: Sequence[Any], first: int) -> dict[str, list[Any]]:
        with self._lock:
            if not self._process.alive:
                self._process, self.description = self._start()
            request = next(self._ids)
            line = json.dumps({"id": request, "genotypes": genotypes}) + "\n"
            answer = self._process.exchange(line, self._answering)
            try:
                return _checked(answer, request, first, len(genotypes))
            except ProcessLostError:
                self._process.end()
                raise

    def _start(self) -> tuple[LineProcess, dict[str, Any]]:
        process = LineProcess(self._command)
        try:
            greeting = process.exchange("", self._starting)
        except (ProcessLostError, ProcessSlowError) as error:
            raise BenchmarkError(
                f"{self._command[0]} does not load the surrogate: {error}"
            ) from error
        if not isinstance(greeting.get("ready"), dict):
            process.end()
            said = one_line(greeting.get("error", greeting))
            raise BenchmarkError(f"{self._command[0]} cannot load the surrogate: {said}")
        return process, greeting["ready"]


def _checked(answer: dict[str, Any], request: int, first: int, number: int) -> dict[str, list[Any]]:
    if answer.get("id") != request:
        raise ProcessLostError(f"it answered request {shown(answer.get('id'))}, not {request}")
    if "index" in answer:
        index = answer["index"]
        if type(index) is not int or not 0 <= index < number:
            raise ProcessLostError(f"it refuses genotype {shown(index)} of {number}")
        raise GenotypeRefusedError(first + index, one_line(answer.get("error")))
    if "error" in answer:
        raise BenchmarkError(f"the surrogate fails: {one_line(answer['error'])}")
    columns: dict[str, list[Any]] = {}
    for name in COLUMNS:
        column = answer.get(name)
        if column is None and name == "seconds":
            columns[name] = [None] * number
            continue
        if not isinstance(column, list) or len(column) != number:
            raise ProcessLostError(f"it did not answer with {number} values of {name}")
        for value in column:
            # Whether it is finite is looked at where the name of its architecture is known.
            if type(value) is not float and not (type(value) is int and abs(value) < _LARGEST):
                raise ProcessLostError(f"it answered {shown(value)} for a value of {name}")
        columns[name] = column
    return columns
