"""The differentiable searches behind Table 3 and Figure 5: every method in one protocol."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from json import dumps
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from ax_anasod.cells import Cell
from ax_anasod.compare import Observer
from ax_anasod.compare.comparison import FAILURES
from ax_anasod.compare.contender import folder_of
from ax_anasod.compare.pool import carry_out
from ax_anasod.compare.worker import Ended, Parcel, Progressed
from ax_anasod.dnas import METHODS, MethodConfig, OneShotConfig, OneShotResult, OneShotRun
from ax_anasod.dnas.layout import CONFIG, EPOCHS, RESULTS
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.files import read_json, write_whole
from ax_anasod.locks import locked
from ax_anasod.nasbench import Benchmark
from ax_anasod.reproduce.one_shot_protocol import OneShotMethod, OneShotProtocol
from ax_anasod.runs.layout import check_holds_no_run, check_is_no_file, refusing
from ax_anasod.training import DataConfig, ImageData, load_data

SEEDS: Final = 3
BEST_OF: Final = 50
"""Draws of a method that draws, of which the supernet ranks one first."""

_RUNS: Final = "one-shot"
_LOCK: Final = "one-shot.lock"
_MEASURED: Final = "measured.json"


@dataclass(frozen=True)
class OneShotOutcome:
    """A search that has come to its end.

    Args:
        label: The method.
        seed: The seed.
        summary: What ``search.json`` holds.
        cpu_seconds: Processor time of the whole search, of all processes that were at it.
        best_of_draws: The architecture that the supernet ranks first among the first
            `BEST_OF` draws; None for methods that do not draw.
    """

    label: str
    seed: int
    summary: Mapping[str, Any]
    cpu_seconds: float
    best_of_draws: str | None


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
class OneShotTask:
    """A search that a process carries out.

    Args:
        label: The method.
        config: What is searched.
        folder: Its folder, that of an `OneShotRun`.
    """

    label: str
    config: OneShotConfig
    folder: Path

    @property
    def planned(self) -> int:
        """Epochs of its supernets."""
        supernets = 2 if self.config.method.selection == "discrete" else 1
        return supernets * self.config.task.training.epochs

    @property
    def done(self) -> int:
        """Epochs that are on the disk."""
        if self.outcome is not None:
            return self.planned
        table = self.folder / EPOCHS
        return max(len(table.read_text().splitlines()) - 1, 0) if table.exists() else 0

    @property
    def outcome(self) -> OneShotOutcome | None:
        """What it has found; None where it is not at its end."""
        measured = _measured(self.folder)
        if not measured.get("finished"):
            return None
        return OneShotOutcome(
            self.label,
            self.config.seed,
            read_json(self.folder / RESULTS),
            measured["cpu_seconds"],
            measured["best_of_draws"],
        )

    def check(self) -> None:
        """Refuse a folder that holds another search.

        Raises:
            RunError: It does, or is damaged.
        """
        if not (self.folder / CONFIG).exists():
            return
        stored, wanted = OneShotConfig.read(self.folder), self.config
        parts = {"method": (stored.method, wanted.method), "seed": (stored.seed, wanted.seed)}
        theirs = stored.task.identity()
        parts |= {name: (theirs[name], part) for name, part in wanted.task.identity().items()}
        different = [name for name, (first, second) in parts.items() if first != second]
        if different:
            raise RunError(
                f"the folder {self.folder} holds a search of another protocol; what differs: "
                f"{', '.join(different)}",
                "choose another folder with --out",
            )

    def carry_out(self, benchmark: Callable[[], Benchmark], connection: Connection) -> None:
        """Search to the end, or until something comes through the connection.

        Raises:
            AnasodError: The search fails.
        """
        _end_with_parent()
        images = _load(self.config.task.data)
        before = _measured(self.folder).get("cpu_seconds", 0.0)
        started = time.process_time()

        def measure(finished: bool = False, best_of_draws: str | None = None) -> None:
            seconds = before + time.process_time() - started
            content = {
                "cpu_seconds": seconds,
                "finished": finished,
                "best_of_draws": best_of_draws,
            }
            write_whole(self.folder / _MEASURED, dumps(content) + "\n")

        def progressed(epochs: int) -> None:
            measure()
            connection.send(Progressed(epochs))

        if not (self.folder / CONFIG).exists():
            self.config.write(self.folder / CONFIG)
        run = OneShotRun(self.config, images, self.folder)
        epochs = self.config.task.training.epochs
        result = run.run(
            after_epoch=lambda epoch: progressed(epoch.epoch),
            after_second=lambda epoch: progressed(epochs + epoch.epoch),
            after_cell=lambda trained: measure(),
            should_stop=connection.poll,
        )
        if result is not None:
            measure(finished=True, best_of_draws=_best_of_draws(run, result))


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
        if number < 1:
            raise OptionError(f"{name} must be at least 1, got {number}")
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
        tasks = [
            OneShotTask(
                each.label,
                each.config(protocol, cell, images, seed),
                folder / _RUNS / folder_of(each.name, each.options) / f"seed-{seed}",
            )
            for seed in range(seeds)
            for each in chosen
        ]
        for task in tasks:
            task.check()
        tally = _Tally(tasks, observer or Observer())
        with _working_in(folder):
            carry_out(
                tally.unfinished, Parcel({}), jobs, tally.on_epoch, tally.on_end, tally.should_stop
            )
        if out is not None:
            tally.write_details(folder)
        outcomes = [outcome for task in tasks if (outcome := task.outcome) is not None]
    return OneShotRuns(
        protocol=protocol,
        images=(images.name, len(images.train), len(images.valid), *images.image_size),
        methods=chosen,
        settings=settings,
        steps={m.label: (m.steps(protocol, images), m.steps(protocol)) for m in chosen},
        seeds=seeds,
        outcomes=outcomes,
        failures=tally.failures,
        finished=not tally.stopped,
    )


class _Tally:
    """Counts what the processes report."""

    def __init__(self, tasks: Sequence[OneShotTask], observer: Observer) -> None:
        self._observer, self._number = observer, len(tasks)
        self._done = {task.folder: task.done for task in tasks}
        self.unfinished = [task for task in tasks if task.outcome is None]
        self._left = len(self.unfinished)
        self._details: list[str] = []
        self.failures: list[str] = []
        self.stopped = False
        planned = sum(task.planned for task in tasks)
        observer.begins(sum(self._done.values()), planned, self._number)
        self._tell()

    def on_epoch(self, task: OneShotTask, epochs: int) -> None:
        self._done[task.folder] = epochs
        self._tell()

    def on_end(self, task: OneShotTask, end: Ended) -> None:
        self._left -= 1
        if end.error is not None:
            failure = f"{task.label}, seed {task.config.seed}: {end.error}"
            self.failures.append(failure)
            self._details.append(f"{failure}\n{end.details}")
            self._observer.failed(task.label, task.config.seed, end.error)
        else:
            self._done[task.folder] = task.done
        self._tell()

    def should_stop(self) -> bool:
        self.stopped = self.stopped or self._observer.should_stop()
        return self.stopped

    def write_details(self, folder: Path) -> None:
        """Keep where in the program the failures of this time were, as a bug report needs."""
        if self._details:
            write_whole(folder / FAILURES, "\n".join(self._details))
        else:
            (folder / FAILURES).unlink(missing_ok=True)

    def _tell(self) -> None:
        self._observer.progressed(sum(self._done.values()), self._number - self._left)


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
        check_holds_no_run(folder)
        if (folder / CONFIG).exists():
            raise RunError(
                f"the folder {folder} holds a differentiable search", "choose another folder"
            )
        yield folder


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / _LOCK, f"another process makes the searches in {folder}"):
        yield


def _best_of_draws(run: OneShotRun, result: OneShotResult) -> str | None:
    if run.config.method.selection != "draw":
        return None
    losses, _ = run.search.judge(result.codes[:BEST_OF])
    return result.architectures[int(losses.argmin())]


def _measured(folder: Path) -> dict[str, Any]:
    path = folder / _MEASURED
    content: dict[str, Any] = read_json(path) if path.exists() else {}
    return content


@cache
def _load(config: DataConfig) -> ImageData:
    """Images, once for all searches of a process."""
    return load_data(config)


@cache
def _end_with_parent() -> None:
    """Let this process end when the one that has started it was killed.

    Otherwise it would hold the folder of its search until the end of an epoch, while the same
    command is already waiting to go on there. All but that epoch is on the disk.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
