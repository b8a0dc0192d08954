from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import BenchmarkError, CellError, OptionError
from ax_anasod.nasbench import NASBench201Benchmark, TableBenchmark, make
from ax_anasod.networks import build_network, num_parameters
from ax_anasod.reproduce import OneShotProtocol
from ax_anasod.reproduce.one_shot_columns import (
    columns_of,
    count_weights,
    largest_of_draws,
    moments,
    over_seeds,
)

CELL = cells.get("nas-bench-201")
OWN = Cell("mine", operations=["nor_conv_3x3", "skip_connect", "nor_conv_1x1"], num_blocks=3)


@pytest.mark.parametrize("cell", [CELL, OWN], ids=lambda cell: cell.name)
def test_weights_are_those_of_the_built_networks(cell: Cell) -> None:
    protocol = OneShotProtocol.at_scale("cpu", cell, network={"channels": 3}, device="cpu")
    codes = cell.enumerate()
    weights = count_weights(cell, codes, protocol)
    for row in np.random.default_rng(0).choice(len(codes), 6, replace=False):
        network = build_network(cell, codes[[row]], protocol.network, seed=1)
        assert weights[row] == num_parameters(network)


def test_chance_to_be_the_largest_of_some_draws() -> None:
    # With 2 draws of 3: 1 of 9 pairs has no large one; the large ones share the others.
    assert largest_of_draws(np.array([7, 9, 9]), 2) == pytest.approx([1 / 9, 4 / 9, 4 / 9])
    assert largest_of_draws(np.array([3, 2, 1]), 1) == pytest.approx([1 / 3] * 3)


def test_means_and_deviations() -> None:
    assert moments(np.array([1.0, 3.0, 9.0]), np.array([0.5, 0.5, 0.0])) == {
        "mean": 2.0,
        "deviation": 1.0,
    }
    assert moments(np.array([1.0, 3.0]), np.array([0.0, 1.0])) == {"mean": 3.0, "deviation": None}
    assert over_seeds([1.0, 3.0]) == {"mean": 2.0, "deviation": pytest.approx(2**0.5)}
    assert over_seeds([4.0]) == {"mean": 4.0, "deviation": None}


def test_columns_of_the_paper_are_test_errors_after_200_epochs(
    tested: NASBench201Benchmark, means: NASBench201Benchmark
) -> None:
    assert [column.title for column in columns_of([tested])] == ["CIFAR-10"]
    assert [column.title for column in columns_of([means])] == ["cifar10_valid_error"]


def test_tables_that_cannot_judge_every_draw_are_refused(
    single: NASBench201Benchmark, tmp_path: Path
) -> None:
    codes = CELL.enumerate()[:100]
    lines = [
        "arch,test",
        *(f"{text},{80 + i / 100}" for i, text in enumerate(CELL.to_strings(codes))),
    ]
    table = tmp_path / "part.csv"
    table.write_text("\n".join(lines) + "\n")
    part = TableBenchmark(table, CELL, accuracy="test", present_only=True)
    with pytest.raises(BenchmarkError):
        columns_of([part])
    with pytest.raises(OptionError, match="gives single training runs"):
        columns_of([single])
    with pytest.raises(CellError):
        columns_of([make("nas-bench-graph", dataset="cora")])


def test_what_needs_no_search_on_the_real_table(shared_data: Path) -> None:
    table = shared_data / "nb201" / "nb201.csv.gz"
    (column,) = columns_of([TableBenchmark(table, CELL, accuracy="cifar10_test_200")])
    codes, errors = column.listed
    weights = count_weights(CELL, codes, OneShotProtocol.at_scale("cpu", CELL, device="cpu"))
    uniform = moments(errors, np.full(len(codes), 1 / len(codes)))
    assert uniform["mean"] == pytest.approx(12.94, abs=0.005)
    assert uniform["deviation"] == pytest.approx(12.93, abs=0.005)
    assert errors[weights.argmax()] == pytest.approx(6.24)
    assert errors.min() == pytest.approx(5.63, abs=0.005)
    assert moments(errors, largest_of_draws(weights, 50))["mean"] == pytest.approx(6.93, abs=0.005)
