"""``--limit`` and ``--known``: what architectures must keep, and what needs no model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CELL, Command, rows, write_table


def size(row: dict[str, float]) -> float:
    """Something that is known of an architecture: more accuracy needs more of it."""
    return row["valid"] - 85.0 + 0.3 * row["test"] % 1


@pytest.fixture
def table(tmp_path: Path) -> list[object]:
    content = [
        {
            "arch": row["arch"],
            "error": 100 - row["valid"],
            "size": size(row),
            "val acc": row["test"],
        }
        for row in rows()
    ]
    (tmp_path / "cell.toml").write_text(CELL)
    path = write_table(tmp_path / "table.csv", content)
    return [
        *("--benchmark", "table", "--data", path, "--cell", tmp_path / "cell.toml"),
        *("--strategy", "two-level-bo", "--option", "num_initial=4", "--seed", 1),
    ]


SIZE = {row["arch"]: size(row) for row in rows()}


def test_nothing_is_proposed_that_breaks_a_known_limit(
    command: Command, table: list[object]
) -> None:
    content = command(
        "search", *table, "--minimize", "error", "--limit", "size<=3", "--known", "size",
        "--trials", 9, "--json",
    ).json  # fmt: skip
    assert content["limits"] == ["size <= 3.0"]
    assert content["feasible"] == [True] * 9
    assert max(SIZE[architecture] for architecture in content["architectures"]) <= 3
    assert content["reported"]["size"][-1] == SIZE[content["best"]["architecture"]]


def test_incumbents_keep_limits_that_trials_break(command: Command, table: list[object]) -> None:
    content = command(
        "search", *table, "--minimize", "error", "--limit", "val acc >= 1", "--limit", "size<=2.5",
        "--trials", 9, "--json",
    ).json  # fmt: skip
    feasible = [SIZE[architecture] <= 2.5 for architecture in content["architectures"]]
    assert content["feasible"] == feasible
    assert not all(feasible)
    errors = content["values"]["error"]
    for n, incumbent in enumerate(content["incumbent"], start=1):
        kept = [e for e, keeps in zip(errors[:n], feasible[:n], strict=True) if keeps]
        assert incumbent == (min(kept) if kept else None)
    kept = [100 - row["valid"] for row in rows() if size(row) <= 2.5 and row["test"] >= 1]
    assert content["optimum"] == min(kept)


def test_a_limit_on_an_objective_bounds_the_front(command: Command, table: list[object]) -> None:
    content = command(
        "search", *table, "--minimize", "error", "--minimize", "size", "--limit", "error<=13",
        "--limit", "size<=4", "--trials", 9, "--json",
    ).json  # fmt: skip
    for point in content["pareto_front"]:
        assert point["values"]["error"] <= 13
        assert point["values"]["size"] <= 4


def test_a_run_under_a_limit_goes_on_as_if_uninterrupted(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    options = ["--minimize", "error", "--limit", "size<=3", "--known", "size", "--json"]
    whole = command("search", *table, *options, "--trials", 9).json
    command("search", *table, *options, "--trials", 6, "--out", tmp_path / "run")
    parts = command("resume", tmp_path / "run", "--trials", 9, "--json").json
    assert parts["architectures"] == whole["architectures"]


@pytest.mark.parametrize("known", [[], ["--known", "size"]])
def test_a_limit_that_nothing_keeps(
    refused: Callable[..., str], table: list[object], tmp_path: Path, known: list[str]
) -> None:
    limited = ["--minimize", "error", "--limit", "size<=-5", *known]
    message = refused("search", *table, *limited, "--out", tmp_path / "run")
    assert "no architecture keeps size <= -5.0 (by itself each can be as good as" in message
    assert f"size = {min(SIZE.values()):g}" in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "size"], "'size' is no limit (write it as 'latency <= 5' or"),
        (["--limit", "sise<=5"], "unknown column 'sise'"),
        (["--known", "sise"], "unknown column 'sise'"),
        (["--known", "error"], "error: all that is searched would be known without a trial"),
        (["--limit", "error<=5"], "limits 'error', which is minimised"),
        (["--limit", "size<=3", "--strategy", "tpe"], "'tpe' knows no limits"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    command: Command, table: list[object], options: list[str], message: str
) -> None:
    outcome = command("search", *table, "--minimize", "error", *options, "--trials", 3)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.strip().count("\n") == 0


def test_what_is_limited_or_known_is_reported_by_benchmarks_with_quantities(
    command: Command, refused: Callable[..., str]
) -> None:
    search = ["search", "--benchmark", "hybrid-lm", "--trials", 3, "--strategy", "random"]
    done = command(*search, "--known", "cache_bytes", "--limit", "cache_bytes<=30k", "--json")
    assert done.code == 0, done.err
    assert set(done.json["reported"]) == {"recall_error", "facts_error", "cache_bytes"}
    assert done.json["limits"] == ["cache_bytes <= 30000.0"]
    assert "did you mean 'cache_bytes'" in refused(*search, "--known", "cash_bytes")
