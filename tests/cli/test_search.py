from __future__ import annotations

import csv
import json
import math
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ax_anasod.nasbench import TableBenchmark
from tests.cli.conftest import Command, rows

KEYS = {
    *("benchmark", "dataset", "strategy", "seed", "trials", "objectives", "values"),
    "planned_trials",
    *("architectures", "incumbent", "reported", "best", "optimum", "cost_seconds", "seconds"),
    *(
        "screen",
        "cost",
        "seconds_per_trial",
        "pareto_front",
        "picked",
        "hypervolume",
        "limits",
        "feasible",
        "features",
        "stopped_early",
        "out",
    ),
}
BY_ARCHITECTURE = {row["arch"]: row for row in rows()}


def test_what_a_benchmark_prints_is_no_result(
    command: Command, table: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    query = TableBenchmark.query

    def printing(self: TableBenchmark, *arguments: Any) -> Any:
        sys.stdout.write("looked up\n")
        return query(self, *arguments)

    monkeypatch.setattr(TableBenchmark, "query", printing)
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 2, "--json"]
    outcome = command("search", *table, *options)
    assert outcome.json["trials"] == 2
    assert "looked up" in outcome.err


def test_json_is_one_object_that_agrees_with_the_table(
    command: Command, table: list[object]
) -> None:
    outcome = command(
        "search", *table, "--accuracy", "valid", "--report", "test", "--report", "val acc",
        "--cost", "seconds", "--strategy", "anasod-random", "--trials", 9, "--seed", 4, "--json",
    )  # fmt: skip
    assert outcome.code == 0
    content = outcome.json
    assert outcome.out.count("\n") == 1
    assert set(content) == KEYS
    found = [BY_ARCHITECTURE[architecture] for architecture in content["architectures"]]
    errors = [100 - row["valid"] for row in found]
    assert content["values"] == {"valid_error": errors}
    assert content["incumbent"] == [min(errors[: n + 1]) for n in range(9)]
    best = [errors.index(value) for value in content["incumbent"]]
    assert content["reported"] == {
        name: [found[n][name] for n in best] for name in ("test", "val acc")
    }
    assert content["cost_seconds"] == [row["seconds"] for row in found]
    assert content["best"]["architecture"] == content["architectures"][best[-1]]
    assert content["best"]["trial"] == best[-1]
    assert content["best"]["value"] == errors[best[-1]]
    assert sum(content["best"]["encoding"].values()) == 3
    assert content["optimum"] == min(100 - row["valid"] for row in BY_ARCHITECTURE.values())
    assert content["objectives"] == [{"name": "valid_error", "unit": "percent", "minimize": True}]
    assert (content["benchmark"], content["dataset"]) == ("table", None)
    assert (content["strategy"], content["seed"], content["trials"]) == ("anasod-random", 4, 9)
    assert (content["out"], content["pareto_front"]) == (None, None)
    assert content["seconds"] > 9 * 0.1 * content["seconds_per_trial"] > 0
    assert "best valid_error" in outcome.err


def test_the_table_of_results(command: Command, table: list[object]) -> None:
    options = ["--accuracy", "valid", "--report", "latency", "--cost", "seconds", "--trials", 3]
    outcome = command("search", *table, *options, "--strategy", "random")
    assert (outcome.code, outcome.err) == (0, "")
    content = command("search", *table, *options, "--strategy", "random", "--json").json
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    value, optimum = content["best"]["value"], content["optimum"]
    assert "random on table, seed 0" in lines
    assert f"best valid_error {value:.2f} % (trial {content['best']['trial']})" in lines
    assert f"optimum {optimum:.2f} % (regret {value - optimum:.2f} points)" in lines
    assert f"its latency {content['reported']['latency'][-1]:g}" in lines
    assert f"architecture {content['best']['architecture']}" in lines
    assert any(line.startswith("simulated cost 5.") for line in lines)


