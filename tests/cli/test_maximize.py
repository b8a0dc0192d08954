"""``--maximize``: the search for what is minimised with the sign turned, in the user's words."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CELL, Command, rows, write_table

SCALES = {"auc": 0.01, "r2": 1.0, "throughput": 1e5}


def value(row: dict[str, Any], name: str) -> float:
    """A quantity of which more is better: AUC in [0, 1], R2 of both signs, a large number."""
    # The best accuracies are 90, the worst ones 86.
    moved = row["valid"] - 88.5 if name == "r2" else row["valid"]
    return float(SCALES[name] * moved)


@pytest.fixture
def table(tmp_path: Path) -> list[object]:
    content = [
        {"arch": row["arch"]}
        | {name: value(row, name) for name in SCALES}
        | {f"neg_{name}": -value(row, name) for name in SCALES}
        for row in rows()
    ]
    (tmp_path / "cell.toml").write_text(CELL)
    path = write_table(tmp_path / "table.csv", content)
    return ["--benchmark", "table", "--data", path, "--cell", tmp_path / "cell.toml"]


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        *((name, "regularized-evolution") for name in SCALES),
        *(("r2", strategy) for strategy in ("two-level-bo", "anasod-bo", "reinforce", "nas-bowl")),
    ],
)
def test_it_is_the_search_for_the_least_of_the_opposite(
    command: Command, table: list[object], name: str, strategy: str
) -> None:
    options = ["--strategy", strategy, "--trials", 8, "--json"]
    options += [] if strategy == "reinforce" else ["--option", "num_initial=4"]
    # It models the logarithm of positive values, and cannot of their opposites.
    options += ["--option", "log_targets=false"] if strategy == "anasod-bo" else []
    higher = command("search", *table, "--maximize", name, *options)
    lower = command("search", *table, "--minimize", f"neg_{name}", *options)
    assert (higher.code, lower.code) == (0, 0)
    found, opposite = higher.json, lower.json
    assert found["architectures"] == opposite["architectures"]
    assert found["objectives"] == [{"name": name, "unit": "", "minimize": False}]
    assert found["incumbent"] == [-v for v in opposite["incumbent"]]
    best = found["best"]["value"]
    assert found["incumbent"][-1] == max(found["values"][name]) == best
    assert found["optimum"] == -opposite["optimum"] == max(value(row, name) for row in rows())
    words = [line.split() for line in higher.err.splitlines()]
    (shown,) = [line[2] for line in words if line[:2] == ["best", name]]
    assert float(shown) == pytest.approx(best, rel=1e-5)
    (regret,) = [line[-1].rstrip(")") for line in words if line[:1] == ["optimum"]]
    assert float(regret) == pytest.approx(found["optimum"] - best, rel=1e-4)


def test_the_files_of_a_run_are_in_the_users_direction(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ["--maximize", "r2", "--strategy", "anasod-random", "--trials", 6, "--json"]
    found = command("search", *table, *options, "--out", out).json
    trials = list(csv.DictReader((out / "trials.csv").read_text().splitlines()))
    assert [float(row["incumbent"]) for row in trials] == found["incumbent"]
    assert "The highest value so far" in (out / "report.html").read_text()
    assert command("show", out, "--json").json["incumbent"] == found["incumbent"]
    resumed = command("resume", out, "--trials", 7, "--json").json
    assert resumed["incumbent"][:6] == found["incumbent"]


def test_without_more_options_any_sign_and_scale_can_be_maximised(
    command: Command, table: list[object]
) -> None:
    for name in SCALES:
        options = ["--trials", 9, "--option", "num_initial=4", "--json"]
        outcome = command("search", *table, "--maximize", name, *options)
        assert outcome.code == 0
        assert outcome.json["incumbent"][-1] > sorted(value(row, name) for row in rows())[-10]


def test_directions_can_be_mixed(command: Command, table: list[object]) -> None:
    options = ["--maximize", "auc", "--minimize", "neg_r2", "--strategy", "random", "--trials", 12]
    outcome = command("search", *table, *options, "--json")
    assert [o["minimize"] for o in outcome.json["objectives"]] == [True, False]
    # Each is the best of the other, too.
    assert len(outcome.json["pareto_front"]) == 1


def test_a_comparison_of_what_is_maximised(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    options = ["--strategies", "random,regularized-evolution:num_initial=3", "--trials", 6]
    options += ["--seeds", 2, "--regret", 1.5, "--out", tmp_path / "c", "--json"]
    content = command("compare", *table, "--maximize", "r2", *options).json
    trials = list(csv.DictReader((tmp_path / "c" / "results.csv").read_text().splitlines()))
    for summary in content["summary"]:
        own = [row for row in trials if row["strategy"] == summary["strategy"]]
        runs = [[float(r["value"]) for r in own if r["seed"] == str(s)] for s in range(2)]
        highest = [max(run) for run in runs]
        assert summary["mean"] == pytest.approx(sum(highest) / 2)
        assert summary["regret"] == pytest.approx(content["optimum"] - sum(highest) / 2)
        near = sum(value >= content["optimum"] - 1.5 for value in highest)
        assert summary["seeds_at_regret"] == near
    assert "the highest r2 seen in a run" in (tmp_path / "c" / "summary.md").read_text()


def test_an_accuracy_that_is_minimised_is_noted_once(command: Command, table: list[object]) -> None:
    outcome = command(
        "compare", *table, "--minimize", "auc", "--strategies", "random,local-search",
        "--trials", 2, "--seeds", 1,
    )  # fmt: skip
    assert outcome.err.count("'auc' is minimised: if more of it is better") == 1
    outcome = command("search", *table, "--maximize", "auc", "--strategy", "random", "--trials", 2)
    assert "note:" not in outcome.err


def test_a_column_has_one_direction(refused: Any, table: list[object]) -> None:
    line = refused("search", *table, "--maximize", "auc", "--minimize", "auc", "--trials", 2)
    assert "'auc' is named by both minimize and maximize" in line
    assert "--accuracy, --minimize or --maximize" in refused("search", *table, "--trials", 2)


def test_the_tables_of_the_paper_are_of_errors(refused: Any, table: list[object]) -> None:
    line = refused("reproduce", "table2", *table, "--maximize", "auc")
    assert "'auc' is to be maximised" in line
