"""``ax-anasod reproduce``: the paper's tables on whatever benchmark there is."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ax_anasod.cells import Cell
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
        "table1.html",
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
        (["table2", "--trials", "0"], "--trials must be at least 1"),
        ([], "missing argument 'TARGET'"),
        (
            ["table1", "--benchmark", "nas-bench-graph", "--dataset", "cora", "--trials", "9"],
            "table1 comes from random draws, not from searches",
        ),
        (
            ["table2", "--benchmark", "nas-bench-graph", "--dataset", "cora", "--epochs", "12"],
            "the benchmark 'nas-bench-graph' has no option --epochs",
        ),
        (["table2", "--scale", "cpu"], "table2 has no option --scale"),
        (["table1", "--methods", "darts"], "table1 has no option --methods"),
        (["figure3", "--runs", "runs"], "figure3 has no option --runs"),
        (["table3", "--runs", "runs"], "table3 has no option --runs"),
        (["figure5", "--trials", "9"], "figure5 has no option --trials"),
        (["table3", "--report", "test"], "table3 has no option --report"),
        (["table3", "--training-seeds", "single"], "table3 has no option --training-seeds"),
        (["table3", "--methods", "dart"], "unknown method 'dart' (did you mean 'darts'?)"),
        (["table3", "--methods", "darts,,rsps"], "--methods 'darts,,rsps' has an empty name"),
        (["table3", "--methods", "darts:travel"], "'darts:travel' is not of the form NAME:OPTION"),
        (["table3", "--methods", "darts:rate=1"], "unknown option of method 'darts': 'rate'"),
        (
            ["table3", "--methods", "darts:draws=1"],
            "draws must be at least 2 and at most 10,000, got 1",
        ),
        (["table3", "--search-epochs", "0"], "--search-epochs must be at least 1"),
        (["table4"], "table4 is made of evaluated networks, and no folder of one is given"),
        (["table5", "--runs", "nowhere"], "nowhere is no folder (ax-anasod evaluate"),
        (["table4", "--data", "nb201.csv"], "table4 has no option --data"),
        (["table4", "--benchmark", "table"], "table4 has no option --benchmark"),
        (["table5", "--seeds", "3"], "table5 has no option --seeds"),
        (["figure7"], "figure7 shows the encoding of one run, got 0"),
        (["figure7", "--runs", "a", "--runs", "b"], "figure7 shows the encoding of one run, got 2"),
        (["figure7", "--runs", "nowhere"], "the folder nowhere does not exist"),
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


@pytest.fixture
def judged(tmp_path: Path) -> list[object]:
    """The options of a table over a small cell whose operations have modules."""
    cell = Cell("small", operations=["nor_conv_3x3", "skip_connect", "none"], num_blocks=2)
    codes = cell.enumerate()
    lines = [f"{text},{80 + i},{70 + i}" for i, text in enumerate(cell.to_strings(codes))]
    (tmp_path / "table.csv").write_text("\n".join(["arch,test,other", *lines]) + "\n")
    operations = '["nor_conv_3x3", "skip_connect", "none"]'
    (tmp_path / "small.toml").write_text(
        f'name = "small"\noperations = {operations}\nnum_blocks = 2\n'
    )
    files = ["--data", tmp_path / "table.csv", "--cell", tmp_path / "small.toml"]
    return ["--benchmark", "table", *files, "--accuracy", "test"]


def test_mistakes_of_differentiable_searches(
    refused: Refused, judged: list[object], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    part = tmp_path / "part.csv"
    part.write_text("\n".join((tmp_path / "table.csv").read_text().splitlines()[:-1]) + "\n")
    lacking = ["--benchmark", "table", "--data", part, *judged[4:]]
    cases: list[tuple[list[object], str]] = [
        ([*judged, "--scale", "gpu"], "unknown scale 'gpu' (did you mean 'cpu'?)"),
        ([*judged, "--dataset", "cifar10"], "the data set 'cifar10' needs --images-data"),
        ([*judged, "--images-data", tmp_path / "nowhere"], "nowhere does not exist"),
        ([*judged, "--images-data", tmp_path / "empty"], "empty"),
        ([*judged, "--images", 10], "10 images are too few for 10 classes"),
        ([*judged, "--batch-size", 100, "--images", 60], "batch_size 100 is more than the 30"),
        ([*judged, "--methods", "darts,darts", "--images", 140], "'darts' is named twice"),
        ([*judged, "--accuracy", "tset"], "unknown column 'tset' (did you mean 'test'?)"),
        (lacking, "lacks 1 of the 9 architectures"),
        ([*lacking, "--present-only"], "lacks some of the architectures of cell 'small'"),
        (judged[:4], "the benchmark 'table' needs --cell"),
    ]
    out = tmp_path / "new"
    for options, message in cases:
        for target in ("table3", "figure5"):
            assert message in refused("reproduce", target, *options, "--out", out)
    assert not out.exists()


@pytest.mark.slow
def test_differentiable_searches_are_shared_between_targets(
    command: Command, judged: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    small = ["--images", 140, "--channels", 2, "--search-epochs", 1, "--device", "cpu"]
    options = [*judged, "--accuracy", "other", *small, "--seeds", 1, "--out", out, "--json"]
    first = command("reproduce", "table3", *options, "--methods", "anasod-dnas")
    assert first.code == 0, first.err
    assert first.json["scale"] == "cpu"
    rows = {row["row"]: row for row in first.json["rows"]}
    assert rows["anasod-dnas"]["runs"] == "1 of 1"
    assert rows["optimum"]["errors"]["other_error"]["mean"] == 100 - 78
    assert rows["largest cell (weights)"]["errors"]["test_error"]["mean"] == 20
    found = {path: path.read_bytes() for path in out.glob("one-shot/*/*/found.json")}
    assert len(found) == 1
    second = command("reproduce", "figure5", *options, "--methods", "anasod-dnas")
    assert second.json["results"] == first.json["results"]
    assert {path: path.read_bytes() for path in out.glob("one-shot/*/*/found.json")} == found
    assert {"table3.md", "table3.csv", "figure5.png", "epochs.csv"} <= {
        path.name for path in out.iterdir()
    }
    # The folder of a search shows its cells, too.
    third = command("reproduce", "figure7", "--runs", next(iter(found)).parent, "--json")
    assert third.json["cell"] == "small"
    other = command("reproduce", "table3", *options, "--channels", 3)
    assert other.code == 2
    assert "another protocol; what differs: network" in other.err


@pytest.mark.slow
def test_evaluated_networks_and_sampled_cells_of_a_run(command: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    quick = ["--images", 60, "--epochs", 1, "--batch-size", 30, "--device", "cpu"]
    small = ["--channels", 2, "--cells", 3, "--trials", 1, "--strategy", "anasod-random"]
    assert command("train", *small, *quick, "--out", run).code == 0
    tested = command("evaluate", run, *quick, "--json").json["test_error"]
    out = tmp_path / "table"
    table = command("reproduce", "table4", "--runs", run, "--out", out, "--json")
    assert table.code == 0, table.err
    assert table.json["rows"][-1]["test_error"] == tested
    assert table.json["rows"][-1]["folders"] == [str(run / "evaluation")]
    assert (out / "table4.csv").exists()
    figure = command("reproduce", "figure7", "--runs", run, "--seeds", 2, "--out", out)
    assert figure.code == 0, figure.err
    assert "skip_connect" in figure.out
    assert (out / "figure7.png").stat().st_size > 10_000
