"""The runs of a comparison as tasks of a Ray cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

from ax_anasod.compare.run_worker import (
    Channel,
    Job,
    TaskEnd,
    TaskProgress,
    WorkerInput,
    end_of,
    unpacked,
)
from ax_anasod.runners.ray_runner import connect

_POLL_SECONDS: Final = 0.2
# A run goes on from its journal on another machine; more often, and it is the run's own fault.
_RETRIES: Final = 3

JobT = TypeVar("JobT", bound=Job)


class _Mailbox:
    """What the runs have done since the last look, and whether they are to stop."""

    def __init__(self) -> None:
        self._messages: list[tuple[int, TaskProgress]] = []
        self._stopping = False

    def put(self, number: int, message: TaskProgress) -> None:
        self._messages.append((number, message))

    def take(self) -> list[tuple[int, TaskProgress]]:
        messages, self._messages = self._messages, []
        return messages

    def stop(self) -> None:
        self._stopping = True

    def stopping(self) -> bool:
        return self._stopping


class _MailboxChannel(Channel):
    """The channel of one run. An actor takes its calls in the order in which they are made."""

    def __init__(self, mailbox: Any, number: int) -> None:
        self._mailbox, self._number = mailbox, number

    def send(self, message: Any, /) -> None:
        self._mailbox.put.remote(self._number, message)

    def poll(self) -> bool:
        import ray

        stopping: bool = ray.get(self._mailbox.stopping.remote())
        return stopping


@contextmanager
def on_cluster(address: str | None) -> Iterator[Callable[..., None]]:
    """Connect to a Ray cluster; gives :func:`run_on_ray`.

    Args:
        address: Address of the cluster; None uses this machine, or the cluster that
            ``RAY_ADDRESS`` names. A connection that is there already is used, and stays.

    Raises:
        OptionalImportError: Ray is not installed.
        RunError: No cluster answers.
    """
    owns_cluster = connect(address)
    import ray

    try:
        yield run_on_ray
    finally:
        if owns_cluster:
            ray.shutdown()


def run_on_ray(
    tasks: Sequence[JobT],
    worker_input: WorkerInput,
    jobs: int | None,
    on_trial: Callable[[JobT, Any], None],
    on_end: Callable[[JobT, TaskEnd], None],
    should_stop: Callable[[], bool],
) -> None:
    """Carry out runs on the Ray cluster of this process, each with one processor.

    A run whose worker or machine is lost goes on from its journal, so that the folder of the
    comparison must be one that all machines see.

    Args:
        tasks: The runs, in the order in which they are begun.
        worker_input: What they need, from :func:`ax_anasod.compare.run_worker.pack`. Ray sends
            it to each machine once.
        jobs: How many are under way at a time; None for as many as there are processors.
        on_trial: Called with a run and each trial that has ended.
        on_end: Called with a run and how it ended.
        should_stop: Asked several times a second; once it is True no further run is begun, and
            those under way end after their trial.
    """
    import ray

    mailbox: Any = ray.remote(_Mailbox).options(num_cpus=0).remote()
    shared = ray.put(worker_input)
    begin = ray.remote(_run).options(num_cpus=1, max_retries=_RETRIES).remote
    waiting = deque(enumerate(tasks))
    running: dict[Any, int] = {}
    stopping = False

    def hear() -> None:
        for number, message in ray.get(mailbox.take.remote()):
            on_trial(tasks[number], message.done)

    try:
        while waiting or running:
            if should_stop() and not stopping:
                stopping = True
                waiting.clear()
                ray.get(mailbox.stop.remote())
            most = jobs or int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call]
            while waiting and len(running) < most:
                number, task = waiting.popleft()
                running[begin(task, shared, mailbox, number)] = number
            ended, _ = ray.wait(list(running), num_returns=1, timeout=_POLL_SECONDS)
            hear()
            for reference in ended:
                on_end(tasks[running.pop(reference)], _end(reference))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        ray.kill(mailbox)


def _run(task: Job, worker_input: WorkerInput, mailbox: Any, number: int) -> TaskEnd:
    import ray

    end = end_of(task, partial(unpacked, worker_input), _MailboxChannel(mailbox, number))
    # All of it has arrived before the end does.
    ray.get(mailbox.stopping.remote())
    return end


def _end(reference: Any) -> TaskEnd:
    import ray

    try:
        end: TaskEnd = ray.get(reference)
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[0]
        return TaskEnd(f"its worker was lost: {type(error).__name__}: {reason}", str(error))
    return end
