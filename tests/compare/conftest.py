"""A small table, and the runs of a comparison on it made in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from ax_anasod.cells import Cell
from ax_anasod.compare import Contender, Plan
from ax_anasod.compare.comparison_folder import ComparisonFolder
from ax_anasod.journal import Journal
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import Search

CELL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All 81 architectures with a searched accuracy, a reported one, and a cost."""
    codes = CELL.enumerate()
    conv = CELL.encode(codes)[:, 0]
    place = codes @ 3 ** np.arange(4)
    valid = 95 - (conv - 3) ** 2 - np.sin(place) / 3
    test = 94 - (conv - 3) ** 2 - np.cos(place) / 3
    rows = zip(CELL.to_strings(codes), valid, test, 100 + place, strict=True)
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    lines = ["arch,valid,test,seconds", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def benchmark(table: Path) -> TableBenchmark:
    return TableBenchmark(table, CELL, accuracy="valid", report="test", cost="seconds")


FillPlan = Callable[[TableBenchmark, Plan], Path]


def _run_here(folder: ComparisonFolder, benchmark: TableBenchmark) -> None:
    for task in folder.tasks:
        task.journal.parent.mkdir(parents=True, exist_ok=True)
        with Journal(task.journal) as journal:
            config = task.contender.config(benchmark, task.seed, task.limits, task.known)
            Search(config, benchmark, journal).run(task.contender.trials)


@pytest.fixture
def fill_plan(tmp_path: Path) -> FillPlan:
    """Makes the runs of a plan, here and now; gives their folder."""

    def make(benchmark: TableBenchmark, plan: Plan) -> Path:
        with ComparisonFolder.open(tmp_path / "filled", plan) as folder:
            _run_here(folder, benchmark)
        return tmp_path / "filled"

    return make


@pytest.fixture
def fill(benchmark: TableBenchmark) -> Callable[..., ComparisonFolder]:
    """Makes the runs of a comparison, here and now."""

    def make(path: Path, contenders: Sequence[Contender], seeds: int) -> ComparisonFolder:
        with ComparisonFolder.open(path, Plan.of(benchmark, contenders, seeds)) as folder:
            _run_here(folder, benchmark)
        return folder

    return make