def test_without_out_nothing_is_written(
    command: Command, table: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    assert command("search", *table, "--accuracy", "valid", "--trials", 2).code == 0
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("trials", [27, 28])
def test_more_trials_than_architectures_are_noted(
    command: Command, table: list[object], trials: int
) -> None:
    search = ("search", *table, "--accuracy", "valid", "--strategy", "random", "--trials", trials)
    assert ("the cell has only 27 architectures" in command(*search).err) == (trials == 28)


def test_out_holds_the_run(command: Command, table: list[object], tmp_path: Path) -> None:
    out = tmp_path / "runs" / "one"
    content = command(
        "search", *table, "--accuracy", "valid", "--trials", 5, "--out", out, "--json"
    ).json
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json",
        "experiment.db",
        "incumbent.png",
        "journal.jsonl",
        "operation_distribution.png",
        "report.html",
        "trials.csv",
    ]
    assert content["out"] == str(out)
    with (out / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    assert [float(row["valid_error"]) for row in trials] == content["values"]["valid_error"]
    assert [row["architecture"] for row in trials] == content["architectures"]
    config = json.loads((out / "config.json").read_text())
    assert (config["strategy"], config["trials"], config["seed"]) == ("anasod-bo", 5, 0)


def test_several_objectives_give_a_pareto_front(command: Command, table: list[object]) -> None:
    outcome = command(
        "search", *table, "--accuracy", "valid", "--minimize", "latency", "--minimize", "val acc",
        "--strategy", "random", "--trials", 12, "--json",
    )  # fmt: skip
    content = outcome.json
    assert [o["name"] for o in content["objectives"]] == ["valid_error", "latency", "val acc"]
    points = list(zip(*content["values"].values(), strict=True))
    front = {
        point
        for point in points
        if not any(
            all(a <= b for a, b in zip(other, point, strict=True)) and other != point
            for other in points
        )
    }
    assert {tuple(entry["values"].values()) for entry in content["pareto_front"]} == front
    assert content["incumbent"][-1] == min(content["values"]["valid_error"])
    assert f"{len(front)} trials: valid_error, latency, val acc" in outcome.err


@pytest.mark.parametrize("column", ["val acc", "note"])
def test_a_column_of_any_name_but_of_numbers(
    command: Command, table: list[object], column: str
) -> None:
    outcome = command("search", *table, "--minimize", column, "--trials", 2, "--json")
    if column == "note":
        assert (outcome.code, outcome.out) == (2, "")
        assert "column 'note' of the table" in outcome.err
    else:
        assert list(outcome.json["values"]) == [column]


def test_options_of_the_strategy(command: Command, table: list[object], tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--option", "num_initial=2", "--option", "pool_size=none", "--option", "ard=true"]
    arguments = ["--accuracy", "valid", *options, "--trials", 3, "--out", out]
    assert command("search", *table, *arguments).code == 0
    config = json.loads((out / "config.json").read_text())
    assert config["options"] == {"num_initial": 2, "pool_size": None, "ard": True}
    nodes = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    assert [e["node"] for e in nodes if e["event"] == "start"] == ["initial"] * 2 + ["anasod-bo"]


def test_trials_proposed_at_a_time(command: Command, table: list[object], tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--accuracy", "valid", "--option", "num_initial=2", "--parallel", 3]
    assert command("search", *table, *options, "--trials", 7, "--out", out, "--json").code == 0
    events = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    assert [e["event"][0] for e in events] == list("ssscccssscccsc")


def test_the_seed_decides_everything(command: Command, table: list[object]) -> None:
    def architectures(seed: int) -> Any:
        options = ["--accuracy", "valid", "--trials", 8, "--seed", seed, "--json"]
        content = command("search", *table, *options, "--strategy", "random").json
        return content["architectures"]

    assert architectures(1) == architectures(1)
    assert architectures(1) != architectures(2)


def test_nas_bench_graph(command: Command) -> None:
    content = command(
        "search", "--benchmark", "nas-bench-graph", "--dataset", "cora", "--trials", 3, "--json"
    ).json
    assert (content["benchmark"], content["dataset"]) == ("nas-bench-graph", "cora")
    assert list(content["values"]) == ["valid_error"]
    assert list(content["reported"]) == ["test_error"]
    assert math.isclose(content["optimum"], 18.0667, abs_tol=1e-3)


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow beyond this many bytes, as on a disk that is almost full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_disk_that_fills_up_loses_nothing(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    options = ["--accuracy", "valid", "--strategy", "anasod-random", "--trials", 9]
    whole = command("search", *table, *options, "--json").json
    out = tmp_path / "run"
    with disk_of(2_500):
        outcome = command("search", *table, *options, "--out", out, "--json")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: trial ")
    assert outcome.err.count("\n") == 1
    assert "could not be recorded" in outcome.err
    assert "resume the run" in outcome.err
    kept = command("show", out, "--json").json
    assert 0 < kept["trials"] < 9
    assert kept["architectures"] == whole["architectures"][: kept["trials"]]
    resumed = command("resume", out, "--json")
    assert resumed.code == 0
    assert resumed.json["architectures"] == whole["architectures"]
    assert resumed.json["values"] == whole["values"]


def test_a_disk_too_full_for_the_report(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    options = ["--accuracy", "valid", "--strategy", "anasod-random", "--trials", 2]
    out = tmp_path / "run"
    with disk_of(400_000):
        outcome = command("search", *table, *options, "--out", out)
    assert outcome.code == 1
    assert "report.html" in outcome.err
    assert outcome.err.count("\n") == 1
    assert command("resume", out).code == 0
    assert (out / "report.html").stat().st_size > 400_000


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c(
    command: Command,
    table: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
) -> None:
    options = ["--accuracy", "valid", "--strategy", "anasod-random", "--trials", 6]
    whole = command("search", *table, *options, "--json").json
    query, calls = TableBenchmark.query, iter(range(100))

    def interrupted(self: TableBenchmark, codes: Any, seeds: Any = None) -> Any:
        if next(calls) == 3:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        return query(self, codes, seeds)

    monkeypatch.setattr(TableBenchmark, "query", interrupted)
    out = tmp_path / "run"
    before = signal.getsignal(signal.SIGINT)
    outcome = command("search", *table, *options, "--out", out, "--json")
    assert outcome.code == 130
    assert "stopping after this trial" in outcome.err
    # The first lets the trial end, the second does not.
    done = 4 if times == 1 else 3
    assert f"interrupted after {done} trials; go on with: ax-anasod resume {out}" in outcome.err
    assert (out / "report.html").exists() == (times == 1)
    if times == 1:
        assert outcome.json["architectures"] == whole["architectures"][:4]
    assert signal.getsignal(signal.SIGINT) is before
    assert command("resume", out, "--json").json["architectures"] == whole["architectures"]


def test_ctrl_c_without_a_folder(
    command: Command, table: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: TableBenchmark, codes: Any, seeds: Any = None) -> Any:
        signal.raise_signal(signal.SIGINT)
        return query(self, codes, seeds)

    query = TableBenchmark.query
    monkeypatch.setattr(TableBenchmark, "query", interrupted)
    outcome = command("search", *table, "--accuracy", "valid", "--strategy", "random")
    assert outcome.code == 130
    assert "interrupted after 1 trials; nothing was written" in outcome.err
