"""What a supernet says of architectures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, NASNetCell
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.dnas.judge import Oracle
from ax_anasod.exceptions import AnasodError, BenchmarkError, UnknownNameError
from ax_anasod.nasbench import Benchmark, Objective, TableBenchmark
from tests.dnas.conftest import ROW, WIRED, Search, random_rows


def test_architectures_are_judged_on_the_same_batches(search: Search) -> None:
    one = search()
    one.run()
    codes = one.task.cell.sample(3, np.random.default_rng(0))
    losses, errors = one.judge(codes)
    assert np.array_equal(one.judge(codes[::-1])[0], losses[::-1])
    assert losses.shape == errors.shape == (3,)
    assert len(set(losses.tolist())) == 3
    assert one.judge(codes[:0])[0].shape == (0,)


def table(folder: Path, cell: Cell, lacking: int = 0) -> TableBenchmark:
    codes = cell.enumerate()[lacking:]
    accuracy = 50.0 + np.random.default_rng(0).uniform(0, 40, size=len(codes))
    frame = pd.DataFrame({"arch": cell.to_strings(codes), "acc": accuracy})
    path = folder / f"{cell.name}.csv"
    frame.to_csv(path, index=False)
    return TableBenchmark(path, cell, accuracy="acc", present_only=lacking > 0)


@pytest.mark.parametrize("cell", [ROW, WIRED], ids=lambda cell: cell.name)
def test_the_mean_error_is_the_expectation_over_all_architectures(
    cell: Cell, tmp_path: Path
) -> None:
    benchmark, edges = table(tmp_path, cell), CellEdges(cell)
    oracle = Oracle(benchmark, "acc_error", edges)
    codes = cell.enumerate()
    errors = benchmark.query(codes)["acc_error"]
    assert oracle.errors(codes) == pytest.approx(errors)
    rows = random_rows(edges, 3)
    on = edges.of(codes)
    blocks = codes[:, : cell.num_blocks]
    shares = np.prod(rows[on, blocks], axis=1)
    assert oracle.mean_error(rows) == pytest.approx((shares * errors).sum() / shares.sum())
    assert oracle.uniform == pytest.approx(errors.mean())
    assert oracle.optimum == pytest.approx(errors.min())
    # A distribution that is sure of its operations is that of one architecture, or of a wiring.
    sure = np.zeros_like(rows)
    sure[:, 2] = 1.0
    pure = (blocks == 2).all(axis=1)
    assert oracle.mean_error(sure) == pytest.approx(errors[pure].mean())


def test_cells_of_one_operation(tmp_path: Path) -> None:
    benchmark = table(tmp_path, ROW)
    oracle = Oracle(benchmark, "acc_error", CellEdges(ROW))
    codes = np.array([[0, 0], [1, 1], [2, 2]])
    expected = dict(zip(ROW.operations, benchmark.query(codes)["acc_error"], strict=True))
    assert oracle.of_one_operation == pytest.approx(expected)


def test_the_table_of_nas_bench_201(shared_data: Path) -> None:
    """The figures that everything is compared with: issue 19 and the paper's Table 3."""
    cell = cells.get("nas-bench-201")
    files = [*shared_data.glob("**/*201*.csv.gz")]
    if not files:
        pytest.skip(f"no table of NAS-Bench-201 in {shared_data}")
    benchmark = TableBenchmark(files[0], cell, accuracy="cifar10_test_200")
    oracle = Oracle(benchmark, benchmark.objectives[0].name, CellEdges(cell))
    assert oracle.uniform == pytest.approx(12.94, abs=0.005)
    assert oracle.optimum == pytest.approx(5.63, abs=0.005)
    assert oracle.of_one_operation == pytest.approx(
        {
            "none": 90.0,
            "skip_connect": 45.70,
            "nor_conv_1x1": 10.63,
            "nor_conv_3x3": 6.24,
            "avg_pool_3x3": 50.98,
        },
        abs=0.006,
    )


class Counted(Benchmark):
    """Each convolution lowers the error; of cells without any, it is not known."""

    name, dataset = "counted", None
    objectives, reported = (Objective("test_error", "percent"),), ()

    def __init__(self, cell: Cell, known: bool = True) -> None:
        self.cell, self._known = cell, known

    def query(self, codes: Any, seeds: Any = None) -> dict[str, Any]:
        number = (codes[:, : self.cell.num_blocks] == 2).sum(axis=1)
        unknown = np.where(number, 0.0, 0.0 if self._known else np.nan)
        return {"test_error": 50.0 - 5.0 * number + unknown}


def test_of_larger_cells_the_mean_is_that_of_draws() -> None:
    cell = NASNetCell(["none", "skip_connect", "sep_conv_3x3"], num_nodes=4, name="large")
    assert cell.size > 1_000_000
    edges = CellEdges(cell)
    oracle = Oracle(Counted(cell), "test_error", edges)
    rows = np.tile([0.0, 0.5, 0.5], (edges.num_edges, 1))
    # Each of eight blocks is a convolution or not: 1,000 draws, four standard deviations.
    assert oracle.mean_error(rows) == pytest.approx(30.0, abs=4 * 5 * 2**0.5 / 1000**0.5)
    assert oracle.mean_error(rows) == oracle.mean_error(rows)
    assert oracle.optimum is None


def test_an_oracle_that_lacks_an_architecture_says_so(tmp_path: Path) -> None:
    uniform = np.full((2, 3), 1 / 3)
    for benchmark, words in (
        (table(tmp_path, ROW, lacking=1), r"the oracle lacks values: .*none\|none"),
        (Counted(ROW, known=False), r"the oracle has no value of 'none\|none'"),
    ):
        oracle = Oracle(benchmark, benchmark.objectives[0].name, CellEdges(ROW))
        with pytest.raises(BenchmarkError, match=f"{words}.*every architecture that can be drawn"):
            oracle.mean_error(uniform)
        assert np.isfinite(oracle.errors(np.array([[2, 2], [2, 1]]))).all()


def test_what_is_no_oracle_of_the_search_is_refused(tmp_path: Path) -> None:
    benchmark = table(tmp_path, ROW)
    with pytest.raises(BenchmarkError, match="the oracle is of cell 'row', not of 'nasnet'"):
        Oracle(benchmark, "acc_error", CellEdges(WIRED))
    with pytest.raises(UnknownNameError):
        Oracle(benchmark, "acc_eror", CellEdges(ROW))
    with pytest.raises(AnasodError):
        TableBenchmark(tmp_path / "row.csv", ROW, accuracy="ac")
