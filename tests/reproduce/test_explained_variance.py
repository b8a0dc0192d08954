from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ax_anasod import nasbench
from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError
from ax_anasod.nasbench import NASBench201Benchmark, TableBenchmark
from ax_anasod.reproduce import draw_spread, explained_share


def table(path: Path, cell: Cell, values: list[float]) -> TableBenchmark:
    strings = cell.to_strings(cell.enumerate())
    rows = [f"{string},{value!r}" for string, value in zip(strings, values, strict=True)]
    path.write_text("\n".join(["arch,cost", *rows]) + "\n")
    return TableBenchmark(path, cell, minimize="cost")


def test_architectures_of_an_encoding_are_different_and_its_own(
    means: NASBench201Benchmark,
) -> None:
    spread = draw_spread(means, np.random.default_rng(0), encodings=40)
    assert spread.counts.shape == (40, 5)
    assert spread.values.shape == (40, 5)
    assert (spread.counts.sum(axis=1) == 6).all()
    # Values of this table tell the architecture, and are near the sum of their operations.
    assert all(len(set(row)) == 5 for row in spread.values.tolist())
    expected = 8 + spread.counts @ [6.0, 2.0, 0.5, 0.0, 1.0]
    assert np.abs(spread.values - expected[:, None]).max() < 0.9
    # A single operation everywhere is one architecture.
    assert spread.counts.max() < 6


def test_deviations_by_hand(means: NASBench201Benchmark) -> None:
    spread = draw_spread(means, np.random.default_rng(1), encodings=30)
    deviations = [np.std(row, ddof=1) for row in spread.values]
    order = np.argsort(spread.values.mean(axis=1))
    assert spread.overall == pytest.approx(np.std(spread.values, ddof=1))
    assert spread.within == pytest.approx(np.median(deviations))
    assert spread.within_top == pytest.approx(np.median(np.array(deviations)[order[:15]]))
    assert spread.seeds is None


def test_deviation_over_training_seeds(single: NASBench201Benchmark) -> None:
    spread = draw_spread(single, np.random.default_rng(0))
    # Two or three draws from a normal distribution of deviation 0.1; the median of the
    # sample deviations of two is 0.067, of three 0.083.
    assert spread.seeds == pytest.approx(0.075, abs=0.01)
    assert spread.seeds < spread.within < spread.overall


def test_draws_follow_their_generator(means: NASBench201Benchmark) -> None:
    first, again, other = (
        draw_spread(means, np.random.default_rng(seed), encodings=10) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.values, again.values)
    assert (first.values != other.values).any()


def test_wired_cells_have_spreads() -> None:
    benchmark = nasbench.make("nas-bench-graph", dataset="cora")
    spread = draw_spread(benchmark, np.random.default_rng(0), encodings=30)
    assert (spread.deviations > 0).all()
    assert explained_share(benchmark) == pytest.approx(0.186, abs=0.001)


def test_cells_with_few_architectures_are_refused(tmp_path: Path) -> None:
    cell = Cell("tiny", operations=["a", "b"], num_blocks=2)
    benchmark = table(tmp_path / "t.csv", cell, [1.0, 2.0, 3.0, 4.0])
    with pytest.raises(OptionError, match=r"cell 'tiny' only 0 have 5 different architectures"):
        draw_spread(benchmark, np.random.default_rng(0), encodings=3)


def test_explained_share_by_hand(tmp_path: Path) -> None:
    cell = Cell("tiny", operations=["a", "b"], num_blocks=2)
    # The encodings are {aa}, {ab, ba} and {bb}: within the second, 0.5 above and below.
    benchmark = table(tmp_path / "t.csv", cell, [1.0, 2.0, 3.0, 6.0])
    whole = sum((v - 3) ** 2 for v in (1, 2, 3, 6))
    assert explained_share(benchmark) == pytest.approx(1 - 0.5 / whole)


def test_constant_values_leave_nothing_to_explain(tmp_path: Path) -> None:
    cell = Cell("tiny", operations=["a", "b"], num_blocks=2)
    assert explained_share(table(tmp_path / "t.csv", cell, [1.0] * 4)) is None


def test_noise_of_single_runs_is_not_to_be_explained(
    single: NASBench201Benchmark, means: NASBench201Benchmark
) -> None:
    assert explained_share(single) == explained_share(means) > 0.99


@pytest.mark.parametrize(
    ("column", "share"),
    [("cifar10_test_200", 0.44), ("cifar100_valid_12", 0.55), ("imagenet16_valid_12", 0.53)],
)
def test_real_nas_bench_201(shared_data: Path, column: str, share: float) -> None:
    path = shared_data / "nb201" / "nb201.csv.gz"
    benchmark = TableBenchmark(path, "nas-bench-201", accuracy=column)
    assert explained_share(benchmark) == pytest.approx(share, abs=0.005)
