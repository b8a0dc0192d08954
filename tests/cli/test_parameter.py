"""``--parameter``: columns of a table that are searched beside the cell."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command

DATA = Path(__file__).parent.parent / "data"
TABLE = [
    *("--benchmark", "table", "--data", DATA / "joint_digits.csv.gz"),
    *("--cell", DATA / "joint_digits.toml", "--accuracy", "accuracy"),
]
PARAMETERS = [
    f for name in ("learning_rate", "weight_decay", "width") for f in ("--parameter", name)
]
SEARCH = ["search", *TABLE, *PARAMETERS, "--option", "num_initial=4"]


@pytest.mark.parametrize("strategy", ["two-level-bo", "anasod-bo"])
def test_a_run_looks_up_what_it_proposes_and_goes_on_exactly(
    command: Command, tmp_path: Path, strategy: str
) -> None:
    run = [*SEARCH, "--strategy", strategy, "--seed", 3]
    content = command(*run, "--trials", 5, "--out", tmp_path / "run", "--json").json
    assert content["optimum"] == pytest.approx(4.48)
    assert {*content["best"]["parameters"]} == {"learning_rate", "weight_decay", "width"}
    resumed = command("resume", tmp_path / "run", "--trials", 7, "--json").json
    whole = command(*run, "--trials", 7, "--json").json
    assert resumed["values"] == whole["values"]
    with (tmp_path / "run" / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    assert {row["width"] for row in trials} <= {"8", "16", "32"}
    assert len({row["learning_rate"] for row in trials}) > 1
    assert "learning_rate" in command("show", tmp_path / "run").out
    # What a run folder says of parameters is what its table has.
    config = tmp_path / "run" / "config.json"
    content = json.loads(config.read_text())
    content["hyperparameters"]["parameters"][0]["name"] = "learning_rte"
    config.write_text(json.dumps(content))
    outcome = command("resume", tmp_path / "run", "--trials", 8)
    assert outcome.code != 0
    assert "searches other parameters" in outcome.err


def test_fronts_under_limits_go_on_exactly_and_are_compared(
    command: Command, tmp_path: Path
) -> None:
    asked = ["--minimize", "deviation", "--limit", "test_accuracy >= 90"]
    run = [*SEARCH, *asked, "--strategy", "two-level-bo", "--seed", 1]
    command(*run, "--trials", 6, "--out", tmp_path / "run")
    resumed = command("resume", tmp_path / "run", "--trials", 8, "--json").json
    whole = command(*run, "--trials", 8, "--json").json
    for name in ("values", "feasible", "hypervolume", "pareto_front"):
        assert resumed[name] == whole[name]
    accuracies = whole["reported"]["test_accuracy"]
    assert accuracies[-1] >= 90
    settings = [{*row["values"]} for row in whole["pareto_front"]]
    assert settings[0] == {"accuracy_error", "deviation"}
    several = ["--strategies", "random,two-level-bo", "--trials", 6, "--seeds", 1]
    content = command(
        "compare", *TABLE, *PARAMETERS, *asked, *several, "--out", tmp_path / "both", "--json"
    ).json
    assert [row["strategy"] for row in content["summary"]] == ["random", "two-level-bo"]
    assert (tmp_path / "run" / "pareto.csv").exists()


def test_strategies_are_compared_on_both_and_those_of_cells_are_left_out_of_all(
    command: Command, tmp_path: Path
) -> None:
    run = ["compare", *TABLE, *PARAMETERS, "--seeds", 1, "--out", tmp_path / "runs"]
    both = command(*run, "--strategies", "random,tpe", "--trials", 3, "--json").json
    assert [row["strategy"] for row in both["summary"]] == ["random", "tpe"]
    outcome = command(*run, "--strategies", "local-search", "--trials", 3)
    assert outcome.code == 2
    assert "searches cells only" in outcome.err


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["--known", "deviation"], "known quantities"),
        (["--feature", "deviation"], "none of an architecture alone"),
        (["--screen", "test_accuracy", "--screen-cost", 0.1], "is not screened"),
        (["--limit", "deviatoin <= 1"], "did you mean 'deviation'"),
        (["--parameter", "widht"], "did you mean 'width'"),
        (["--parameter", "arch"], "the column 'arch' holds the architectures, and is no parameter"),
    ],
)
def test_what_is_not_for_joint_searches_is_one_line(
    refused: Callable[..., str], given: list[object], found: str
) -> None:
    assert found in refused(*SEARCH, "--strategy", "two-level-bo", "--trials", 3, *given)


def test_architectures_to_start_with_are_tried_with_drawn_parameters(
    command: Command, refused: Callable[..., str], tmp_path: Path
) -> None:
    first = tmp_path / "first.csv"
    first.write_text("arch\nrelu|skip|tanh|relu\n")
    run = [*SEARCH, "--strategy", "two-level-bo", "--trials", 2, "--start-with", first]
    assert command(*run, "--json").json["architectures"][0] == "relu|skip|tanh|relu"
    first.write_text("arch,accuracy_error\nrelu|skip|tanh|relu,5\n")
    assert "learning_rate is searched, too" in refused(*run)
