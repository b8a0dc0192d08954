"""``ax-anasod reproduce``: the paper's tables on whatever benchmark there is."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ax_anasod.reproduce import distributions
from tests.cli.conftest import Command

Refused = Callable[..., str]


def test_table_1_of_a_benchmark_without_a_number(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "new"
    graph = ["--benchmark", "nas-bench-graph", "--dataset", "cora"]
    outcome = command("reproduce", "table1", *graph, "--seeds", 2, "--json", "--out", out)
    assert outcome.code == 0
    content = outcome.json
    assert content["explained_share"] == pytest.approx(0.186, abs=0.001)
    assert [entry["paper"] for entry in content["measures"]] == [None] * 4
    assert content["out"] == str(out)
    assert "Table 1 on nas-bench-graph cora" in outcome.err
    assert sorted(path.name for path in out.iterdir()) == [
        "table1.csv",
        "table1.md",
        "table1.png",
    ]


def test_ctrl_c_ends_it_after_a_sample(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = distributions.draw_spread

    def interrupted(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return draw(*arguments)

    monkeypatch.setattr(distributions, "draw_spread", interrupted)
    out = tmp_path / "new"
    graph = ["--benchmark", "nas-bench-graph", "--dataset", "cora", "--seeds", 1000]
    outcome = command("reproduce", "table1", *graph, "--json", "--out", out)
    assert outcome.code == 130
    assert "stopping after this sample" in outcome.err
    assert "stopped before its end; the same command starts again" in outcome.err
    assert outcome.json["samples"] == 1
    assert (out / "table1.csv").exists()


def test_table_on_the_terminal(command: Command) -> None:
    graph = ["--benchmark", "nas-bench-graph", "--dataset", "cora"]
    outcome = command("reproduce", "figure2", *graph, "--seeds", 1)
    assert (outcome.code, outcome.err) == (0, "")
    assert "median SD within an encoding" in outcome.out


@pytest.mark.slow
def test_searches_go_on_and_are_shared_between_targets(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = [*table, "--accuracy", "valid", "--seeds", 1, "--trials", 3, "--out", out, "--json"]
    first = command("reproduce", "table6", *options)
    assert first.code == 0, first.err
    assert [entry["runs"] for entry in first.json["methods"]] == ["1 of 1", "1 of 1"]
    journals = {path: path.read_bytes() for path in out.glob("runs/*/*.jsonl")}
    assert len(journals) == 2
    second = command("reproduce", "figure6", *options)
    assert second.json["methods"] == [entry | {"paper": None} for entry in first.json["methods"]]
    assert {path: path.read_bytes() for path in out.glob("runs/*/*.jsonl")} == journals
    assert {"table6.md", "figure6.png", "results.csv"} <= {path.name for path in out.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tabel2"], "unknown table or figure 'tabel2' (did you mean 'table2'?)"),
        (["table2"], "the benchmark 'nas-bench-201' needs --data"),
        (["table2", "--data", "nowhere.pth"], "nowhere.pth"),
        (["table2", "--trials", "0"], "'--trials': '0' is not a whole number of at least 1"),
        ([], "missing argument 'TARGET'"),
        (
            ["table1", "--benchmark", "nas-bench-graph", "--dataset", "cora", "--trials", "9"],
            "table1 comes from random draws, not from searches",
        ),
        (
            ["table2", "--benchmark", "nas-bench-graph", "--dataset", "cora", "--epochs", "12"],
            "the benchmark 'nas-bench-graph' has no option --epochs",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(refused: Refused, tmp_path: Path, arguments: list[str], message: str) -> None:
    out = tmp_path / "new"
    assert message in refused("reproduce", *arguments, "--out", out)
    assert not out.exists()


def test_the_folder_of_a_search_is_not_written_to(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = [*table, "--accuracy", "valid", "--out", out]
    assert command("search", *options, "--strategy", "random", "--trials", 2).code == 0
    before = sorted(out.iterdir())
    for target in ("table1", "table6"):
        outcome = command("reproduce", target, *options)
        assert outcome.code == 2
        assert "holds the run of a search" in outcome.err
    assert sorted(out.iterdir()) == before


def test_distributions_are_of_one_objective(refused: Refused, table: list[object]) -> None:
    for target in ("table1", "figure2"):
        message = refused(
            "reproduce", target, *table, "--accuracy", "valid", "--minimize", "latency"
        )
        assert f"{target} is of one objective, got 2: ['valid_error', 'latency']" in message
