"""The differentiable searches behind Table 3 and Figure 5: every method in one protocol."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ax_anasod.cells import Cell
from ax_anasod.compare import Observer
from ax_anasod.compare.contender import folder_of
from ax_anasod.compare.pool import run_tasks
from ax_anasod.compare.progress import ProgressReporter
from ax_anasod.compare.run_worker import TaskEnd, WorkerInput
from ax_anasod.dnas import METHODS, MethodConfig, OneShotRun
from ax_anasod.exceptions import OptionError
from ax_anasod.locks import locked
from ax_anasod.reproduce.one_shot_columns import ErrorColumn
from ax_anasod.reproduce.one_shot_protocol import OneShotMethod, OneShotProtocol
from ax_anasod.reproduce.one_shot_task import OneShotOutcome, OneShotTask
from ax_anasod.runs.layout import check_holds_no_other, check_is_no_file, refusing
from ax_anasod.settings import Count, check_value
from ax_anasod.training import ImageData, load_data

SEEDS: Final = 3
_RUNS: Final = "one-shot"
_LOCK: Final = "one-shot.lock"


@dataclass(frozen=True)
class OneShotRuns:
    """The searches of several methods.

    Args:
        protocol: What they have in common.
        images: Name, number for the weights and for p, height and width of the images.
        methods: The methods, in the order of the table.
        settings: Method -> its settings.
        steps: Method -> its steps of the weights, and the published ones.
        seeds: How many searches each has.
        outcomes: Those that have come to their end.
        failures: What has failed, a sentence each.
        finished: Whether all have ended or failed; False where they were stopped.
    """

    protocol: OneShotProtocol
    images: tuple[str, int, int, int, int]
    methods: Sequence[OneShotMethod]
    settings: Mapping[str, MethodConfig]
    steps: Mapping[str, tuple[int, int]]
    seeds: int
    outcomes: Sequence[OneShotOutcome]
    failures: Sequence[str] = ()
    finished: bool = True

    def of(self, label: str) -> list[OneShotOutcome]:
        """The outcomes of a method, by seed."""
        return [outcome for outcome in self.outcomes if outcome.label == label]


@dataclass(frozen=True)
class OneShotReproduction:
    """A table or figure of searches, made again.

    Args:
        runs: The searches.
        columns: What they are judged by, at least one.
    """

    runs: OneShotRuns
    columns: Sequence[ErrorColumn]

    resumable = True

    @property
    def finished(self) -> bool:
        """True if the searches were not stopped."""
        return self.runs.finished

    @property
    def failures(self) -> Sequence[str]:
        """The searches that have failed."""
        return self.runs.failures

    @property
    def _searches(self) -> str:
        return f"searches on {self.runs.images[0]}, scale {self.runs.protocol.scale}"


def make_runs(
    protocol: OneShotProtocol,
    cell: Cell,
    methods: Sequence[str | OneShotMethod] = tuple(METHODS),
    *,
    images: ImageData | None = None,
    seeds: int = SEEDS,
    jobs: int = 1,
    out: str | Path | None = None,
    observer: Observer | None = None,
) -> OneShotRuns:
    """Search with every method and seed, in processes of their own.

    Searches that the folder has already are not made again, and those that it has in part go on
    from their last epoch. Each process has one thread. It also imports the script that calls
    this, which does so below ``if __name__ == "__main__":``.

    Args:
        protocol: What they have in common.
        cell: The cell that is searched.
        methods: The methods, each once.
        images: The images of the protocol, where they have been read already.
        seeds: Each method searches with the seeds 0, 1, ..., ``seeds`` - 1.
        jobs: How many processes work at a time.
        out: Folder that keeps the searches; each has a folder of its own there, that of an
            `OneShotRun`.
        observer: Who watches; a trial is an epoch.

    Raises:
        AnasodError: Something cannot run as asked; then nothing has been written.
        RunError: The folder holds something else, or cannot be written.
    """
    for name, number in {"seeds": seeds, "jobs": jobs}.items():
        check_value(name, number, Count)
    chosen = [OneShotMethod(m) if isinstance(m, str) else m for m in methods]
    labels = [each.label for each in chosen]
    twice = [label for i, label in enumerate(labels) if label in labels[:i]]
    if twice or not labels:
        raise OptionError(f"{twice[0]!r} is named twice" if twice else "no method is named")
    images = load_data(protocol.data) if images is None else images
    settings = {each.label: each.settings(protocol, images) for each in chosen}
    # A cell or a batch that does not fit is refused here, before there is a folder.
    OneShotRun(chosen[0].config(protocol, cell, images, 0), images)
    with _folder(out) as folder:
        tasks = tasks_of(protocol, cell, chosen, images, seeds, folder)
        for task in tasks:
            task.check()
        reporter = _OneShotReporter(tasks, observer or Observer())
        reporter.begin()
        with _working_in(folder):
            run_tasks(
                reporter.unfinished,
                WorkerInput({}),
                jobs,
                reporter.on_epoch,
                reporter.on_end,
                reporter.should_stop,
            )
        if out is not None:
            reporter.write_details(folder)
        outcomes = [outcome for task in tasks if (outcome := task.outcome) is not None]
    return OneShotRuns(
        protocol=protocol,
        images=(images.name, len(images.train), len(images.valid), *images.image_size),
        methods=chosen,
        settings=settings,
        steps={m.label: (m.steps(protocol, images), m.steps(protocol)) for m in chosen},
        seeds=seeds,
        outcomes=outcomes,
        failures=[f"{n}, {r}" for n, reasons in reporter.failures.items() for r in reasons],
        finished=not reporter.stopped,
    )


def tasks_of(
    protocol: OneShotProtocol,
    cell: Cell,
    methods: Sequence[OneShotMethod],
    images: ImageData,
    seeds: int,
    folder: Path,
) -> list[OneShotTask]:
    """All searches, those with the same seed together; arguments as in `make_runs`.

    In this order searches that were stopped have the same seeds of all methods.
    """
    return [
        OneShotTask(
            each.label,
            each.config(protocol, cell, images, seed),
            folder / _RUNS / folder_of(each.name, each.options) / f"seed-{seed}",
        )
        for seed in range(seeds)
        for each in methods
    ]


class _OneShotReporter(ProgressReporter):
    """Report the searches to an observer, which takes their epochs for trials."""

    def __init__(self, tasks: Sequence[OneShotTask], observer: Observer) -> None:
        self.unfinished = [task for task in tasks if task.outcome is None]
        super().__init__(
            observer,
            {task.folder: task.done for task in tasks},
            sum(task.planned for task in tasks),
            len(tasks) - len(self.unfinished),
        )

    def on_epoch(self, task: OneShotTask, epochs: int) -> None:
        self._has_done(task.folder, epochs)

    def on_end(self, task: OneShotTask, end: TaskEnd) -> None:
        if end.error is None:
            self._done[task.folder] = task.done
        self._has_ended(task.label, task.config.seed, end)


@contextmanager
def _folder(out: str | Path | None) -> Iterator[Path]:
    """The folder of the searches, which may not be there yet."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="ax-anasod-") as temporary:
            yield Path(temporary)
        return
    folder = Path(out)
    with refusing(folder, "used"):
        check_is_no_file(folder)
        check_holds_no_other(folder)
        yield folder


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / _LOCK, f"another process makes the searches in {folder}"):
        yield
