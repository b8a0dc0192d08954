"""``--constrain``: what the counts of the operations must keep."""

from __future__ import annotations

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
