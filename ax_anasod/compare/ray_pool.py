"""The runs of a comparison as tasks of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

from ax_anasod.compare.run_worker import Job, TaskEnd, WorkerInput, end_of, read_worker_input
from ax_anasod.runners.ray_runner import connect
from ax_anasod.runners.ray_tasks import RayChannel, run_tasks_on_ray

# The restarts of a run after lost workers. Beyond this the run itself is assumed to kill them.
_RETRIES: Final = 3

JobT = TypeVar("JobT", bound=Job)


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
        worker_input: What they need, from :func:`ax_anasod.compare.run_worker.make_worker_input`.
        jobs: How many are under way at a time; None for as many as there are processors.
        on_trial: Called with a run and each trial that has ended.
        on_end: Called with a run and how it ended.
        should_stop: Asked several times a second; once it is True no further run is begun, and
            those under way end after their trial.
    """
    run_tasks_on_ray(
        _run,
        tasks,
        worker_input,
        at_a_time=jobs,
        retries=_RETRIES,
        on_message=lambda number, message: on_trial(tasks[number], message.done),
        on_end=lambda number, reference: on_end(tasks[number], _end(reference)),
        should_stop=should_stop,
    )


def _run(task: Job, worker_input: WorkerInput, channel: RayChannel) -> TaskEnd:
    return end_of(task, partial(read_worker_input, worker_input), channel)


def _end(reference: Any) -> TaskEnd:
    import ray

    try:
        end: TaskEnd = ray.get(reference)
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[0]
        return TaskEnd(f"its worker was lost: {type(error).__name__}: {reason}", str(error))
    return end
