"""The worker processes of a comparison: scheduling, progress, and crashed workers.

Not a pool of a library: those share one queue and one state. Of 497 tasks that waited, one killed
worker failed all in loky 3.7, and in pebble 5.2 all where it was killed while it received a task
(``benchmarks/pools.py``). Here each worker has a connection of its own, and takes only its run
with it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from ax_anasod.compare.process import begin
from ax_anasod.compare.run_worker import Job, TaskEnd, TaskProgress, WorkerInput

if TYPE_CHECKING:  # Not every system has both.
    from multiprocessing.context import ForkServerContext, SpawnContext

_POLL_SECONDS: Final = 0.2
_GOODBYE_SECONDS: Final = 5.0
# The end of a process is known a little after its connection has closed, on a busy machine later.
_SECONDS_TO_END: Final = 60.0
_THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


JobT = TypeVar("JobT", bound=Job)


@dataclass
class _Worker(Generic[JobT]):
    process: BaseProcess
    connection: Connection
    task: JobT | None = None


def run_tasks(
    tasks: Sequence[JobT],
    worker_input: WorkerInput,
    jobs: int | None,
    on_trial: Callable[[JobT, Any], None],
    on_end: Callable[[JobT, TaskEnd], None],
    should_stop: Callable[[], bool],
) -> None:
    """Carry out runs in processes of their own.

    A process does one run after another. One that dies takes only the run with it that it
    was at, and is replaced. Each has one thread. None is a fork of this process, which would
    copy torch's threads in whatever state they are: they are forked from a server that has
    loaded the libraries and nothing else, or spawned where the system has no fork.

    Args:
        tasks: The runs, in the order in which they are begun.
        worker_input: What they need, from :func:`ax_anasod.compare.run_worker.make_worker_input`.
        jobs: How many processes work at a time; None for one.
        on_trial: Called with a run and each thing that it has done, see `TaskProgress`.
        on_end: Called with a run and how it ended.
        should_stop: Asked several times a second; once it is True no further run is begun,
            and those under way end after their trial.
    """
    waiting = deque(tasks)
    workers: list[_Worker[JobT]] = []
    stopping = False
    try:
        while waiting or any(worker.task for worker in workers):
            if should_stop() and not stopping:
                stopping = True
                waiting.clear()
                _stop(workers)
            idle = [worker for worker in workers if worker.task is None]
            while waiting and (idle or len(workers) < (jobs or 1)):
                if not idle:
                    idle.append(_start(worker_input))
                    workers.append(idle[0])
                _give(idle.pop(), waiting.popleft())
            busy = {worker.connection: worker for worker in workers if worker.task is not None}
            for connection in wait(list(busy), _POLL_SECONDS):
                worker = busy[connection]  # type: ignore[index]  # Only connections wait here.
                if not _listen(worker, on_trial, on_end):
                    workers.remove(worker)
    finally:
        _dismiss(workers)


def _give(worker: _Worker[JobT], task: JobT) -> None:
    worker.task = task
    _send(worker, task)


def _send(worker: _Worker[JobT], message: object) -> None:
    # One that has died in the meantime says so at the next look at its connection.
    with suppress(BrokenPipeError, ConnectionResetError):
        worker.connection.send(message)


def _listen(
    worker: _Worker[JobT],
    on_trial: Callable[[JobT, Any], None],
    on_end: Callable[[JobT, TaskEnd], None],
) -> bool:
    """Take one message of a busy worker; whether it is still alive."""
    task = worker.task
    if task is None:
        return True
    try:
        message = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        on_end(task, TaskEnd(_cause_of_death(worker.process)))
        return False
    if isinstance(message, TaskProgress):
        on_trial(task, message.done)
    else:
        worker.task = None
        on_end(task, message)
    return True


def _start(worker_input: WorkerInput) -> _Worker[JobT]:
    context = _context()
    ours, theirs = context.Pipe()
    process = context.Process(target=begin, args=(theirs,), daemon=True)
    with _one_thread_each(), _ctrl_c_ignored():
        process.start()
    # So that the end of the process closes the last copy, which ends our waiting.
    theirs.close()
    worker = _Worker[JobT](process, ours)
    _send(worker, worker_input)
    return worker


@cache
def _context() -> ForkServerContext | SpawnContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ax_anasod.compare.preload"])
    return context


def _cause_of_death(process: BaseProcess) -> str:
    process.join(_SECONDS_TO_END)
    code = process.exitcode
    if code is None or code >= 0:
        return f"its process ended with exit code {code}"
    name = signal.Signals(-code).name
    hint = " (out of memory? then try fewer jobs)" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{hint}"


def _stop(workers: list[_Worker[JobT]]) -> None:
    for worker in workers:
        _send(worker, None)


def _dismiss(workers: list[_Worker[JobT]]) -> None:
    """End all processes: idle ones in peace, those in the middle of a run at once."""
    for worker in workers:
        if worker.task is not None:
            worker.process.terminate()
    _stop(workers)
    for worker in workers:
        worker.process.join(_GOODBYE_SECONDS)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.connection.close()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started in here find one thread in their environment."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Processes started in here ignore Ctrl-C from their first instant."""
    # Only the main thread may set handlers, and it is the one that receives Ctrl-C.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
