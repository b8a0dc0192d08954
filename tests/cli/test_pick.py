"""``--pick``: which point of a front is meant."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CELL, Command, rows, write_table
from tests.cli.test_show import imported, words


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    folder = tmp_path_factory.mktemp("table")
    content = [
        {"arch": row["arch"], "error": 100 - row["valid"], "latency": row["latency"]}
        for row in rows()
    ]
    (folder / "cell.toml").write_text(CELL)
    path = write_table(folder / "table.csv", content)
    return [
        *("--benchmark", "table", "--data", path, "--cell", folder / "cell.toml"),
        *("--strategy", "random", "--trials", 12, "--minimize", "error"),
    ]


@pytest.fixture
def out(command: Command, options: list[object], tmp_path: Path) -> Path:
    out = tmp_path / "run"
    both = ["--minimize", "latency", "--pick", "latency<=2.2"]
    assert command("search", *options, *both, "--out", out).code == 0
    return out


def test_search_says_what_was_picked_and_so_does_everything_after_it(
    command: Command, out: Path
) -> None:
    content = command("show", out, "--json").json
    front, picked = content["pareto_front"], content["picked"]
    assert picked["rule"] == "the lowest error with latency <= 2.2"
    kept = [point for point in front if point["values"]["latency"] <= 2.2]
    assert picked["trial"] == min(kept, key=lambda point: point["values"]["error"])["trial"]
    assert picked["values"]["latency"] <= 2.2
    trials = {row["trial"] for row in csv.DictReader((out / "pareto.csv").read_text().splitlines())}
    assert str(picked["trial"]) in trials
    assert "the lowest error with latency &lt;= 2.2" in (out / "report.html").read_text()
    shown = words(command("show", out).out)
    assert f"picked trial {picked['trial']}, {picked['rule']}" in shown
    assert "other rules" not in shown


def test_another_rule_can_be_asked_for(command: Command, out: Path) -> None:
    content = command("show", out, "--pick", "latency=1", "--json").json
    lowest = min(point["values"]["latency"] for point in content["pareto_front"])
    assert content["picked"]["values"]["latency"] == lowest
    assert content["picked"]["rule"] == "the smallest 1 latency"
    knee = command("show", out, "--pick", "knee").out
    assert "the knee of the front" in knee
    assert knee.count("<- picked") == 1
    nobody = command("show", out, "--pick", "latency<=0.1").out
    assert "none: no trial of the front is the lowest error with latency <= 0.1" in words(nobody)


def test_what_is_picked_by_default_is_said(
    command: Command, options: list[object], tmp_path: Path
) -> None:
    command("search", *options, "--minimize", "latency", "--out", tmp_path / "run")
    outcome = command("show", tmp_path / "run")
    assert "the lowest error; other rules: show DIR --pick" in words(outcome.out)
    best = command("show", tmp_path / "run", "--json").json
    assert best["picked"]["trial"] == best["best"]["trial"]


def test_a_front_is_shown_without_ax(out: Path) -> None:
    assert not {"ax", "torch", "scipy", "pandas"} & imported("show", out, "--pick", "knee")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("elbow", "'elbow' picks no point of a front"),
        ("latancy<=5", "unknown objective 'latancy' (did you mean 'latency'"),
        ("error=-1", "weight '-1' of 'error'"),
    ],
)
def test_what_is_no_rule_is_said_in_one_line(
    refused: Callable[..., str], options: list[object], out: Path, rule: str, message: str
) -> None:
    assert message in refused("show", out, "--pick", rule)
    assert message in refused("search", *options, "--minimize", "latency", "--pick", rule)


def test_without_a_front_it_is_refused(
    command: Command, refused: Callable[..., str], options: list[object], tmp_path: Path
) -> None:
    said = "there is no front to pick 'knee' from: error is the only objective"
    assert said in refused("search", *options, "--pick", "knee")
    command("search", *options, "--out", tmp_path / "one")
    assert said in refused("show", tmp_path / "one", "--pick", "knee")
    (tmp_path / "compared").mkdir()
    (tmp_path / "compared" / "comparison.json").write_text(json.dumps({}))
    assert "not for a comparison" in refused("show", tmp_path / "compared", "--pick", "knee")
