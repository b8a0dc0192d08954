"""One differentiable search of Table 3, as a process carries it out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from json import dumps
from pathlib import Path
from typing import Any, Final

from ax_anasod.compare.run_worker import Channel, TaskProgress
from ax_anasod.dnas import OneShotConfig, OneShotResult, OneShotRun
from ax_anasod.dnas.result_files import CONFIG, EPOCHS, RESULTS
from ax_anasod.exceptions import RunError
from ax_anasod.files import read_json, write_whole
from ax_anasod.nasbench import Benchmark
from ax_anasod.training import DataConfig, ImageData, load_data

BEST_OF: Final = 50
"""Draws of a method that draws, of which the supernet ranks one first."""
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
        """Epochs of its supernet."""
        return self.config.task.training.epochs

    @property
    def done(self) -> int:
        """Epochs that are on the disk."""
        if self.outcome is not None:
            return self.planned
        table = self.folder / EPOCHS
        return max(len(table.read_text().splitlines()) - 1, 0) if table.exists() else 0

    @property
    def outcome(self) -> OneShotOutcome | None:
        """The result of the search; None where the search is not at its end."""
        measured = _measured(self.folder)
        if not measured.get("finished"):
            return None
        return OneShotOutcome(
            self.label,
            self.config.seed,
            read_json(self.folder / RESULTS, dict[str, Any]),
            measured["cpu_seconds"],
            measured["best_of_draws"],
        )

    def check(self) -> None:
        """Check that the folder holds no other search.

        Raises:
            RunError: The folder holds another search, or one of its files is damaged.
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

    def run(self, benchmark: Callable[[], Benchmark], channel: Channel) -> None:
        """Search to the end, or until the channel says to stop.

        Raises:
            AnasodError: The search fails.
        """
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
            channel.send(TaskProgress(epochs))

        if not (self.folder / CONFIG).exists():
            self.config.write(self.folder / CONFIG)
        run = OneShotRun(self.config, images, self.folder)
        result = run.run(
            after_epoch=lambda epoch: progressed(epoch.epoch),
            after_cell=lambda trained: measure(),
            should_stop=channel.poll,
        )
        if result is not None:
            measure(finished=True, best_of_draws=_best_of_draws(run, result))


def _best_of_draws(run: OneShotRun, result: OneShotResult) -> str | None:
    if run.config.method.selection != "draw":
        return None
    losses, _ = run.search.judge(result.codes[:BEST_OF])
    return result.architectures[int(losses.argmin())]


def _measured(folder: Path) -> dict[str, Any]:
    path = folder / _MEASURED
    return read_json(path, dict[str, Any]) if path.exists() else {}


@cache
def _load(config: DataConfig) -> ImageData:
    """Images, once for all searches of a process."""
    return load_data(config)
