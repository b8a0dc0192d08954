"""Tasks of a Ray cluster that say how far they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

_POLL_SECONDS: Final = 0.2

Task = TypeVar("Task")


class _Mailbox:
    """The messages of the tasks since the last look, and the tasks that are to stop."""

    def __init__(self) -> None:
        self._messages: list[tuple[int, Any]] = []
        self._stopping = False

    def put(self, number: int, message: Any) -> None:
        self._messages.append((number, message))

    def take(self) -> list[tuple[int, Any]]:
        messages, self._messages = self._messages, []
        return messages

    def stop(self) -> None:
        self._stopping = True

    def stopping(self) -> bool:
        return self._stopping


class RayChannel:
    """The way of one task back to who has begun it.

    Args:
        mailbox: The actor that keeps the messages; it takes calls in the order of their making.
        number: The number of the task.
    """

    def __init__(self, mailbox: Any, number: int) -> None:
        self._mailbox, self._number = mailbox, number

    def send(self, message: Any, /) -> None:
        """Send what has been done."""
        self._mailbox.put.remote(self._number, message)

    def poll(self) -> bool:
        """Return True if the task is to stop; all messages have arrived when this returns."""
        import ray

        stopping: bool = ray.get(self._mailbox.stopping.remote())
        return stopping


def run_tasks_on_ray(
    work: Callable[[Task, Any, RayChannel], Any],
    tasks: Sequence[Task],
    shared: Any,
    *,
    at_a_time: int | None,
    cpus: float = 1.0,
    gpus: float = 0.0,
    retries: int,
    on_message: Callable[[int, Any], None],
    on_end: Callable[[int, Any], None],
    should_stop: Callable[[], bool],
) -> None:
    """Run tasks on the Ray cluster that this process is connected to.

    A task whose worker or machine is lost is begun again; one that raises is not. If this ends by
    an exception, those under way are killed.

    Args:
        work: What is done with a task, ``shared``, and its channel.
        tasks: The tasks, in the order in which they are begun.
        shared: What all of them need; Ray sends it to each machine once.
        at_a_time: How many are under way at a time; None for as many as the cluster has room for.
        cpus: Processors of a task.
        gpus: GPUs of a task; 0.25 lets four share one.
        retries: How often a task is begun again.
        on_message: Called with the number of a task and what it has sent.
        on_end: Called with the number of a task and Ray's reference to what it has returned.
        should_stop: Asked several times a second; once it is True no further task is begun, and
            those under way can ask their channel.
    """
    import ray

    mailbox: Any = ray.remote(_Mailbox).options(num_cpus=0).remote()
    kept = ray.put(shared)

    def done(task: Task, given: Any, box: Any, number: int) -> Any:
        channel = RayChannel(box, number)
        result = work(task, given, channel)
        channel.poll()
        return result

    begin: Any = ray.remote(done).options(num_cpus=cpus, num_gpus=gpus, max_retries=retries).remote
    waiting = deque(enumerate(tasks))
    running: dict[Any, int] = {}
    stopping = False
    try:
        while waiting or running:
            if should_stop() and not stopping:
                stopping = True
                waiting.clear()
                ray.get(mailbox.stop.remote())
                continue
            room = at_a_time or _room(cpus, gpus)
            while waiting and len(running) < room:
                number, task = waiting.popleft()
                running[begin(task, kept, mailbox, number)] = number
            ended, _ = ray.wait(list(running), num_returns=1, timeout=_POLL_SECONDS)
            for number, message in ray.get(mailbox.take.remote()):
                on_message(number, message)
            for reference in ended:
                on_end(running.pop(reference), reference)
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        ray.kill(mailbox)


def _room(cpus: float, gpus: float) -> int:
    """The number of tasks that the cluster, which may grow, has room for; at least one."""
    import ray

    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    rooms = [there.get("CPU", 1) / cpus, *([there.get("GPU", 0) / gpus] if gpus else [])]
    return max(int(min(rooms)), 1)
