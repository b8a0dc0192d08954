"""A search that takes no time, and a tracker that remembers what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ax_anasod.cells import Cell
from ax_anasod.journal import Completed, Journal, Record
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import Search, plan_run
from ax_anasod.tracking import TrackedRun, Tracker

CELL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=3)


class Recorder(Tracker):
    """Remembers what it is told, and fails at the things that it is told to fail at."""

    name = "recorder"

    def __init__(self, *fails_at: tuple[Any, ...]) -> None:
        self.fails_at = set(fails_at)
        self.told: list[tuple[Any, ...]] = []
        self.runs: set[TrackedRun] = set()

    def _hear(self, run: TrackedRun, *what: Any) -> None:
        if what in self.fails_at:
            raise ConnectionError("no\nnetwork")
        self.told.append(what)

    def on_epoch_end(
        self, run: TrackedRun, trial: int, epoch: int, values: Mapping[str, float]
    ) -> None:
        self._hear(run, "epoch", trial, epoch)

    def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
        self._hear(run, "trial", record.trial)

    def on_run_end(
        self, run: TrackedRun, records: Sequence[Record], best: Completed | None, finished: bool
    ) -> None:
        self._hear(run, "end", finished)


@pytest.fixture(scope="session")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> TableBenchmark:
    """All 27 architectures, with an error that says which one it is."""
    codes = CELL.enumerate()
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    errors = 10 - np.arange(len(codes)) / 7
    rows = zip(CELL.to_strings(codes), errors, strict=True)
    path.write_text("\n".join(["arch,error", *(f"{arch},{error}" for arch, error in rows)]))
    return TableBenchmark(path, CELL, minimize="error")


def search(benchmark: TableBenchmark, trials: int, journal: Journal | None = None) -> Search:
    """A random search, which goes on where its journal ends."""
    return Search(plan_run(benchmark, "random", {}, trials=trials), benchmark, journal)


def track_search(
    benchmark: TableBenchmark, trials: int, folder: Path, *trackers: Tracker
) -> Search:
    """Search with trackers, from where the journal of a folder ends; it is one process's work."""
    with Journal(folder / "journal.jsonl") as journal:
        run = search(benchmark, trials, journal)
        dispatcher = run.track(trackers)
        run.run(trials)
        dispatcher.end(run.records, finished=True)
        return run
