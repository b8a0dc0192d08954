from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ax_anasod.cli.app import COMMANDS_WITH_FILES
from ax_anasod.cli.run_file import schema
from tests.cli.conftest import Command

FILE = """
benchmark = "table"
data = '{files}/table.csv'
cell = '{files}/mine.toml'
accuracy = ["valid"]
report = ["test", "latency"]
strategy = "random"
trials = 3
"""


@pytest.fixture
def run_file(files: Path) -> Path:
    path = files / "run.toml"
    path.write_text(FILE.format(files=files))
    return path


def test_a_run_file_is_its_options(
    command: Command, table: list[object], run_file: Path, files: Path
) -> None:
    options = ["--accuracy", "valid", "--report", "test", "--report", "latency"]
    typed = command("search", *table, *options, "--strategy", "random", "--trials", 3, "--json")
    outcome = command("search", run_file, "--json")

    assert outcome.code == 0, outcome.err
    timeless = {"seconds", "seconds_per_trial"}
    assert {k: v for k, v in outcome.json.items() if k not in timeless} == {
        k: v for k, v in typed.json.items() if k not in timeless
    }


def test_the_command_line_wins(command: Command, run_file: Path) -> None:
    content = command("search", run_file, "--trials", 2, "--report", "seconds", "--json").json

    assert content["planned_trials"] == 2
    assert list(content["reported"]) == ["seconds"]


def test_saved_options_make_the_same_run_file(
    command: Command, run_file: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.toml"
    limit = 'a "quoted" <= 5 \N{GREEK SMALL LETTER MU}s\x7f'
    options = ["--limit", limit, "--seed", 3, "--json", "--present-only"]
    assert command("search", run_file, *options, "--save-options", saved).code == 0

    content = tomllib.loads(saved.read_text(encoding="utf-8"))
    before = tomllib.loads(run_file.read_text())
    assert content == before | {"limit": [limit], "seed": 3, "json": True, "present-only": True}
    again = tmp_path / "again.toml"
    assert command("search", saved, "--save-options", again).code == 0
    assert tomllib.loads(again.read_text(encoding="utf-8")) == content


def test_options_are_not_saved_over_a_file(
    refused: Callable[..., str], run_file: Path, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.toml"
    notes.write_text("# mine")
    line = refused("search", run_file, "--save-options", notes)
    assert line == f"error: {notes} is there already (delete it, or choose another name)"
    assert notes.read_text() == "# mine"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("trails = 3", "has 'trails', which is no option (did you mean 'trials'?)"),
        (
            "help = true",
            "has 'help', which is no option (they are those of ax-anasod search --help",
        ),
        ("[tool]", "has a table 'tool' (options stand in none: NAME = VALUE"),
        ("trials = '3'", "trials in the run file {file} must be a whole number, got '3'"),
        ("trials = true", "trials in the run file {file} must be a whole number, got True"),
        ("trials = 0", "trials in the run file {file} must be at least 1"),
        ("limit = 'a<=1'", "limit in the run file {file} must be a list, got 'a<=1'"),
        ("present-only = 1", "present-only in the run file {file} must be true or false, got 1"),
        ("trials =", "the run file {file} is no TOML"),
    ],
)
def test_a_wrong_run_file_is_refused(
    refused: Callable[..., str], tmp_path: Path, line: str, error: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(f"benchmark = 'table'\n{line}\n")
    assert error.format(file=file) in refused("search", file)


def test_a_missing_run_file_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "No such file" in refused("search", tmp_path / "run.toml")


@pytest.mark.parametrize("name", COMMANDS_WITH_FILES)
def test_the_schema_has_the_options_of_the_help(command: Command, name: str) -> None:
    content = schema(name, COMMANDS_WITH_FILES[name])
    json.dumps(content)
    properties = content["properties"]
    text = command(name, "--help").out
    listed = set(re.findall(r"^│ (?:\*  |   )?--([a-z-]+)", text, re.MULTILINE))
    assert listed - {"help", "save-options"} == set(properties)
    assert properties["trials"]["type"] == "integer"
    assert properties["trials"]["minimum"] == 1
    assert properties["trials"]["maximum"] == 10_000_000
    if name != "search":
        assert properties["runner"]["enum"] == ["local", "ray"]
    if name == "train":
        assert properties["early-stopping"]["exclusiveMaximum"] == 100
        assert properties["track"]["items"] == {"type": "string"}
    assert all(each["description"] for each in properties.values())


def test_train_and_compare_take_run_files(command: Command, tmp_path: Path) -> None:
    for name, line in (("train", "learning-rate = 0.05"), ("compare", "strategies = 'random'")):
        file, saved = tmp_path / f"{name}.toml", tmp_path / f"{name}_saved.toml"
        given = f"{line}\n" if name == "train" else f"benchmark = 'table'\n{line}\n"
        file.write_text(given)
        assert command(name, file, "--trials", 2, "--save-options", saved).code == 0
        content = tomllib.loads(saved.read_text())
        assert content == tomllib.loads(given) | {"trials": 2}
