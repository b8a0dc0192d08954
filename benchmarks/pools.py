"""What the death of a worker costs in the pools of libraries, and in that of `compare`.

Two workers have 500 short tasks. Three of these kill the process that they come to, as the kernel
does where memory runs out: while it works, or while it receives them.

    pip install loky pebble
    python benchmarks/pools.py

A library that is not installed is left out. Prints one JSON object a pool and time of death: how
many of the other 497 tasks ended within 30 seconds, and why others did not. It compares what is
lost, not seconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

TASKS, WORKERS, SECONDS = 500, 2, 30.0
KILLERS = frozenset({0, 9, 19})


@dataclass(frozen=True)
class Task:
    """A short task; some kill the process that works on it, or that receives it."""

    number: int
    at_work: bool

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self.at_work:
            self._die()

    def _die(self) -> None:
        if self.number in KILLERS:
            os.kill(os.getpid(), signal.SIGKILL)

    def run(self, benchmark: object = None, channel: object = None) -> None:
        """Do it; the arguments are those that `compare` gives."""
        if self.at_work:
            self._die()
        time.sleep(0.002)


def outcomes(submit: Callable[[Task], Any], at_work: bool) -> Counter[str]:
    """How the tasks end that kill nobody, all handed in at once."""
    futures, counts = {}, Counter[str]()
    for number in range(TASKS):
        try:
            futures[number] = submit(Task(number, at_work))
        except Exception as error:  # noqa: BLE001 - each library has its own
            if number not in KILLERS:
                counts[f"refused: {type(error).__name__}"] += 1
    until = time.monotonic() + SECONDS
    for number, future in futures.items():
        try:
            future.result(timeout=max(until - time.monotonic(), 0.01))
            counts["ended"] += 1
        except Exception as error:  # noqa: BLE001
            if number not in KILLERS:
                counts[f"lost: {type(error).__name__}"] += 1
    return counts


def of_loky(at_work: bool) -> Counter[str]:
    """Loky, whose executor is broken by the death of a worker."""
    from loky import ProcessPoolExecutor

    with ProcessPoolExecutor(WORKERS) as executor:
        return outcomes(lambda task: executor.submit(Task.run, task), at_work)


def of_pebble(at_work: bool) -> Counter[str]:
    """Pebble, whose pool replaces workers."""
    from pebble import ProcessPool

    context = multiprocessing.get_context("forkserver")
    workers = ProcessPool(WORKERS, context=context)
    try:
        return outcomes(lambda task: workers.schedule(Task.run, args=[task]), at_work)
    finally:
        workers.stop()
        workers.join()


def of_compare(at_work: bool) -> Counter[str]:
    """The pool of `compare`, where each worker has a connection of its own."""
    # Here, or each worker of the others would load Ax before its first task.
    from ax_anasod.compare.pool import run_tasks
    from ax_anasod.compare.run_worker import TaskEnd, WorkerInput

    counts: Counter[str] = Counter()

    def end(task: Task, how: TaskEnd) -> None:
        if task.number not in KILLERS:
            counts["ended" if how.error is None else f"lost: {how.error}"] += 1

    run_tasks(
        [Task(number, at_work) for number in range(TASKS)],
        WorkerInput({}),
        WORKERS,
        on_trial=lambda task, done: None,
        on_end=end,
        should_stop=lambda: False,
    )
    return counts


def main() -> None:
    """Print one JSON object a pool."""
    for at_work in (True, False):
        for name, run in (("loky", of_loky), ("pebble", of_pebble), ("compare", of_compare)):
            if name != "compare" and find_spec(name) is None:
                continue
            death = "at work" if at_work else "receiving"
            print(json.dumps({"pool": name, "death": death, **run(at_work)}), flush=True)


if __name__ == "__main__":
    main()
