"""What bad input gets: one clear line, exit code 2, nothing written or lost."""

from __future__ import annotations

import bz2
import gzip
import math
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, rows, write_table

Refused = Callable[..., str]


@pytest.fixture
def search(refused: Refused, table: list[object], tmp_path: Path) -> Refused:
    """A search of the table that is refused, and writes nothing."""

    def call(*options: object, base: list[object] | None = None) -> str:
        out = tmp_path / "out" / "run"
        line = refused("search", *(table if base is None else base), *options, "--out", out)
        assert not out.parent.exists()
        return line

    return call


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stategy", "random"], "no such option '--stategy' (did you mean '--strategy'?)"),
        (["--trials", "0"], "--trials must be at least 1 and at most 10,000,000, got 0"),
        (["--trials", "many"], "'--trials': 'many' is not a whole number"),
        (["--trials", "2.5"], "'--trials': '2.5' is not a whole number"),
        (["--seed", "-1"], "--seed must be at least 0 and at most 4,294,967,295, got -1"),
        (["--parallel", "0"], "--parallel must be at least 1 and at most 10,000,000, got 0"),
        (["--out", ""], "an argument is empty (is a variable of the shell not set?)"),
        (["--out="], "--out is empty (is a variable of the shell not set?)"),
        (["more"], "the run file more cannot be read: No such file or directory"),
        (["--strategy", "anasod-boo"], "unknown strategy 'anasod-boo' (did you mean 'anasod-bo'?)"),
        (["--accuracy", "vali"], "unknown column 'vali' (did you mean 'valid'?)"),
        (["--minimize", "latenzy"], "unknown column 'latenzy' (did you mean 'latency'?)"),
        (["--accuracy", "valid", "--report", "tst"], "unknown column 'tst' (did you mean 'test'?)"),
        (["--accuracy", "valid", "--cost", "second"], "column 'second' (did you mean 'seconds'?)"),
        (["--accuracy", "note"], "column 'note' of the table"),
        (
            [],
            "is searched (name one with --accuracy, --minimize or --maximize)",
        ),
        (["--accuracy", "valid", "--accuracy", "valid"], "names 'valid' twice"),
        (["--accuracy", "valid", "--dataset", "cora"], "'table' has no option --dataset"),
        (["--accuracy", "valid", "--epochs", "12"], "'table' has no option --epochs"),
        (
            ["--accuracy", "valid", "--option", "beta"],
            "--option 'beta' is not of the form NAME=VALUE",
        ),
        (
            ["--accuracy", "valid", "--option", "beta_mx=1"],
            "unknown option of strategy 'anasod-bo': 'beta_mx' (did you mean 'beta_max'?)",
        ),
        (["--accuracy", "valid", "--option", "ard=2"], "option ard must be true or false, got '2'"),
        (["--accuracy", "valid", "--option", "beta_max=nan"], "must be a number, got 'nan'"),
        (
            ["--accuracy", "valid", "--option", "num_initial=1.5"],
            "must be a whole number, got '1.5'",
        ),
        (["--accuracy", "valid", "--option", "num_initial=0"], "num_initial must be at least 1"),
        (["--accuracy", "valid", *["--option", "ard=true"] * 2], "--option ard is given twice"),
        (["--accuracy", "valid", "--option", "optimizer=pol"], "'pol' (did you mean 'pool'?)"),
        (
            ["--accuracy", "valid", "--minimize", "val acc", "--strategy", "anasod-biased-random"],
            "searches one objective, got 2: ['valid_error', 'val acc']",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options(search: Refused, options: list[str], message: str) -> None:
    assert message in search(*options)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (["--dataset", "cora"], "missing option '--benchmark'"),
        (["--benchmark", "nas-bench-grap"], "(did you mean 'nas-bench-graph'?)"),
        (["--benchmark", "nas-bench-graph"], "'nas-bench-graph' needs --dataset"),
        (
            ["--benchmark", "nas-bench-graph", "--dataset", "corra"],
            "unknown data set 'corra' (did you mean 'cora'?)",
        ),
        (["--benchmark", "table"], "the benchmark 'table' needs --data and --cell"),
        (["--benchmark", "nas-bench-201"], "the benchmark 'nas-bench-201' needs --data"),
        (
            ["--benchmark", "nas-bench-graph", "--dataset", "cora", "--accuracy", "vaild"],
            "unknown split 'vaild' (did you mean 'valid'?)",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_benchmarks(search: Refused, base: list[object], message: str) -> None:
    assert message in search(base=base)


def test_commands(refused: Refused) -> None:
    assert refused("serch") == "error: no such command 'serch' (did you mean 'search'?)"
    assert refused("--vresion") == "error: no such option '--vresion' (did you mean '--version'?)"
    assert refused("resume") == "error: missing argument 'DIR'"
    assert refused("search", "--out") == "error: option '--out' requires an argument"
    for command in ("search", "compare", "resume"):
        assert f"at most 10,000,000, got {10**20}" in refused(command, "--trials", 10**20)


def cut(content: bytes) -> bytes:
    return gzip.compress(content)[:-200]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"", "is empty (0 bytes)"),
        (cut, "cannot be read, or is cut off"),
        (lambda content: b"\x00\xff" * 500, "table.csv"),
        (lambda content: b"PAR1" + b"\x00" * 500, "cannot be read, or is cut off"),
        (lambda content: content.splitlines(keepends=True)[0], "has a header but no rows"),
        (lambda content: content.replace(b"arch", b"cell", 1), "has no column 'arch'"),
        (lambda content: content[:-40], "has 2 fields, the header has 7"),
        (lambda content: content.replace(b"conv|conv|conv", b"conv|conv"), "line 2 of the table"),
        (lambda content: content.replace(b"conv|pool|conv", b"conv|pol|conv"), "'pool'"),
        (lambda content: content.replace(b"skip|skip|skip", b"conv|conv|conv"), "lines 2 and 28"),
    ],
    ids=[
        *("empty", "cut", "bytes", "parquet", "header", "no-arch", "torn-row"),
        *("malformed", "operation", "duplicate"),
    ],
)
def test_tables(
    search: Refused, files: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    path = files / "table.csv"
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    line = search("--accuracy", "valid")
    assert message in line
    assert str(path) in line
    assert path.read_bytes() == damaged


def test_a_missing_table_lists_those_beside_it(search: Refused, files: Path) -> None:
    base = ["--benchmark", "table", "--data", files / "tabel.csv", "--cell", files / "mine.toml"]
    line = search("--accuracy", "valid", base=base)
    assert f"{files / 'tabel.csv'} does not exist" in line
    assert "table.csv" in line.split("does not exist")[1]


def test_a_table_that_lacks_architectures(
    search: Refused, command: Command, table: list[object], files: Path
) -> None:
    write_table(files / "table.csv", rows()[:20])
    line = search("--accuracy", "valid")
    assert "lacks 7 of the 27 architectures" in line
    assert "--present-only" in line
    options = ["--accuracy", "valid", "--present-only", "--trials", 30, "--json"]
    content = command("search", *table, *options, "--strategy", "random").json
    assert set(content["architectures"]) <= {row["arch"] for row in rows()[:20]}


@pytest.mark.parametrize(
    ("option", "value"),
    [("--accuracy", -1.0), *(("--cost", v) for v in (-1.0, math.nan, math.inf, -math.inf, ""))],
)
def test_values_that_cannot_be(search: Refused, files: Path, option: str, value: object) -> None:
    content = rows()
    content[4]["latency"] = value
    write_table(files / "table.csv", content)
    options = ["--accuracy", "valid", option, "latency"]
    line = search(*options)
    assert "column 'latency'" in line
    assert "line 6" in line


def test_accuracies_beyond_100(search: Refused, files: Path) -> None:
    content = rows()
    content[0]["valid"] = 100.5
    write_table(files / "table.csv", content)
    assert "holds 100.5 in line 2" in search("--accuracy", "valid")


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_values_of_zero_and_constants_are_legal(
    command: Command, table: list[object], files: Path, value: float
) -> None:
    write_table(files / "table.csv", [row | {"valid": value} for row in rows()])
    options = ["--accuracy", "valid", "--trials", 13, "--json"]
    content = command("search", *table, *options).json
    assert content["values"]["valid_error"] == [100.0 - value] * 13


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ('name = "x"\noperations = ["conv"]\nnum_blocks = 3\n', "operation"),
        ('name = "x"\noperations = ["conv", "pool"]\nnum_blocks = 0\n', "block"),
        ('name = "x"\noperations = ["conv", "pool"]\nblocks = 3\n', "blocks"),
        ("name = ", "mine.toml"),
    ],
    ids=["one-operation", "no-blocks", "unknown-key", "no-toml"],
)
def test_cells(search: Refused, files: Path, definition: str, message: str) -> None:
    (files / "mine.toml").write_text(definition)
    assert message in search("--accuracy", "valid")


