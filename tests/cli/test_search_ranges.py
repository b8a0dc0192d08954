"""``train --search``: hyperparameters beside the cell."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

SMALL = [
    *("train", "--epochs", 1, "--channels", 4, "--cells", 3, "--images", 100),
    *("--layers", "repeated", "--strategy", "two-level-bo", "--option", "num_initial=2"),
]
SEARCHED = ["--search", "learning_rate=1e-3..1e-1:log", "--search", "channels=2,4"]


def test_trials_are_trained_with_what_they_say(command: Command, tmp_path: Path) -> None:
    run = [*SMALL, *SEARCHED, "--out", tmp_path / "run", "--json"]
    content = command(*run, "--trials", 3).json
    assert {*content["best"]["parameters"]} == {"learning_rate", "channels"}
    content = command("resume", tmp_path / "run", "--trials", 5, "--json").json
    whole = command(*SMALL, *SEARCHED, "--trials", 5, "--json").json
    assert content["values"] == whole["values"]
    with (tmp_path / "run" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert all(0.001 <= float(row["learning_rate"]) <= 0.1 for row in rows)
    # Networks of more channels have more parameters.
    sizes = {int(row["channels"]): float(row["parameters"]) for row in rows}
    assert len(sizes) == 2
    assert sizes[4] > sizes[2]
    outcome = command("ensemble", tmp_path / "run", "--out", tmp_path / "ensemble")
    assert outcome.code != 0
    assert "searched learning_rate, channels beside the cell" in outcome.err


def test_what_a_network_costs_is_known_where_none_of_its_own_numbers_is_searched(
    command: Command, tmp_path: Path
) -> None:
    # One of the smallest networks has 3,826, and draws seldom find it.
    limited = ["--limit", "parameters<=4000", "--trials", 3, "--json"]
    content = command(*SMALL, *SEARCHED[:2], *limited).json
    assert content["feasible"] == [True] * 3
    modelled = ["--minimize", "parameters", "--trials", 1, "--out", tmp_path / "run"]
    command(*SMALL, *SEARCHED, *modelled)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["known"] == []


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("epochs=1..3", "epochs cannot be searched"),
        ("learning_rte=1..3", "learning_rte"),
        ("learning_rate=0.1", "has one value"),
        ("learning_rate=0..1:log", "above 0"),
        ("learning_rate=1..0.1", "must be below the upper one"),
        ("learning_rate=0.1..1:ln", "is no scale"),
        ("channels=0,2", "channels must be at least 1"),
        ("mix=a..b", "no bound"),
    ],
)
def test_what_cannot_be_searched_is_one_line(command: Command, given: str, found: str) -> None:
    outcome = command(*SMALL, "--search", given, "--trials", 1)
    assert outcome.code == 2
    assert found in outcome.err
    assert outcome.err.count("error:") == 1


def test_strategies_of_cells_alone_refuse(command: Command) -> None:
    outcome = command("train", "--strategy", "local-search", *SMALL[1:7], *SEARCHED)
    assert outcome.code == 2
    assert "searches cells only" in outcome.err
