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


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("strategy", ["regularized-evolution", "two-level-bo", "anasod-bo"])
def test_it_is_the_search_for_the_least_of_the_opposite(
    command: Command, table: list[object], tmp_path: Path, name: str, strategy: str
) -> None:
    options = ["--strategy", strategy, "--option", "num_initial=4", "--trials", 9, "--json"]
    # Of positive values the logarithm is modelled, of negative ones only by some.
    options += [] if strategy == "regularized-evolution" else ["--option", "log_targets=false"]
    out = tmp_path / "out"
    higher = command("search", *table, "--maximize", name, *options, "--out", out)
    lower = command("search", *table, "--minimize", f"neg_{name}", *options)
    assert (higher.code, lower.code) == (0, 0)
    found, opposite = higher.json, lower.json
    assert found["architectures"] == opposite["architectures"]
    assert found["objectives"] == [{"name": name, "unit": "", "minimize": False}]
    assert found["incumbent"] == [-v for v in opposite["incumbent"]]
    assert found["incumbent"][-1] == max(found["values"][name]) == found["best"]["value"]
    assert found["optimum"] == -opposite["optimum"] == max(value(row, name) for row in rows())
    words = [line.split() for line in higher.err.splitlines()]
    (shown,) = [line for line in words if line[:2] == ["best", name]]
    assert float(shown[2]) == pytest.approx(found["best"]["value"], rel=1e-5)
    (regret,) = [line[-1].rstrip(")") for line in words if line[:1] == ["optimum"]]
    assert float(regret) == pytest.approx(
        found["optimum"] - found["best"]["value"], abs=1e-4 * SCALES[name]
    )
    trials = list(csv.DictReader((out / "trials.csv").open()))
    assert [float(row["incumbent"]) for row in trials] == found["incumbent"]
    report = (out / "report.html").read_text()
    assert "The highest value so far" in report
    assert (
        command("resume", out, "--trials", 10, "--json").json["incumbent"][:9] == found["incumbent"]
    )


def test_without_more_options_any_sign_and_scale_can_be_maximised(
    command: Command, table: list[object]
) -> None:
    for name in SCALES:
        options = ["--trials", 12, "--option", "num_initial=4", "--json"]
        outcome = command("search", *table, "--maximize", name, *options)
        assert outcome.code == 0
        assert outcome.json["incumbent"][-1] > sorted(value(row, name) for row in rows())[-10]


def test_directions_can_be_mixed(command: Command, table: list[object]) -> None:
    options = ["--maximize", "auc", "--minimize", "neg_r2", "--strategy", "random", "--trials", 12]
    outcome = command("search", *table, *options, "--json")
    assert [o["minimize"] for o in outcome.json["objectives"]] == [True, False]
    # Each is the best of the other, too.
    assert len(outcome.json["pareto_front"]) == 1


def test_a_comparison_in_both_directions(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    options = ["--strategies", "random,regularized-evolution:num_initial=3", "--trials", 6]
    options += ["--seeds", 2, "--regret", 0.5, "--json"]
    higher = command("compare", *table, "--maximize", "r2", *options, "--out", tmp_path / "c")
    lower = command("compare", *table, "--minimize", "neg_r2", *options)
    assert (higher.code, lower.code) == (0, 0)
    for ours, theirs in zip(higher.json["summary"], lower.json["summary"], strict=True):
        assert ours["mean"] == -theirs["mean"]
        for name in ("regret", "queries_to_regret", "seeds_at_optimum", "standard_error"):
            assert ours[name] == theirs[name]
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
