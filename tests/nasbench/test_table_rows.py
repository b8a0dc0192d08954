"""Columns of a table that are searched beside the cell."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ax_anasod import nasbench
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.exceptions import ArchitectureError, BenchmarkError, OptionError, ParameterError
from ax_anasod.hyperparameters import Choice
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runners import LookupRunner

Write = Callable[..., Path]

CELL = Cell("tiny", operations=["conv", "skip"], num_blocks=2)
HEADER = "arch,rate,width,augment,error"
ARCHITECTURES = ["conv|conv", "conv|skip", "skip|conv", "skip|skip"]
# Errors 0, 1, ... in this order.
GRID = list(itertools.product(ARCHITECTURES, ["0.1", "0.01"], ["16", "8"], ["none", "mixup"]))
ROWS = [f"{','.join(row)},{error}" for error, row in enumerate(GRID)]
PARAMETERS = ("rate", "width", "augment")


@pytest.fixture
def table(write: Write) -> TableBenchmark:
    return TableBenchmark(write(HEADER, *ROWS), CELL, minimize="error", parameter=PARAMETERS)


def test_numbers_are_ordered_choices_of_the_values_there_are_and_texts_are_unordered(
    table: TableBenchmark,
) -> None:
    assert table.hyperparameters.parameters == (
        Choice("rate", (0.01, 0.1), ordered=True),
        Choice("width", (8, 16), ordered=True),
        Choice("augment", ("mixup", "none")),
    )
    assert table.cell == CELL
    assert table.optimum("error") == 0


def test_every_row_is_found_by_its_architecture_and_parameters(table: TableBenchmark) -> None:
    codes = CELL.from_strings([row[0] for row in GRID])
    beside = [{"rate": float(r), "width": int(w), "augment": a} for _, r, w, a in GRID]
    settings = table.hyperparameters.settings(beside)
    assert table.query_jointly(codes, settings)["error"].tolist() == list(range(len(GRID)))
    with pytest.raises(OptionError, match="none of an architecture alone"):
        table.query(codes)


def test_a_runner_reads_both_from_the_parameters_of_a_trial(table: TableBenchmark) -> None:
    runner = LookupRunner(table)
    beside = {"rate": 0.1, "width": 8, "augment": "mixup"}
    arm = CellSearchSpace.from_cell(CELL).encode("skip|conv")
    assert runner.run_trial(0, {**arm, **beside})["values"] == {"error": 19.0}
    encoding = AnasodSearchSpace.from_cell(CELL).encode("skip|skip")
    assert runner.run_trial(0, {**encoding, **beside})["values"] == {"error": 27.0}
    with pytest.raises(ParameterError, match="width"):
        runner.run_trial(0, {**arm, "rate": 0.1, "augment": "mixup"})
    with pytest.raises(ParameterError, match=r"0\.05"):
        runner.run_trial(0, {**arm, **beside, "rate": 0.05})


def test_it_comes_back_from_its_description_unless_the_parameters_changed(
    table: TableBenchmark,
) -> None:
    stored = table.to_dict()
    restored = nasbench.from_dict(stored)
    assert restored.hyperparameters == table.hyperparameters
    assert restored.to_dict() == stored
    # The order of the rows does not matter, what stands in a column does.
    table.path.write_text("\n".join([HEADER, *ROWS[::-1]]))
    assert nasbench.from_dict(stored).to_dict() == stored
    table.path.write_text("\n".join([HEADER, *ROWS]).replace(",16,", ",32,"))
    with pytest.raises(BenchmarkError):
        nasbench.from_dict(stored)


def test_combinations_that_lack_are_refused_or_have_no_value(write: Write) -> None:
    path = write(HEADER, *ROWS[1:24])
    with pytest.raises(BenchmarkError, match=r"lacks 9 of the 32 combinations of rate, width"):
        TableBenchmark(path, CELL, minimize="error", parameter=PARAMETERS)
    table = TableBenchmark(path, CELL, minimize="error", parameter=PARAMETERS, present_only=True)
    assert isinstance(table.cell, RestrictedCell)
    assert table.cell.to_strings(table.cell.enumerate()) == ARCHITECTURES[:3]
    lacking = table.hyperparameters.settings([{"rate": 0.1, "width": 16, "augment": "none"}])
    with pytest.raises(ArchitectureError, match="'conv|conv' with rate = 0.1, width = 16, augment"):
        table.query_jointly(CELL.from_strings(["conv|conv"]), lacking)
    assert table.query_jointly(CELL.from_strings(["conv|skip"]), lacking)["error"].tolist() == [8]


def test_many_columns_of_many_values_need_no_more_memory_than_their_rows(write: Write) -> None:
    # 900 values in each of eight columns would be 10^23 combinations.
    rng = np.random.default_rng(0)
    names = [f"p{i}" for i in range(8)]
    columns = np.stack([rng.permutation(900) for _ in names], axis=1)
    rows = [f"conv|skip,{','.join(map(str, row))},{e}" for e, row in enumerate(columns.tolist())]
    table = TableBenchmark(
        write(f"arch,{','.join(names)},error", *rows),
        CELL,
        minimize="error",
        parameter=names,
        present_only=True,
    )
    codes = CELL.from_strings(["conv|skip"] * 900)
    found = table.query_jointly(codes, columns.astype(float))["error"]
    assert found.tolist() == list(range(900))


@pytest.mark.parametrize(
    ("change", "parameters", "message"),
    [
        (("0.01", "0.1"), ["width", "augment"], "lines 2 and 6 .* same width, augment"),
        (("0.01", "0.1"), PARAMETERS, "no other value than 0.1"),
        (("0.01", "nan"), PARAMETERS, "holds nan in line 6"),
        (("mixup", ""), PARAMETERS, "'augment' .* is empty in line 3"),
    ],
)
def test_columns_that_are_no_parameters_are_refused(
    write: Write, change: tuple[str, str], parameters: list[str], message: str
) -> None:
    path = write(HEADER, *(row.replace(f",{change[0]},", f",{change[1]},") for row in ROWS))
    with pytest.raises(BenchmarkError, match=message):
        TableBenchmark(path, CELL, minimize="error", parameter=parameters)


def test_measurements_are_no_parameter_and_a_column_is_named_once(write: Write) -> None:
    rows = [f"conv|skip,{n / 7},{n}" for n in range(1001)]
    path = write("arch,rate,error", *rows)
    with pytest.raises(BenchmarkError, match="1,001 different values"):
        TableBenchmark(path, CELL, minimize="error", parameter="rate")
    with pytest.raises(OptionError, match="'error' .* a second time"):
        TableBenchmark(path, CELL, minimize="error", parameter="error")
