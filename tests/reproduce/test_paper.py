from __future__ import annotations

from pathlib import Path

import pytest

from ax_anasod import cells, nasbench
from ax_anasod.nasbench import NASBench201Benchmark, TableBenchmark
from ax_anasod.reproduce.paper import (
    CIFAR10,
    CIFAR100,
    IMAGENET16,
    TABLE_1,
    TABLE_2,
    TABLE_6,
    TASKS,
    PaperValue,
    task_of,
)
from ax_anasod.reproduce.protocol import SEARCH_TARGETS


def test_some_numbers_as_the_paper_prints_them() -> None:
    assert TABLE_2["ANASOD-BO"][CIFAR10] == PaperValue(8.41, 0.05)
    assert TABLE_2["TPE"][CIFAR100] == PaperValue(27.28, 0.14)
    assert TABLE_6["ANASOD-LS"][IMAGENET16] == PaperValue(53.07, 0.09)
    assert (TABLE_1[IMAGENET16].within, TABLE_1[IMAGENET16].within_top) == (2.7, 1.9)


def test_every_value_has_a_method_and_every_method_its_values() -> None:
    for target, values in (("table2", TABLE_2), ("table6", TABLE_6)):
        assert [m.name for m in SEARCH_TARGETS[target].methods] == list(values)
    # The authors' code of REINFORCE does not run on NAS-Bench-301.
    lacking = [(name, set(TASKS) - set(row)) for name, row in TABLE_2.items() if len(row) < 4]
    assert lacking == [("RL", {"NB301 CIFAR-10"})]


@pytest.mark.parametrize(
    ("dataset", "task"),
    [("cifar10", CIFAR10), ("cifar100", CIFAR100), ("ImageNet16-120", IMAGENET16)],
)
@pytest.mark.parametrize("seeds", ["mean", "single"])
def test_official_data_sets_are_recognised(
    official: Path, dataset: str, task: str, seeds: str
) -> None:
    assert task_of(NASBench201Benchmark(official, dataset, seeds=seeds)) == task


def test_other_searches_of_the_official_data_have_no_number(official: Path) -> None:
    assert task_of(NASBench201Benchmark(official, "cifar10", search="test")) is None
    assert task_of(NASBench201Benchmark(official, "cifar10", epochs=12, report=())) is None


@pytest.mark.parametrize(
    ("column", "task"),
    [
        ("cifar10_valid_200", CIFAR10),
        ("cifar100_valid_200", CIFAR100),
        ("imagenet16_valid_200", IMAGENET16),
        ("imagenet16_120_valid_200", IMAGENET16),
        ("cifar10_valid_12", None),
        ("cifar10_test_200", None),
        ("my_cifar10_valid_200", None),
    ],
)
def test_tables_are_recognised_by_their_column(
    tmp_path: Path, column: str, task: str | None
) -> None:
    cell = cells.get("nas-bench-201")
    strings = cell.to_strings(cell.enumerate())
    path = tmp_path / "table.csv"
    path.write_text("\n".join([f"arch,{column}", *(f"{s},90" for s in strings)]) + "\n")
    assert task_of(TableBenchmark(path, cell, accuracy=column)) == task
    # The paper searched all architectures.
    part = tmp_path / "part.csv"
    part.write_text("\n".join([f"arch,{column}", *(f"{s},90" for s in strings[:9])]) + "\n")
    assert task_of(TableBenchmark(part, cell, accuracy=column, present_only=True)) is None


def test_other_benchmarks_have_no_number() -> None:
    assert task_of(nasbench.make("nas-bench-graph", dataset="cora")) is None
