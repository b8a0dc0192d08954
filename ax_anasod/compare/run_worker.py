"""The process that carries out runs, one after another, until it is told to stop."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Protocol

from ax_anasod import trust
from ax_anasod.compare.contender import Contender
from ax_anasod.exceptions import AnasodError, OptionError, RunError
from ax_anasod.files import refuse_link
from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.journal import Journal, Record, is_being_written
from ax_anasod.nasbench import Benchmark, LookupBenchmark, from_dict
from ax_anasod.runs import Search
from ax_anasod.threads import one_thread

# A worker whose main process was killed ends at once, but on a busy machine that takes time.
_PATIENCE_SECONDS: Final = 60.0


class Channel(Protocol):
    """The way from a run to the process that has started it, such as a `Connection`."""

    def send(self, message: Any, /) -> None:
        """Send a :class:`TaskProgress`."""
        ...

    def poll(self) -> bool:
        """Return True if the run is to stop."""
        ...


class Job(Protocol):
    """One run that a process carries out; it can be pickled."""

    def run(self, benchmark: Callable[[], Benchmark], channel: Channel) -> None:
        """Do the run, to its end or until it is to stop.

        Args:
            benchmark: Gives the benchmark of the input.
            channel: Takes :class:`TaskProgress`.

        Raises:
            AnasodError: The run fails.
        """
        ...


@dataclass(frozen=True)
class Task:
    """One run: a contender with a seed.

    Args:
        contender: The contender.
        seed: The seed.
        journal: Where its trials are kept.
        limits: What trials must keep.
        known: Quantities that need no model.
        constraints: What the counts of the operations must keep.
    """

    contender: Contender
    seed: int
    journal: Path
    limits: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()

    def run(self, benchmark: Callable[[], Benchmark], channel: Channel) -> None:
        """Search to the end, or until the channel says to stop.

        Raises:
            AnasodError: The search cannot be made, or not go on.
        """
        made = benchmark()
        sources = self.contender.sources(made, self.seed, self.constraints)
        config = self.contender.config(
            made, self.seed, self.limits, self.known, self.constraints, sources
        )
        # Not those above: a comparison that was deleted must not come back in part.
        refuse_link(self.journal.parent)
        self.journal.parent.mkdir(exist_ok=True)
        with _open_patiently(self.journal) as journal:
            search = Search(config, made, journal)

            def after_trial(record: Record) -> None:
                channel.send(TaskProgress(record))

            search.run(self.contender.trials, after_trial, should_stop=channel.poll)


@dataclass(frozen=True)
class TaskProgress:
    """A run has come further.

    Args:
        done: The record of a trial that has ended, or how many epochs there are.
    """

    done: Any


@dataclass(frozen=True)
class TaskEnd:
    """A run is at its end, was stopped, or has failed.

    Args:
        error: Why it has failed, on one line; None where it has not.
        details: Where in the program that was.
    """

    error: str | None = None
    details: str = ""


@dataclass(frozen=True)
class WorkerInput:
    """The input of a worker, for all of its runs.

    Args:
        benchmark: The benchmark, or its description.
        modules: Modules of a user's own that the runs need.
    """

    benchmark: Benchmark | Mapping[str, Any]
    modules: tuple[str, ...] = ()


def make_worker_input(benchmark: Benchmark, contenders: Iterable[Contender]) -> WorkerInput:
    """Make the input of a worker.

    A benchmark that lies in memory is sent as it is, since reading it again can take long; any
    other one is made again from its description.

    Args:
        benchmark: The benchmark.
        contenders: What is compared on it.

    Raises:
        OptionError: See `own_modules`.
    """
    in_memory = isinstance(benchmark, LookupBenchmark)
    return WorkerInput(
        benchmark if in_memory else benchmark.to_dict(), own_modules(benchmark, contenders)
    )


def own_modules(benchmark: Benchmark, contenders: Iterable[Contender]) -> tuple[str, ...]:
    """The modules that a process must import before it can make any of the runs.

    Args:
        benchmark: The benchmark.
        contenders: What is compared on it.

    Raises:
        OptionError: A class of the user's own was defined where no other process finds it.
    """
    own = {type(benchmark).__module__: f"the benchmark {benchmark.name!r}"}
    for contender in contenders:
        strategy = STRATEGIES.get(contender.strategy)
        if strategy is not None and strategy.origin is not None:
            own.setdefault(strategy.origin, f"the strategy {strategy.name!r}")
    # Processes import the script that starts them by themselves.
    script = own.pop("__main__", None)
    if script is not None and not hasattr(sys.modules["__main__"], "__file__"):
        raise OptionError(
            f"{script} is defined in a notebook or at a prompt, where the processes of a "
            "comparison cannot find it",
            "write it into a file and import that",
        )
    return tuple(own)


# One process a core. Where a fork server was running already, the environment that says so does
# not reach its processes; proposals see to it themselves, a benchmark of a user's own does not.
@one_thread()
def work(connection: Connection) -> None:
    """Carry out the tasks that come through a connection, and report on each.

    Args:
        connection: Brings what :func:`make_worker_input` made, then a :class:`Job` at a time, at
            last None, and takes :class:`TaskProgress` and :class:`TaskEnd`. Anything that comes
            during a job stops it after its trial, and so does the end of the process at the other
            side.
    """
    # Made in the first task, which is told if it cannot be.
    benchmark = cache(partial(read_worker_input, connection.recv()))
    while True:
        try:
            task = connection.recv()
            if task is None:
                return
            connection.send(end_of(task, benchmark, connection))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


def read_worker_input(worker_input: WorkerInput) -> Benchmark:
    """The benchmark of what :func:`make_worker_input` has made.

    Raises:
        AnasodError: The benchmark cannot be made in this process.
    """
    for module in worker_input.modules:
        import_module(module)
    packed = worker_input.benchmark
    with trust.own_description():
        return from_dict(packed) if isinstance(packed, Mapping) else packed


def end_of(task: Job, benchmark: Callable[[], Benchmark], channel: Channel) -> TaskEnd:
    """Run a job. An exception becomes its `TaskEnd`; only a lost connection is raised."""
    try:
        task.run(benchmark, channel)
    except AnasodError as error:
        return TaskEnd(str(error))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # noqa: BLE001  # One run must not end the others.
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return TaskEnd(text, traceback.format_exc())
    return TaskEnd()


def _open_patiently(path: Path) -> Journal:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return Journal(path)
        except RunError as error:
            if not is_being_written(path):
                raise
            if time.monotonic() > until:
                waited = f"{_PATIENCE_SECONDS:.0f} seconds were waited for its end"
                raise RunError(error.message, waited) from error
            time.sleep(0.2)
