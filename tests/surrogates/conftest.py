"""Real architectures with real errors, and cells of every kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.nasbench import NASBenchGraphBenchmark, TableBenchmark


class ResidualCell(Cell):
    """Two chains of residual blocks."""

    @cached_property
    def block_graph(self) -> BlockGraph:
        return BlockGraph.chain(self.total, self.parts, residual=True)


# Every way that a graph is made of a code: fixed and chosen wiring, two parts, several
# outputs, residual blocks, a plain cell with and without wiring that its graph does not show.
KINDS: dict[str, Callable[[], Cell]] = {
    **{name: lambda name=name: cells.get(name) for name in cells.names()},  # type: ignore[misc]
    "plain": lambda: Cell("plain", ["a", "skip", "none"], num_blocks=5),
    "residual": lambda: ResidualCell(
        "residual", ["a", "b", "skip", "none", "c"], num_blocks=8, parts=2
    ),
    "hidden wiring": lambda: Cell("hidden", ["a", "skip"], num_blocks=4, wiring=[3, 2], parts=2),
}


@pytest.fixture(params=KINDS)
def cell(request: pytest.FixtureRequest) -> Cell:
    """Cells of every kind."""
    return KINDS[request.param]()


Data = tuple[Cell, npt.NDArray[np.int64], npt.NDArray[np.float64]]


@pytest.fixture(scope="session")
def nasbench201(shared_data: Path) -> Data:
    """500 random NAS-Bench-201 cells and their CIFAR-10 test errors in percent."""
    cell = cells.get("nas-bench-201")
    table = TableBenchmark(
        shared_data / "nb201" / "nb201.csv.gz", cell=cell, accuracy=["cifar10_test_200"]
    )
    codes = cell.sample(500, np.random.default_rng(0))
    return cell, codes, table.query(codes)["cifar10_test_200_error"]


@pytest.fixture(scope="session")
def cora() -> Data:
    """500 random graph neural networks and their errors on cora in percent."""
    benchmark = NASBenchGraphBenchmark("cora")
    codes = benchmark.cell.sample(500, np.random.default_rng(0))
    return benchmark.cell, codes, benchmark.query(codes)[benchmark.objectives[0].name]
