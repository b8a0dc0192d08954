from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ax_anasod.compare import Contender, Plan
from ax_anasod.compare.comparison_folder import ComparisonFolder, Run, journal_path, read_runs
from ax_anasod.compare.run_results import curves, results_frame, to_csv
from ax_anasod.journal import Completed, Failed, Record, Started
from ax_anasod.nasbench import TableBenchmark

RANDOM = Contender("random", {}, 4)


def record(trial: int, valid: float | None) -> Record:
    start = Started(trial, trial, {}, "random", "random")
    if valid is None:
        return Record(start, Failed(trial, "out of memory", {}, 0.5))
    values = {"valid_error": valid, "test": 10 * valid}
    return Record(start, Completed(trial, values, "a", {}, 7.0, 0.5))


def test_incumbents_and_what_is_reported_of_them(benchmark: TableBenchmark) -> None:
    plan = Plan.of(benchmark, [RANDOM], 1)
    # The third ties with the second; the fourth is still being evaluated.
    records = [record(0, None), record(1, 6.0), record(2, 6.0), record(3, 5.0)]
    records[2] = Record(
        records[2].start, Completed(2, {"valid_error": 6.0, "test": 1.0}, "b", {}, 7.0, 0.5)
    )
    unfinished = Record(Started(4, 4, {}, "random", "random"))
    frame = results_frame(plan, [Run("random", 0, 5, (*records, unfinished))])
    assert list(frame) == [
        "strategy",
        "seed",
        "trial",
        "value",
        "incumbent",
        "cost_seconds",
        "test",
        "seconds",
    ]
    np.testing.assert_array_equal(frame["value"], [np.nan, 6, 6, 5])
    np.testing.assert_array_equal(frame["incumbent"], [np.nan, 6, 6, 5])
    np.testing.assert_array_equal(frame["test"], [np.nan, 60, 60, 50])
    np.testing.assert_array_equal(frame["cost_seconds"], [np.nan, 7, 7, 7])
    assert frame["trial"].tolist() == [0, 1, 2, 3]


def test_results_of_nothing_have_their_columns(benchmark: TableBenchmark) -> None:
    plan = Plan.of(benchmark, [RANDOM], 1)
    frame = results_frame(plan, [Run("random", 0, 5, ())])
    assert frame.empty
    assert curves(frame, "random", "incumbent", 5).shape == (0, 5)
    header = to_csv(frame).splitlines()[0]
    assert header == "strategy,seed,trial,value,incumbent,cost_seconds,test"


def test_csv_has_all_digits_and_no_wall_time(
    fill: Callable[..., ComparisonFolder], tmp_path: Path
) -> None:
    folder = fill(tmp_path, [RANDOM, Contender("anasod-random", {}, 4)], 2)
    frame = results_frame(folder.plan, read_runs(tmp_path, folder.plan))
    again = list(csv.DictReader(io.StringIO(to_csv(frame))))
    assert len(again) == 16
    assert "seconds" not in again[0]
    for name in ("value", "incumbent", "cost_seconds", "test"):
        assert [float(row[name]) for row in again] == frame[name].tolist()
    for name in ("strategy", "seed", "trial"):
        assert [row[name] for row in again] == frame[name].astype(str).tolist()


def test_curves_are_of_finished_runs_only(
    fill: Callable[..., ComparisonFolder], tmp_path: Path
) -> None:
    folder = fill(tmp_path, [RANDOM], 3)
    journal = journal_path(tmp_path, RANDOM, 1)
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:4]))
    frame = results_frame(folder.plan, read_runs(tmp_path, folder.plan))
    values = curves(frame, "random", "incumbent", 4)
    assert values.index.tolist() == [0, 2]
    last = frame[(frame["seed"] == 2) & (frame["trial"] == 3)]["incumbent"]
    assert values.loc[2, 3] == last.item()
    assert (np.diff(values.to_numpy(), axis=1) <= 0).all()
