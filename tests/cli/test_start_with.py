"""``--start-with``: architectures of a user's own, and trials of earlier work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command, rows, write_table

Refused = Callable[..., str]
ROWS = rows()
SEARCH = ["--strategy", "two-level-bo", "--option", "num_initial=4", "--accuracy", "valid"]


@pytest.fixture
def search(table: list[object]) -> list[object]:
    return ["search", *table, *SEARCH]


def given(path: Path, numbers: list[int], **columns: str) -> Path:
    """A table of some architectures: new column -> column of the benchmark."""
    content = [
        {"arch": ROWS[n]["arch"], **{name: 100 - ROWS[n][c] for name, c in columns.items()}}
        for n in numbers
    ]
    return write_table(path, content)


def test_architectures_are_tried_first(
    command: Command, search: list[object], tmp_path: Path
) -> None:
    file = given(tmp_path / "mine.csv", [20, 3, 3, 11])
    content = command(*search, "--start-with", file, "--trials", 5, "--json").json
    assert content["architectures"][:3] == [ROWS[n]["arch"] for n in (20, 3, 11)]
    assert content["trials"] == 5


@pytest.mark.parametrize("strategy", ["two-level-bo", "random", "anasod-bo"])
def test_trials_of_earlier_work(
    command: Command, table: list[object], tmp_path: Path, strategy: str
) -> None:
    search = ["search", *table, "--accuracy", "valid", "--strategy", strategy]
    known = given(tmp_path / "known.csv", [1, 7, 15], valid_error="valid")
    tried = given(tmp_path / "tried.csv", [20])
    options = ["--start-with", known, "--start-with", tried]
    whole = command(*search, *options, "--trials", 6, "--json").json
    assert whole["trials"] == 9
    assert whole["architectures"][:3] == [ROWS[n]["arch"] for n in (1, 7, 15)]
    assert whole["values"]["valid_error"][0] == pytest.approx(100 - ROWS[1]["valid"])
    counts = [sorted(ROWS[20]["arch"].split("|")), sorted(whole["architectures"][3].split("|"))]
    assert counts[0] == counts[1]
    assert len(set(whole["architectures"])) == 9

    out = tmp_path / "run"
    assert command(*search, *options, "--trials", 2, "--out", out).code == 0
    assert command("show", out).code == 0
    again = command("resume", out, "--trials", 9, "--json").json
    assert again["architectures"] == whole["architectures"]
    assert "given" in (out / "trials.csv").read_text()

    # Killed while the trials of earlier work were written down.
    lines = (out / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (out / "journal.jsonl").write_bytes(b"".join(lines[:3]))
    again = command("resume", out, "--trials", 9, "--json").json
    assert again["architectures"] == whole["architectures"]


def test_the_trials_of_another_run(command: Command, search: list[object], tmp_path: Path) -> None:
    command(*search, "--trials", 5, "--out", tmp_path / "first")
    options = ["--seed", 1, "--start-with", tmp_path / "first", "--trials", 2, "--json"]
    content = command(*search, *options).json
    first = command("show", tmp_path / "first", "--json").json
    # A cell that was drawn twice there is one trial here.
    tried = dict(zip(first["architectures"], first["values"]["valid_error"], strict=True))
    assert content["architectures"][: len(tried)] == list(tried)
    assert content["values"]["valid_error"][: len(tried)] == list(tried.values())
    assert content["trials"] == len(tried) + 2


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        ("arch\nconv|conv\n", [], "line 2 of mine.csv: "),
        (
            "arch,valid_error\nconv|conv|conv,nan\n",
            [],
            "line 2 of mine.csv has a value that is not",
        ),
        (
            "arch,valid_error\nconv|conv|conv,5\n",
            ["--report", "test"],
            "has values of valid_error, but not of test",
        ),
        (
            "arch,valid_error\nconv|conv|conv,5\nconv|conv|conv,6\n",
            [],
            "other values of 'conv|conv|conv' than were given before",
        ),
        ("name\nconv|conv|conv\n", [], "has no column 'arch'"),
    ],
)
def test_what_is_refused(
    refused: Refused,
    search: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: str,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text(lines)
    assert message in refused(*search, *options, "--start-with", "mine.csv", "--trials", 3)


def test_a_journal_of_other_given_trials_is_refused(
    command: Command, search: list[object], tmp_path: Path
) -> None:
    known = given(tmp_path / "known.csv", [1, 7], valid_error="valid")
    out = tmp_path / "run"
    command(*search, "--start-with", known, "--trials", 2, "--out", out)
    config = json.loads((out / "config.json").read_text())
    config["start_with"].reverse()
    (out / "config.json").write_text(json.dumps(config))
    outcome = command("resume", out, "--trials", 6)
    assert outcome.code == 2
    assert "trial 0 is none of this run" in outcome.err
