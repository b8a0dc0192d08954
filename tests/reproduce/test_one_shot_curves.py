from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ax_anasod import cells
from ax_anasod.nasbench import NASBench201Benchmark
from ax_anasod.reproduce import OneShotCurves, OneShotProtocol, make_runs, write_files
from ax_anasod.reproduce.one_shot_columns import columns_of
from ax_anasod.reproduce.one_shot_protocol import OneShotMethod
from ax_anasod.training import ImageData

CELL = cells.get("nas-bench-201")


@pytest.fixture(scope="module")
def made(
    tested: NASBench201Benchmark,
    means: NASBench201Benchmark,
    protocol: OneShotProtocol,
    digits: ImageData,
    searched: Path,
) -> OneShotCurves:
    methods = ("anasod-dnas", "darts")
    runs = make_runs(protocol, CELL, methods, images=digits, seeds=2, out=searched)
    return OneShotCurves(runs, columns_of([tested, means]))


def test_epochs_are_judged_by_the_benchmark(
    made: OneShotCurves, tested: NASBench201Benchmark, searched: Path
) -> None:
    names = ["method", "seed", "epoch", "mean_error", "sampled_error", "argmax_error", "entropy"]
    assert list(made.epochs.columns) == [*names, "objective"]
    assert len(made.epochs) == 2 * 2 * 2 * 2
    of_run = made.epochs.query(
        "method == 'darts' and seed == 1 and objective == 'cifar10_test_error'"
    )
    written = pd.read_csv(searched / "one-shot" / "darts" / "seed-1" / "epochs.csv")
    for name, architectures in {"sampled_error": "drawn", "argmax_error": "likeliest"}.items():
        codes = CELL.from_strings(written[architectures].tolist())
        assert of_run[name].tolist() == tested.query(codes)["cifar10_test_error"].tolist()
    assert of_run["entropy"].tolist() == pytest.approx(written["entropy"].tolist())
    assert of_run["epoch"].tolist() == [1, 2]


def test_figure_has_a_panel_for_each_column(made: OneShotCurves) -> None:
    first, second = made.draw().axes
    assert first.get_title(loc="left") == "CIFAR-10"
    assert second.get_ylabel() == "cifar10_valid_error [%]"
    lines = {line.get_label(): line for line in first.lines}
    data = made.epochs[made.epochs["objective"] == "cifar10_test_error"]
    sampled = data[data["method"] == "anasod-dnas"].groupby("epoch")["sampled_error"].mean()
    assert list(lines["anasod-dnas"].get_ydata()) == sampled.tolist()
    argmax = data[data["method"] == "darts"].groupby("epoch")["argmax_error"].mean()
    assert list(lines["darts, argmax"].get_ydata()) == argmax.tolist()
    uniform = made.columns[0].oracle.uniform
    assert list(lines["a uniform draw"].get_ydata()) == [uniform, uniform]
    # The invented error grows with every other operation.
    assert "only nor_conv_3x3" in lines
    # A band for each method.
    assert len(first.collections) == 2


def test_two_grey_lines_of_argmax_can_be_told_apart(made: OneShotCurves) -> None:
    faster = OneShotMethod("darts", {"learning_rate": 0.05})
    runs = replace(
        made.runs,
        methods=[*made.runs.methods, faster],
        outcomes=[
            *made.runs.outcomes,
            *(replace(outcome, label=faster.label) for outcome in made.runs.of("darts")),
        ],
    )
    axes = replace(made, runs=runs).draw().axes[0]
    grey = [line for line in axes.lines if str(line.get_label()).endswith(", argmax")]
    assert len({line.get_linestyle() for line in grey}) == 2


def test_table_and_files(made: OneShotCurves, tmp_path: Path) -> None:
    header, rows = made.table()
    assert len(rows) == 4
    assert header[-1] == "runs"
    assert {row[-1] for row in rows} == {"2 of 2"}
    content = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    (entry,) = [
        each
        for each in content["methods"]
        if (each["method"], each["objective"]) == ("darts", "cifar10_test_error")
    ]
    data = made.epochs.query("method == 'darts' and objective == 'cifar10_test_error'")
    last = data[data["epoch"] == 2]
    assert entry["last"]["mean_error"]["mean"] == pytest.approx(last["mean_error"].mean())
    assert entry["first"]["mean"] == pytest.approx(data[data["epoch"] == 1]["sampled_error"].mean())
    files = write_files(made, tmp_path)
    assert [path.name for path in files] == [
        "figure5.md",
        "figure5.csv",
        "figure5.html",
        "epochs.csv",
        "figure5.png",
    ]
    assert len(pd.read_csv(files[3])) == 16
    assert "the best cell of one operation (nor_conv_3x3)" in " ".join(made.notes())


def test_searches_that_are_missing_leave_their_place_empty(made: OneShotCurves) -> None:
    runs = replace(made.runs, outcomes=made.runs.of("darts"), failures=("anasod-dnas, seed 0: no",))
    part = replace(made, runs=runs)
    rows = part.table()[1]
    assert rows[0] == ["anasod-dnas", "CIFAR-10", "2", "-", "-", "-", "-", "0 of 2"]
    assert part.notes()[-1] == "Not finished: anasod-dnas, seed 0: no"
    assert "anasod-dnas" not in [line.get_label() for line in part.draw().axes[0].lines]
    nothing = replace(made, runs=replace(made.runs, outcomes=()))
    assert nothing.epochs.empty
    nothing.draw()
