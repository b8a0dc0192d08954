"""A small table of a user's own cell, which every test of runs can search in no time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ax_anasod.cells import Cell
from ax_anasod.nasbench import TableBenchmark

CELL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)


def table_lines(columns: dict[str, str]) -> list[str]:
    """Lines of a table of all architectures of the cell; a formula for each column."""
    codes = CELL.enumerate()
    counts = CELL.encode(codes)
    places = codes @ (3 ** np.arange(4))
    names = {"conv": counts[:, 0], "pool": counts[:, 1], "n": places, "np": np}
    values = {
        name: np.broadcast_to(eval(formula, {"__builtins__": {}}, names), len(codes))
        for name, formula in columns.items()
    }
    rows = zip(CELL.to_strings(codes), *values.values(), strict=True)
    header = ",".join(["arch", *(f'"{name}"' for name in columns)])
    return [header, *(",".join(map(str, row)) for row in rows)]


@pytest.fixture(scope="session")
def make_table(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a table with the given columns."""

    def make(**columns: str) -> Path:
        path = tmp_path_factory.mktemp("tables") / "table.csv"
        path.write_text("\n".join(table_lines(columns)) + "\n")
        return path

    return make


@pytest.fixture(scope="session")
def table(make_table: Callable[..., Path]) -> Path:
    """Accuracies that the encoding explains in part, a reported column, and a cost."""
    return make_table(
        valid="95 - (conv - 3) ** 2 - np.sin(n) / 3",
        test="94 - (conv - 3) ** 2 - np.cos(n) / 3",
        latency="1 + pool + np.sin(n) ** 2",
        seconds="100 + n",
    )


@pytest.fixture(scope="session")
def cell() -> Cell:
    """Four blocks of three operations: 81 architectures, 15 encodings."""
    return CELL


@pytest.fixture
def benchmark(table: Path) -> TableBenchmark:
    return TableBenchmark(table, CELL, accuracy="valid", report="test", cost="seconds")