def test_an_unknown_cell_suggests_the_nearest(search: Refused, files: Path) -> None:
    base = ["--benchmark", "table", "--data", files / "table.csv", "--cell", "nas-bench-21"]
    assert "did you mean 'nas-bench-201'?" in search("--accuracy", "valid", base=base)


class Harmful:
    """What a pickle could do when it is executed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("name", ["file.pth", "file.pickle.pbz2"])
@pytest.mark.parametrize("content", ["pickle", "nothing", "text"])
def test_benchmark_files(
    search: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    pickled = pickle.dumps({"meta_archs": [], "harm": Harmful()}, protocol=2)
    data = {"pickle": pickled, "nothing": b"", "text": b"hello"}[content]
    path.write_bytes(bz2.compress(data) if name.endswith("pbz2") and data else data)
    line = search(base=["--benchmark", "nas-bench-201", "--data", path])
    assert str(path) in line
    assert not (tmp_path / "harm").exists()


def test_folders(refused: Refused, command: Command, table: list[object], tmp_path: Path) -> None:
    options = [*table, "--accuracy", "valid", "--strategy", "random", "--trials", 2]
    out = tmp_path / "run"
    assert command("search", *options, "--out", out).code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    line = refused("search", *options, "--out", out)
    assert f"holds the run of a search already (continue it with: ax-anasod resume {out}" in line
    line = refused("search", *options, "--out", out / "trials.csv")
    assert "trials.csv is a file, not a folder" in line
    below = refused("search", *options, "--out", out / "trials.csv" / "x")
    assert "trials.csv is a file, not a folder" in below
    line = refused("resume", out, "--trials", 1)
    assert "has 2 trials already, more than --trials 1" in line
    assert "holds no run" in refused("resume", tmp_path)
    assert "did you mean 'run'?" in refused("show", tmp_path / "runn")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a folder closed to all")
def test_a_read_only_folder(refused: Refused, table: list[object]) -> None:
    line = refused("search", *table, "--accuracy", "valid", "--out", "/sys/ax-anasod-run")
    assert "/sys/ax-anasod-run cannot be made: " in line
    assert "choose another folder" in line


def test_a_corrupt_database(
    refused: Refused, command: Command, table: list[object], tmp_path: Path
) -> None:
    options = [*table, "--accuracy", "valid", "--strategy", "random", "--trials", 2]
    out = tmp_path / "run"
    assert command("search", *options, "--out", out).code == 0
    database = out / "experiment.db"
    database.write_bytes(database.read_bytes()[:3000] + b"\x00" * 100)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    line = refused("resume", out, "--trials", 4)
    assert f"{database} is damaged" in line
    assert "delete the file: it is made again from the journal" in line
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    database.unlink()
    assert command("resume", out, "--trials", 4, "--json").json["trials"] == 4
    assert database.exists()


def test_a_table_that_has_changed_since(
    refused: Refused, command: Command, table: list[object], files: Path, tmp_path: Path
) -> None:
    options = [*table, "--accuracy", "valid", "--strategy", "random", "--trials", 2]
    out = tmp_path / "run"
    assert command("search", *options, "--out", out).code == 0
    content = rows()
    content[0]["valid"] = 12.0
    write_table(files / "table.csv", content)
    assert "holds other values than when the run was saved" in refused("resume", out)
    (files / "table.csv").unlink()
    assert "is no longer at" in refused("resume", out)
    assert command("show", out).code == 0


def test_an_unexpected_error_is_one_line_too(
    command: Command, table: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr("ax_anasod.runs.loop.Search.run", broken)
    options = [*table, "--accuracy", "valid", "--trials", 2]
    outcome = command("search", *options)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "error: ZeroDivisionError: division by zero (unexpected; AX_ANASOD_TRACEBACK=1 shows "
        "where it comes from)\n"
    )
    monkeypatch.setenv("AX_ANASOD_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        command("search", *options)
