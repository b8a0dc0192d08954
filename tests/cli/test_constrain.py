"""``--constrain``: what the counts of the operations must keep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CELL, Command, rows, write_table


@pytest.fixture
def table(tmp_path: Path) -> list[object]:
    (tmp_path / "cell.toml").write_text(CELL)
    path = write_table(tmp_path / "table.csv", rows())
    return [
        *("search", "--benchmark", "table", "--data", path, "--cell", tmp_path / "cell.toml"),
        *("--accuracy", "valid"),
    ]


@pytest.mark.parametrize("strategy", ["anasod-random", "two-level-bo"])
def test_nothing_is_proposed_that_breaks_a_constraint(
    command: Command, table: list[object], tmp_path: Path, strategy: str
) -> None:
    operations = CELL.split("operations = [")[1].split('"')[1::2]
    first, second = (f"n_{name}" for name in operations[:2])
    given = ["--constrain", f"{first} <= 1", "--constrain", f"{first} + {second} >= 2"]
    run = [*table, *given, "--strategy", strategy, "--seed", 1]
    content = command(*run, "--trials", 8, "--out", tmp_path / "run", "--json").json
    for architecture in content["architectures"]:
        counts = [architecture.split("|").count(name) for name in operations[:2]]
        assert counts[0] <= 1
        assert sum(counts) >= 2
    assert content["optimum"] is None
    resumed = command("resume", tmp_path / "run", "--trials", 11, "--json").json
    whole = command(*run, "--trials", 11, "--json").json
    assert resumed["architectures"] == whole["architectures"]


@pytest.mark.parametrize(
    ("constraint", "found"),
    [("n_cnv <= 1", "n_cnv"), ("n_conv * 2 < 1", "no linear constraint"), ("n_conv >= 99", "99")],
)
def test_constraints_that_cannot_be_kept_are_one_line(
    command: Command, table: list[object], constraint: str, found: str
) -> None:
    outcome = command(*table, "--constrain", constraint)
    assert outcome.code == 2
    assert found in outcome.err


def test_all_strategies_are_compared_under_constraints(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    run = ["compare", *table[1:], "--seeds", 1, "--out", tmp_path / "runs"]
    kept = ["--constrain", "n_conv <= 1", "--constrain", "n_pool >= 1"]
    chosen = "random,anasod-bo,local-search,tpe"
    content = command(*run, *kept, "--strategies", chosen, "--trials", 5, "--json").json
    assert content["constraints"] == ["n_conv <= 1", "n_pool >= 1"]
    assert content["optimum"] is None
    assert not content["failures"]
    journals = list((tmp_path / "runs").glob("runs/*/*.jsonl"))
    assert len(journals) == 4
    for journal in journals:
        ends = [json.loads(line) for line in journal.read_text().splitlines()]
        encodings = [end["encoding"] for end in ends if end.get("encoding")]
        assert len(encodings) == 5
        assert all(each["conv"] <= 1 and each["pool"] >= 1 for each in encodings)
    outcome = command(*run, *kept[:2], "--strategies", chosen, "--trials", 5)
    assert outcome.code != 0
    assert "other constraints" in outcome.err


def test_screening_keeps_constraints(command: Command, table: list[object]) -> None:
    screen = ["--screen", "test", "--screen-cost", 0.1, "--screen-trials", 6]
    run = [*table, *screen, "--strategy", "two-level-bo", "--constrain", "n_conv == 0"]
    content = command(*run, "--trials", 3, "--json").json
    assert all("conv" not in architecture for architecture in content["architectures"])
