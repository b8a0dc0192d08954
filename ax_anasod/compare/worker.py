"""The process that carries out runs, one after another, until it is told to stop."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from ax_anasod.compare.contender import Contender
from ax_anasod.exceptions import AnasodError, RunError
from ax_anasod.journal import Journal, Record, is_being_written
from ax_anasod.nasbench import Benchmark, LookupBenchmark, from_dict
from ax_anasod.runs import Search
from ax_anasod.threads import one_thread

# A worker whose main process was killed ends its trial before it notices.
_PATIENCE_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Task:
    """One run: a contender with a seed.

    Args:
        contender: The contender.
        seed: The seed.
        journal: Where its trials are kept.
    """

    contender: Contender
    seed: int
    journal: Path


@dataclass(frozen=True)
class Progressed:
    """A run has so many trials.

    Args:
        trials: How many.
    """

    trials: int


@dataclass(frozen=True)
class Ended:
    """A run is at its end, was stopped, or has failed.

    Args:
        error: Why it has failed, on one line; None where it has not.
        details: Where in the program that was.
    """

    error: str | None = None
    details: str = ""


Parcel = Benchmark | Mapping[str, Any]


def pack(benchmark: Benchmark) -> Parcel:
    """A benchmark as it is sent to a worker.

    One that lies in memory is sent as it is, since reading it again can take long; any other
    one is made again from its description.
    """
    return benchmark if isinstance(benchmark, LookupBenchmark) else benchmark.to_dict()


# One process a core. Where a fork server was running already, the environment that says so does
# not reach its processes; proposals see to it themselves, a benchmark of a user's own does not.
@one_thread()
def work(connection: Connection) -> None:
    """Carry out the tasks that come through a connection, and report on each.

    Args:
        connection: Brings a benchmark from :func:`pack`, then :class:`Task` objects, and takes
            :class:`Progressed` and :class:`Ended`. Anything that comes during a task stops it
            after its trial, and so does the end of the process at the other side.
    """
    parcel: Parcel = connection.recv()

    # Made in the first task, which is told if it cannot be: a benchmark of a user's own may
    # be unknown to this process.
    @cache
    def benchmark() -> Benchmark:
        return from_dict(parcel) if isinstance(parcel, Mapping) else parcel

    while True:
        try:
            task = connection.recv()
            if not isinstance(task, Task):
                return
            connection.send(_end_of(task, benchmark, connection))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


def _end_of(task: Task, benchmark: Callable[[], Benchmark], connection: Connection) -> Ended:
    try:
        _carry_out(task, benchmark(), connection)
    except AnasodError as error:
        return Ended(str(error))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # noqa: BLE001  # One run must not end the others.
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return Ended(text, traceback.format_exc())
    return Ended()


def _carry_out(task: Task, benchmark: Benchmark, connection: Connection) -> None:
    config = task.contender.config(benchmark, task.seed)
    task.journal.parent.mkdir(parents=True, exist_ok=True)
    with _open_patiently(task.journal) as journal:
        search = Search(config, benchmark, journal)

        def after_trial(record: Record) -> None:
            connection.send(Progressed(record.trial + 1))

        search.run(task.contender.trials, after_trial, should_stop=connection.poll)


def _open_patiently(path: Path) -> Journal:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return Journal(path)
        except RunError:
            if not is_being_written(path) or time.monotonic() > until:
                raise
            time.sleep(0.2)
