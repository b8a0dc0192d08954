"""Names from files do nothing on the terminal, in a spreadsheet or in a browser."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from ax_anasod.journal import Completed, Record, read_records, write_records
from tests.cli.conftest import CELL, Command, rows, write_table

HOSTILE = "=1+1 \x1b]8;;http://x\x07\x9b31m\u202e <img src=x onerror=alert(1)> [a](http://x)|b"
TAG = "<img src=x>"
COLUMN = "=cmd \x1b[31m\u202e<img src=x onerror=alert(1)>"


def assert_plain(*texts: str) -> None:
    for text in texts:
        assert {c for c in text if unicodedata.category(c) == "Cc"} <= {"\n"}
        assert "\u202e" not in text


@pytest.fixture
def run(command: Command, table: list[object], tmp_path: Path) -> Path:
    """The folder of a run in which every name is a stranger's."""
    out = tmp_path / "run"
    options = ["--accuracy", "valid", "--report", "test", "--strategy", "random", "--out", out]
    assert command("search", *table, *options, "--trials", 3).code == 0
    config = json.loads((out / "config.json").read_text())
    config |= {"benchmark_name": HOSTILE, "dataset": HOSTILE, "trials": 5}
    for kind in ("objectives", "reported"):
        config[kind][0] |= {"name": f"{kind} {HOSTILE}", "unit": HOSTILE}
    (out / "config.json").write_text(json.dumps(config))
    records = []
    for record in read_records(out / "journal.jsonl"):
        start, end = record.start, record.end
        assert isinstance(end, Completed)
        names = (f"{kind} {HOSTILE}" for kind in ("objectives", "reported"))
        values = dict(zip(names, end.values.values(), strict=True))
        encoding = {f"{name} {HOSTILE}": count for name, count in end.encoding.items()}
        changed = replace(end, values=values, encoding=encoding, architecture=HOSTILE)
        records.append(Record(replace(start, node=HOSTILE), changed))
    (out / "journal.jsonl").unlink()
    write_records(out / "journal.jsonl", records)
    return out


def test_a_run_of_a_stranger_is_shown_as_text(command: Command, run: Path) -> None:
    for options in ([], ["--json"]):
        outcome = command("show", run, *options)
        assert outcome.code == 0
        assert_plain(outcome.out, outcome.err)
        assert r"=1+1 \x1b]8;;http://x\x07\x9b31m\u202e <img" in outcome.out + outcome.err
    assert outcome.json["architectures"] == [HOSTILE] * 3


def test_what_goes_wrong_is_said_as_text(command: Command, run: Path) -> None:
    for arguments in (
        ["resume", run],
        ["show", run / HOSTILE.replace("/", "-")],
        ["search", "--benchmark", HOSTILE],
        ["search", HOSTILE],
        ["--import", HOSTILE, "strategies"],
    ):
        outcome = command(*arguments)
        assert outcome.code == 2
        assert outcome.err.count("\n") == 1
        assert_plain(outcome.out, outcome.err)


def test_a_column_of_any_name_is_no_command(command: Command, files: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    table = [{"arch": row["arch"].replace("conv", TAG), COLUMN: row["latency"]} for row in rows()]
    data = write_table(files / f"{TAG}.csv", table)
    (files / "hostile.toml").write_text(CELL.replace("conv", TAG))
    source = ["--benchmark", "table", "--data", data, "--cell", files / "hostile.toml"]
    options = ["--minimize", COLUMN, "--strategy", "anasod-bo", "--trials", 12, "--out", out]
    outcome = command("search", *source, *options, "--option", "num_initial=10")
    assert outcome.code == 0, outcome.err
    assert_plain(outcome.out, outcome.err)
    with (out / "trials.csv").open(newline="") as file:
        header, *body = csv.reader(file)
    assert f"'{COLUMN}" in header
    cells = [cell for row in (header, *body) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
    page = (out / "report.html").read_text()
    assert TAG not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "&lt;img src=x&gt;" in page
    # In the figures, text is JSON, in which plotly writes this for the sign of a tag. The data of
    # the table are a string, which is only ever written into a file.
    figures = re.findall(r"<script type='application/json'[^>]*>(\{.*?)</script>", page, re.DOTALL)
    assert not [figure for figure in figures if "\\u003cimg" in figure]
    assert [figure for figure in figures if '"name":"&lt;img src=x&gt;"' in figure]


@pytest.mark.slow
def test_a_comparison_on_any_column_is_no_command(
    command: Command, files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    table = [{"arch": row["arch"], COLUMN: row["latency"], "=2": 1} for row in rows()]
    data = write_table(files / "hostile.csv", table)
    source = ["--benchmark", "table", "--data", data, "--cell", files / "mine.toml"]
    options = ["--minimize", COLUMN, "--report", "=2", "--trials", 2, "--seeds", 1, "--out", out]
    outcome = command("compare", *source, "--strategies", "random", *options)
    assert outcome.code == 0
    assert_plain(outcome.out, outcome.err)
    text = (out / "summary.md").read_text()
    assert "<" not in text
    assert_plain(text)
    assert (out / "results.csv").read_text().splitlines()[0].split(",")[6] == "'=2"
    assert_plain(command("show", out).out)
