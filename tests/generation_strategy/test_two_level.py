"""two-level-bo as a strategy: better than what it is made of, on real data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generation_strategy import TwoLevelOptions, get, make
from ax_anasod.generators import TwoLevelGenerator
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import Search, plan_run


def test_options_are_those_of_the_generator() -> None:
    cell = {"cell": AnasodSearchSpace, "seed": int}
    generator = TwoLevelGenerator.__init__.__annotations__
    options = TwoLevelOptions.__annotations__
    assert set(generator) - {"return"} == set(options) | set(cell)
    assert get("two-level-bo").expects_improvement


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_initial": 0}, OptionError, "num_initial must be at least 1"),
        ({"num_initial": "ten"}, OptionError, "num_initial must be int"),
        ({"surrogate": "block"}, UnknownNameError, "blocks"),
        ({"surogate": "blocks"}, UnknownNameError, "surrogate"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    from ax_anasod.cells import Cell

    space = CellSearchSpace.from_cell(Cell("mine", ["conv", "skip"], num_blocks=3))
    with pytest.raises(error, match=message):
        make("two-level-bo", space, **options)


@pytest.mark.slow
def test_finds_the_best_cell_of_nas_bench_201(shared_data: Path) -> None:
    table = TableBenchmark(
        shared_data / "nb201" / "nb201.csv.gz", "nas-bench-201", accuracy=["cifar10_test_200"]
    )
    name = "cifar10_test_200_error"
    best = table.optimum(name)
    queries = []
    for seed in range(3):
        search = Search(plan_run(table, "two-level-bo", trials=150, seed=seed), table)
        values: list[float] = []
        search.run(
            150,
            lambda record, values=values: values.append(record.end.values[name]),  # type: ignore[misc, union-attr]
            lambda values=values: best in values,  # type: ignore[misc]
        )
        assert best in values, f"seed {seed} did not find the optimum"
        queries.append(len(values))
    assert np.median(queries) <= 80
