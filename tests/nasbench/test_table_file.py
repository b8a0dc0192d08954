"""Files that are no table, or only part of one."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.table_file import read_table

Write = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"arch": [f"a{i}" for i in range(5000)], "x": rng.random(5000)})


def test_reads_exact_numbers(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "t.csv", index=False)
    read = read_table(tmp_path / "t.csv", ["x"])
    assert read.architectures == table["arch"].tolist()
    assert read.columns["x"].tolist() == table["x"].tolist()


def test_missing_file(write: Write, tmp_path: Path) -> None:
    write("arch,x", name="there.csv")
    with pytest.raises(BenchmarkError, match=r"god.csv does not exist \(in that folder: there"):
        read_table(tmp_path / "god.csv", ["x"])
    with pytest.raises(BenchmarkError, match=r"ther.csv does not exist \(did you mean 'there.csv'"):
        read_table(tmp_path / "ther.csv", ["x"])
    with pytest.raises(BenchmarkError, match=r"there is no folder .*absent"):
        read_table(tmp_path / "absent" / "t.csv", ["x"])


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="is a folder, not a file"):
        read_table(tmp_path, ["x"])


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").touch()
    with pytest.raises(BenchmarkError, match="is empty"):
        read_table(tmp_path / "t.csv", ["x"])


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_file_cut_in_half(table: pd.DataFrame, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"t.{form}"
    table.to_parquet(path) if form == "parquet" else table.to_csv(path, index=False)
    whole = path.read_bytes()
    cut = whole[: len(whole) // 2]
    # A text file is cut inside a line, or nothing in it tells that it was longer.
    path.write_bytes(cut[: cut.rindex(b",")] if form == "csv" else cut)
    with pytest.raises(BenchmarkError, match="cut off"):
        read_table(path, ["x"])


def test_no_rows(write: Write, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="has a header but no rows"):
        read_table(write("arch,x"), ["x"])
    pd.DataFrame({"arch": pd.Series(dtype=str), "x": []}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(BenchmarkError):
        read_table(tmp_path / "t.parquet", ["x"])


def test_no_arch_column(write: Write, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no column 'arch', its first columns are: a, b"):
        read_table(write("a,b", "1,2"), ["b"])
    pd.DataFrame({"a": [1.0]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(BenchmarkError):
        read_table(tmp_path / "t.parquet", ["a"])


@pytest.mark.parametrize("line", ["b,1,2,3", "b,1"])
def test_ragged_row(write: Write, line: str) -> None:
    with pytest.raises(BenchmarkError, match=r"line 3 .* has \d fields, the header has 3"):
        read_table(write("arch,x,y", "a,1,2", line), ["x"])


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(BenchmarkError, match="cannot be read"):
        read_table(path, ["x"])
    path.write_bytes(gzip.compress(np.random.default_rng(0).bytes(5000)))
    with pytest.raises(BenchmarkError):
        read_table(path, ["x"])
    path.write_bytes(b"PAR1 but no Parquet")
    with pytest.raises(BenchmarkError):
        read_table(path, ["x"])


def test_quote_that_is_never_closed(write: Write) -> None:
    with pytest.raises(BenchmarkError):
        read_table(write("arch,x", 'a,"1', "b,2"), ["x"])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"arch": ["a", None], "x": [1.0, 2.0]}, "row 2 .* has nothing in column 'arch'"),
        ({"arch": [1, 2], "x": [1.0, 2.0]}, "row 1 .* has 1 in column 'arch'"),
        ({"arch": ["a", "b"], "x": [1.0, None]}, "is empty in row 2"),
        ({"arch": ["a", "b"], "x": pd.array([1, None], dtype="Int64")}, "is empty in row 2"),
        ({"arch": ["a", "b"], "x": ["1", "two"]}, "holds 'two' in row 2"),
        ({"arch": ["a", "b"], "x": [True, False]}, "holds True in row 1"),
    ],
    ids=["null string", "number as string", "null", "null integer", "text", "truth"],
)
def test_parquet_columns_of_another_type(
    tmp_path: Path, frame: dict[str, object], message: str
) -> None:
    pd.DataFrame(frame).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(BenchmarkError, match=message):
        read_table(tmp_path / "t.parquet", ["x"])


def test_a_name_that_promises_parquet(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("arch,x\na,1\n")
    with pytest.raises(BenchmarkError, match=r"t\.parquet is called \.parquet, but is no Parquet"):
        read_table(tmp_path / "t.parquet", ["x"])


def test_integers_and_categories_in_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"arch": pd.Categorical(["a", "b"]), "x": np.array([1, 2], dtype="i4")})
    frame.to_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet", ["x"])
    assert read.architectures == ["a", "b"]
    assert read.columns["x"].tolist() == [1.0, 2.0]


def test_unreadable_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("arch,x", "a,1")

    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BenchmarkError):
        read_table(path, ["x"])
