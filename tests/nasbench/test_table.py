"""Tables of architectures as benchmarks."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod import cells, nasbench
from ax_anasod.cells import Cell
from ax_anasod.exceptions import (
    ArchitectureError,
    BenchmarkError,
    CellError,
    ObservationWarning,
    OptionError,
    UnknownNameError,
)
from ax_anasod.nasbench import Objective, TableBenchmark

Write = Callable[..., Path]

CELL = Cell("tiny", operations=["conv", "skip"], num_blocks=2)
HEADER = "arch,note,valid,latency,seconds"
ROWS = [
    "conv|conv,a,90,3.5,10",
    "conv|skip,b,80,2.5,20",
    "skip|conv,c,95.5,1.5,30",
    "skip|skip,d,100,0,40",
]


@pytest.fixture
def path(write: Write) -> Path:
    return write(HEADER, *ROWS)


def codes_of(*strings: str) -> np.ndarray:
    return CELL.from_strings(strings)


def test_query_gives_error_in_percent_raw_quantities_and_seconds(path: Path) -> None:
    benchmark = TableBenchmark(
        path, CELL, accuracy=["valid"], minimize=["latency"], report=["valid"], cost="seconds"
    )
    result = benchmark.query(codes_of("skip|conv", "conv|conv", "skip|conv"))
    assert result["valid_error"].tolist() == [4.5, 10.0, 4.5]
    assert result["latency"].tolist() == [1.5, 3.5, 1.5]
    assert result["valid"].tolist() == [95.5, 90.0, 95.5]
    assert result["cost_seconds"].tolist() == [30.0, 10.0, 30.0]
    assert set(result) == {"valid_error", "latency", "valid", "cost_seconds"}


def test_describes_itself(path: Path) -> None:
    benchmark = TableBenchmark(path, CELL, accuracy="valid", minimize="latency", report="seconds")
    assert benchmark.name == "table"
    assert benchmark.dataset is None
    assert benchmark.cell == CELL
    assert benchmark.objectives == (Objective("valid_error", "percent"), Objective("latency", ""))
    assert benchmark.reported == (Objective("seconds", ""),)
    assert not benchmark.has_cost
    assert benchmark.draw_seeds(CELL.enumerate(), np.random.default_rng(0)) is None


def test_optimum_is_lowest_value_and_zero_is_legal(path: Path) -> None:
    benchmark = TableBenchmark(path, CELL, accuracy="valid", minimize="latency", report="seconds")
    assert benchmark.optimum("valid_error") == 0.0
    assert benchmark.optimum("latency") == 0.0
    assert benchmark.optimum("seconds") is None
    with pytest.raises(UnknownNameError):
        benchmark.optimum("latncy")


def test_constant_column_is_legal(write: Write) -> None:
    path = write("arch,x", *(f"{row.split(',')[0]},7" for row in ROWS))
    assert TableBenchmark(path, CELL, minimize="x").query(CELL.enumerate())["x"].tolist() == [7] * 4


@pytest.mark.parametrize("form", ["gzip", "parquet", "bom", "crlf", "quoted"])
def test_forms_of_the_file_give_the_same_values(path: Path, tmp_path: Path, form: str) -> None:
    other = tmp_path / f"other.{form}"
    text = path.read_text()
    if form == "parquet":
        pd.read_csv(path).to_parquet(other)
    elif form == "gzip":
        other.write_bytes(gzip.compress(text.encode()))
    elif form == "bom":
        other.write_text(text, encoding="utf-8-sig")
    elif form == "crlf":
        other.write_bytes(text.replace("\n", "\r\n").encode())
    else:
        other.write_text(text.replace(",a,", ',"a, quoted\nand broken",'))
    options = {"accuracy": "valid", "minimize": "latency", "cost": "seconds"}
    expected = TableBenchmark(path, CELL, **options)
    assert TableBenchmark(other, CELL, **options).fingerprint() == expected.fingerprint()


def test_order_of_rows_does_not_matter(write: Write, path: Path) -> None:
    shuffled = write(HEADER, *reversed(ROWS), name="shuffled.csv")
    first = TableBenchmark(path, CELL, accuracy="valid")
    second = TableBenchmark(shuffled, CELL, accuracy="valid")
    assert first.fingerprint() == second.fingerprint()
    assert (
        first.query(CELL.enumerate())["valid_error"].tolist()
        == second.query(CELL.enumerate())["valid_error"].tolist()
    )


def test_cell_by_name_and_by_file(write: Write, path: Path, tmp_path: Path) -> None:
    toml = tmp_path / "cell.toml"
    toml.write_text('name = "tiny"\noperations = ["conv", "skip"]\nnum_blocks = 2\n')
    assert TableBenchmark(path, toml, accuracy="valid").cell == CELL
    with pytest.raises(UnknownNameError):
        TableBenchmark(path, "nas-bench-20", accuracy="valid")
    with pytest.raises(CellError):
        TableBenchmark(path, tmp_path / "absent.toml", accuracy="valid")


@given(st.data())
def test_lookup_equals_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    values = data.draw(
        st.lists(st.floats(0, 1e300, allow_nan=False), min_size=8, max_size=8), label="values"
    )
    cell = Cell("three", operations=["a", "b"], num_blocks=3)
    strings = ["|".join(names) for names in itertools.product("ab", repeat=3)]
    order = data.draw(st.permutations(range(8)), label="order")
    path = tmp_path_factory.mktemp("lookup") / "table.csv"
    path.write_text("arch,x\n" + "".join(f"{strings[i]},{values[i]!r}\n" for i in order))
    asked = data.draw(st.lists(st.integers(0, 7), max_size=20), label="asked")
    codes = cell.from_strings([strings[i] for i in asked])
    found = TableBenchmark(path, cell, minimize="x").query(codes)["x"]
    assert found.tolist() == [values[i] for i in asked]


# Tables that lack architectures


def test_missing_architectures_are_counted_and_refused(write: Write) -> None:
    path = write(HEADER, *ROWS[:3])
    with pytest.raises(BenchmarkError, match=r"lacks 1 of the 4 architectures.*present_only=True"):
        TableBenchmark(path, CELL, accuracy="valid")


def test_present_only_restricts_the_cell(write: Write) -> None:
    path = write(HEADER, ROWS[0], ROWS[2], ROWS[3])
    benchmark = TableBenchmark(path, CELL, accuracy="valid", present_only=True)
    assert benchmark.cell.size == 3
    assert benchmark.cell.to_strings(benchmark.cell.enumerate()) == [
        "conv|conv",
        "skip|conv",
        "skip|skip",
    ]
    drawn = benchmark.cell.decode(np.array([[1, 1]] * 20), np.random.default_rng(0))
    assert set(benchmark.cell.to_strings(drawn)) == {"skip|conv"}
    assert (benchmark.query(drawn)["valid_error"] == 4.5).all()
    with pytest.raises(ArchitectureError):
        benchmark.query(codes_of("skip|skip", "conv|skip"))


def test_present_only_of_a_whole_table_keeps_the_cell(path: Path) -> None:
    assert TableBenchmark(path, CELL, accuracy="valid", present_only=True).cell is CELL


def test_cell_that_cannot_be_enumerated(tmp_path: Path) -> None:
    cell = Cell("huge", operations=[f"op{i}" for i in range(12)], num_blocks=40)
    codes = cell.sample(300, np.random.default_rng(0))
    path = tmp_path / "huge.csv"
    pd.DataFrame({"arch": cell.to_strings(codes), "x": np.arange(300.0)}).to_csv(path, index=False)
    with pytest.raises(BenchmarkError, match=r"lacks 10\^43 of the 10\^43 arch.* the 300 present"):
        TableBenchmark(path, cell, minimize="x")
    benchmark = TableBenchmark(path, cell, minimize="x", present_only=True)
    assert benchmark.cell.size == 300
    asked = np.random.default_rng(1).integers(300, size=1000)
    assert benchmark.query(codes[asked])["x"].tolist() == asked.tolist()
    with pytest.raises(ArchitectureError):
        benchmark.query(cell.sample(1, np.random.default_rng(2)))


def test_isomorphic_architectures_are_one(write: Write) -> None:
    cell = cells.get("nas-bench-graph")
    skip = cell.operations.index("skip")
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.integers(0, skip, size=(200, 4)), rng.integers(0, 9, 200)])
    moved = codes[(cell.canonical(codes) != codes).any(axis=1)][:1]
    first, second = cell.to_strings(np.concatenate([moved, cell.canonical(moved)]))
    assert first != second
    path = write("arch,x", f'"{first}",1', f'"{second}",2')
    with pytest.raises(BenchmarkError, match=r"lines 2 and 3 .* same architecture"):
        TableBenchmark(path, cell, minimize="x", present_only=True)
    path = write("arch,x", f'"{first}",1')
    benchmark = TableBenchmark(path, cell, minimize="x", present_only=True)
    assert benchmark.query(moved)["x"].tolist() == [1.0]
    assert benchmark.query(cell.canonical(moved))["x"].tolist() == [1.0]


# Queries that cannot be answered


def test_query_refuses_what_is_no_code_and_seeds(path: Path) -> None:
    benchmark = TableBenchmark(path, CELL, accuracy="valid")
    with pytest.raises(ArchitectureError):
        benchmark.query(np.array([[0, 2]]))
    with pytest.raises(OptionError, match="was given seeds, but has no single-seed values"):
        benchmark.query(CELL.enumerate(), seeds=np.array([1, 2, 3, 4]))


def test_empty_query(path: Path) -> None:
    result = TableBenchmark(path, CELL, accuracy="valid").query(np.empty((0, 2), dtype=np.int64))
    assert result["valid_error"].shape == (0,)


# Bad columns, values, strings


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, OptionError, "no column of the table is searched"),
        ({"accuracy": "vaild"}, UnknownNameError, r"column 'vaild' \(did you mean 'valid'"),
        ({"minimize": "latency_"}, UnknownNameError, "did you mean 'latency'"),
        (
            {"accuracy": "valid", "report": "zzz"},
            UnknownNameError,
            "known: note, valid, latency, seconds",
        ),
        ({"accuracy": "valid", "cost": "second"}, UnknownNameError, "did you mean 'seconds'"),
        (
            {"minimize": "note"},
            BenchmarkError,
            "column 'note' .* holds 'a' in line 2, not a number",
        ),
        ({"minimize": "arch"}, BenchmarkError, r"column 'arch' .* holds 'conv\|conv' in line 2"),
        ({"accuracy": ["valid", "valid"]}, OptionError, "accuracy names 'valid' twice"),
        (
            {"accuracy": "valid", "minimize": "valid"},
            OptionError,
            "by both accuracy and minimize",
        ),
        ({"minimize": [3]}, OptionError, "minimize holds 3"),
        ({"accuracy": 5}, OptionError, "accuracy is 5"),
        ({"accuracy": "valid", "present_only": "no"}, OptionError, "True or False, got 'no'"),
        ({"accuracy": "valid", "cost": 5}, UnknownNameError, "unknown column 5"),
        ({"minimize": "latency", "report": "latency"}, OptionError, "would be called 'latency'"),
    ],
    ids=str,
)
def test_refuses_columns(
    path: Path, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        TableBenchmark(path, CELL, **options)


def test_refuses_names_that_collide(write: Write) -> None:
    path = write("arch,a,a_error,cost_seconds", *(f"{r.split(',')[0]},1,2,3" for r in ROWS))
    with pytest.raises(OptionError, match=r"two quantities .* would be called 'a_error'"):
        TableBenchmark(path, CELL, accuracy="a", minimize="a_error")
    with pytest.raises(OptionError, match="'cost_seconds' is kept for the cost"):
        TableBenchmark(path, CELL, minimize="cost_seconds")
    both = TableBenchmark(path, CELL, minimize="cost_seconds", cost="cost_seconds")
    assert both.query(CELL.enumerate())["cost_seconds"].tolist() == [3] * 4


def test_refuses_a_name_that_two_columns_have(write: Write) -> None:
    path = write("arch,x,x", *(f"{row.split(',')[0]},1,2" for row in ROWS))
    with pytest.raises(BenchmarkError, match="2 columns named 'x'"):
        TableBenchmark(path, CELL, minimize="x")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("accuracy", "100.5", r"'x' .* holds 100.5 in line 4 .* percent must be from 0 to 100"),
        ("accuracy", "-1", "holds -1 in line 4 .* from 0 to 100"),
        ("minimize", "", "is empty in line 4"),
        ("minimize", "fast", "holds 'fast' in line 4, not a number"),
        ("report", "inf", "holds inf in line 4 .* a reported quantity must be finite"),
        ("cost", "nan", "holds nan in line 4 .* a cost in seconds must be finite"),
        ("cost", "-1", "a cost in seconds must be finite, 0 or more"),
    ],
)
def test_refuses_values(write: Write, option: str, value: str, message: str) -> None:
    lines = [f"{row.split(',')[0]},{value if i == 2 else 1},1" for i, row in enumerate(ROWS)]
    path = write("arch,x,y", *lines)
    options = (
        {option: "x"} if option in ("accuracy", "minimize") else {option: "x", "minimize": "y"}
    )
    with pytest.raises(BenchmarkError, match=message):
        TableBenchmark(path, CELL, **options)


@pytest.mark.parametrize("option", ["accuracy", "minimize", "maximize"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_searched_value_that_is_not_finite_is_that_of_a_failure(
    write: Write, option: str, value: str
) -> None:
    lines = [f"{row.split(',')[0]},{value if i == 2 else 3 + i}" for i, row in enumerate(ROWS)]
    path = write("arch,x", *lines)
    with pytest.warns(ObservationWarning, match=rf"'x' .* holds {value} in line 4 \(1 values"):
        benchmark = TableBenchmark(path, CELL, **{option: "x"})
    (objective,) = benchmark.objectives
    values = benchmark.query(CELL.from_strings([row.split(",")[0] for row in ROWS]))
    expected = np.array([3.0, 4.0, np.nan, 6.0])
    errors = 100 - expected if option == "accuracy" else expected
    np.testing.assert_array_equal(values[objective.name], errors)
    best = np.nanmin if objective.minimize else np.nanmax
    assert benchmark.optimum(objective.name) == best(errors)


def test_refuses_a_column_without_any_finite_value(write: Write) -> None:
    path = write("arch,x", *(f"{row.split(',')[0]},nan" for row in ROWS))
    with pytest.raises(BenchmarkError, match="'x' .* holds no finite value"):
        TableBenchmark(path, CELL, minimize="x")


def test_refuses_accuracies_that_are_fractions(write: Write) -> None:
    path = write("arch,x,y", *(f"{row.split(',')[0]},0.9{i},0" for i, row in enumerate(ROWS)))
    with pytest.raises(BenchmarkError, match=r"no value above 0.93: it seems to be a fraction"):
        TableBenchmark(path, CELL, accuracy="x")
    # Networks of which none has learned anything are possible.
    benchmark = TableBenchmark(path, CELL, accuracy="y")
    assert benchmark.query(CELL.enumerate())["y_error"].tolist() == [100] * 4


def test_accuracies_may_be_rounded_beyond_100_percent(write: Write) -> None:
    values = ["100.00000001", "-0.000001", "50", "99.9"]
    path = write("arch,x", *(f"{r.split(',')[0]},{v}" for r, v in zip(ROWS, values, strict=True)))
    errors = TableBenchmark(path, CELL, accuracy="x").query(CELL.enumerate())["x_error"]
    assert sorted(errors.tolist()) == pytest.approx([0, 0.1, 50, 100], abs=1e-12)
    path = write("arch,x", *(f"{row.split(',')[0]},100.001" for row in ROWS))
    with pytest.raises(BenchmarkError, match=r"holds 100.001 in line 2 \(4 such rows\)"):
        TableBenchmark(path, CELL, accuracy="x")


def test_repeats_whose_values_differ_are_named_with_them(write: Write) -> None:
    first, second = (row.split(",")[0] for row in ROWS[:2])
    lines = [f"{first},1,5", f"{second},2,5", f"{first},1,5", f"{second},2,6"]
    with pytest.raises(BenchmarkError, match=r"lines 3 and 5 .* 'y' 5 and 6 \(2 repeats\)"):
        TableBenchmark(write("arch,x,y", *lines), CELL, minimize=["x", "y"])
    with pytest.raises(BenchmarkError, match=r"lines 2 and 4 .*' \(2 repeats\).*one row for"):
        TableBenchmark(write("arch,x,y", *lines), CELL, minimize="x")


def test_reported_values_may_be_negative(write: Write) -> None:
    path = write("arch,x,y", *(f"{row.split(',')[0]},1,-3" for row in ROWS))
    benchmark = TableBenchmark(path, CELL, minimize="x", report="y")
    assert benchmark.query(CELL.enumerate())["y"].tolist() == [-3] * 4


@pytest.mark.parametrize(
    ("position", "arch", "message"),
    [
        (0, "conv|pool", "line 2 of the table .*no operation 'pool'"),
        (1, "conv", "line 3 of the table .*1 operations, not 2"),
        (3, "conv|skip|conv", "line 5 of the table .*3 operations, not 2"),
        (2, "", "line 4 .* has nothing in column 'arch'"),
        (3, "conv|conv", r"lines 2 and 5 .* same architecture 'conv\|conv' \(1 repeat\)"),
    ],
)
def test_refuses_architectures_with_their_row(
    write: Write, position: int, arch: str, message: str
) -> None:
    strings = [row.split(",")[0] for row in ROWS]
    strings[position] = arch
    path = write("arch,x", *(f"{string},1" for string in strings))
    with pytest.raises(BenchmarkError, match=message):
        TableBenchmark(path, CELL, minimize="x")


def test_names_the_first_of_many_malformed_strings(write: Write) -> None:
    strings = ["conv|skip"] * 700 + ["wrong"] + ["conv|skip"] * 20 + ["also wrong"] * 9
    path = write("arch,x", *(f"{string},1" for string in strings))
    with pytest.raises(BenchmarkError, match=r"line 702 of the table .*'wrong'"):
        TableBenchmark(path, CELL, minimize="x")


def test_refuses_invalid_architectures(write: Write) -> None:
    cell = cells.get("nas-bench-graph")
    only_skips = np.full((1, 5), cell.operations.index("skip"))
    only_skips[0, 4] = 0
    path = write("arch,x", f'"{cell.to_strings(only_skips)[0]}",1')
    with pytest.raises(BenchmarkError, match=r"line 2 .* no valid architecture"):
        TableBenchmark(path, cell, minimize="x", present_only=True)


# Saving and restoring


def test_round_trip(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    benchmark = TableBenchmark(
        path.name,
        CELL,
        accuracy=["valid"],
        minimize=["latency"],
        report=["seconds"],
        cost="seconds",
        name="mine",
    )
    description = json.loads(json.dumps(benchmark.to_dict()))
    assert description["path"] == path.name
    assert description["resolved_path"] == str(path.resolve())
    monkeypatch.chdir(path.parent.parent)
    restored = nasbench.from_dict(description)
    assert isinstance(restored, TableBenchmark)
    assert restored.to_dict() == description
    assert (restored.name, restored.cell) == ("mine", CELL)
    assert restored.objectives == benchmark.objectives
    assert restored.reported == benchmark.reported
    asked = CELL.enumerate()
    for name, values in benchmark.query(asked).items():
        assert restored.query(asked)[name].tolist() == values.tolist()


def test_round_trip_of_a_restricted_table(write: Write) -> None:
    benchmark = TableBenchmark(write(HEADER, *ROWS[1:]), CELL, accuracy="valid", present_only=True)
    restored = nasbench.from_dict(json.loads(json.dumps(benchmark.to_dict())))
    assert restored.cell == benchmark.cell


def test_moved_file_is_found_at_the_path_as_given(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    description = TableBenchmark(path.name, CELL, accuracy="valid").to_dict()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.rename(elsewhere / path.name)
    with pytest.raises(BenchmarkError, match=r"no longer at .* nor at table.csv"):
        nasbench.from_dict(description)
    monkeypatch.chdir(elsewhere)
    assert nasbench.from_dict(description).optimum("valid_error") == 0.0


def test_refuses_to_restore_from_other_values(write: Write, path: Path) -> None:
    description = TableBenchmark(path, CELL, accuracy="valid").to_dict()
    write(HEADER, *ROWS[:3], ROWS[3].replace("100", "99"))
    with pytest.raises(BenchmarkError, match="holds other values than when the run was saved"):
        nasbench.from_dict(description)


# Real data, and speed


def test_nas_bench_201_table(shared_data: Path) -> None:
    path = shared_data / "nb201" / "nb201.csv.gz"
    benchmark = TableBenchmark(
        path, "nas-bench-201", accuracy="cifar10_test_200", report=["cifar10_valid_12"]
    )
    frame = pd.read_csv(path)
    codes = benchmark.cell.from_strings(frame["arch"])
    result = benchmark.query(codes)
    assert (result["cifar10_test_200_error"] == 100.0 - frame["cifar10_test_200"]).all()
    assert (result["cifar10_valid_12"] == frame["cifar10_valid_12"]).all()
    assert benchmark.optimum("cifar10_test_200_error") == 100.0 - 94.3733
    assert benchmark.name == "nb201"


def test_darts_table(shared_data: Path) -> None:
    path = shared_data / "darts" / "nb301_archs.csv.gz"
    options = {"accuracy": "yahpo_val_98", "cost": "yahpo_runtime_seconds_98"}
    with pytest.raises(BenchmarkError, match=r"search only the 12,439 present"):
        TableBenchmark(path, "darts", **options)
    with pytest.raises(BenchmarkError, match=r"column 'nb301_xgb_val' .* is empty in line 2"):
        TableBenchmark(path, "darts", accuracy="nb301_xgb_val", present_only=True)
    benchmark = TableBenchmark(path, "darts", present_only=True, **options)
    frame = pd.read_csv(path)
    result = benchmark.query(benchmark.cell.from_strings(frame["arch"].tolist()))
    assert (result["yahpo_val_98_error"] == 100.0 - frame["yahpo_val_98"]).all()
    assert (result["cost_seconds"] == frame["yahpo_runtime_seconds_98"]).all()


def test_eighth_operation_of_a_darts_table_is_named(shared_data: Path) -> None:
    path = shared_data / "darts" / "darts_bench_545_trained.csv.gz"
    with pytest.raises(BenchmarkError, match=r"line 4 of .* the cell has no operation 'none'"):
        TableBenchmark(path, "darts", accuracy="valid_50", present_only=True)


@pytest.mark.parametrize("name", ["nas-bench-201", "darts", "nas-bench-graph"])
def test_a_million_lookups(tmp_path: Path, name: str) -> None:
    cell = cells.get(name)
    codes = np.unique(cell.sample(20_000, np.random.default_rng(0)), axis=0)
    path = tmp_path / "all.csv"
    frame = pd.DataFrame({"arch": cell.to_strings(codes), "x": np.arange(len(codes), dtype=float)})
    frame.to_csv(path, index=False)
    benchmark = TableBenchmark(path, cell, minimize="x", present_only=True)
    asked = np.random.default_rng(0).integers(len(codes), size=1_000_000)
    batch = codes[asked]
    assert (benchmark.query(batch)["x"] == asked).all()
