from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ax_anasod import nasbench
from ax_anasod.compare import Observer
from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.nasbench import NASBench201Benchmark
from ax_anasod.plots.mean_curve import draw_best_encodings
from ax_anasod.reproduce import check_target, reproduce, reproduce_spread, write_files


def test_paper_stands_beside_ours(single: NASBench201Benchmark, tmp_path: Path) -> None:
    made = reproduce("table1", single, seeds=3)
    header, rows = made.table()
    assert header == ["measure", "paper", "ours"]
    assert [row[1] for row in rows] == ["9.5", "1.2", "0.84", "0.19"]
    assert all("±" in row[2] for row in rows)
    notes = " ".join(made.notes())
    assert "column NB201 CIFAR-10" in notes
    assert "R² = " in notes
    content = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    assert [entry["paper"] for entry in content["measures"]] == [9.5, 1.2, 0.84, 0.19]
    files = write_files(made, tmp_path / "new")
    assert [path.name for path in files] == ["table1.md", "table1.csv", "table1.html", "table1.png"]
    with files[1].open() as file:
        records = list(csv.DictReader(file))
    assert list(records[0]) == ["measure", "paper", "mean", "standard_error"]
    assert [record["measure"] for record in records] == [row[0] for row in rows]
    assert [float(r["mean"]) for r in records] == [e["ours"] for e in content["measures"]]
    assert files[0].read_text().startswith("# Table 1 on nas-bench-201 cifar10\n")


def test_means_have_no_deviation_over_seeds(means: NASBench201Benchmark) -> None:
    made = reproduce_spread("table1", means, seeds=1)
    _, rows = made.table()
    assert rows[-1] == ["median SD over training seeds", "0.19", "-"]
    # One sample has no standard error.
    assert "±" not in rows[0][2]
    assert any("needs single training runs" in note for note in made.notes())


def test_other_benchmarks_have_no_column_of_the_paper() -> None:
    benchmark = nasbench.make("nas-bench-graph", dataset="cora")
    made = reproduce_spread("figure2", benchmark, seeds=2, encodings=50)
    assert made.table()[0] == ["measure", "ours"]
    assert made.title == "Figure 2 on nas-bench-graph cora"
    assert any("no number for this data set" in note for note in made.notes())


def test_figure_2_shows_the_best_encodings_in_order(means: NASBench201Benchmark) -> None:
    made = reproduce_spread("figure2", means, seeds=1)
    figure = draw_best_encodings(made.spreads[0].values, made.subject, "error")
    (axes,) = figure.axes
    values = axes.containers[0].lines[0].get_ydata()
    assert len(values) == 100
    assert sorted(values) == list(values)
    assert max(values) < made.spreads[0].values.mean(axis=1).max()
    assert axes.get_ylim()[0] == 0


class Stopping(Observer):
    """Stops after two samples."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def begins(self, done: int, trials: int, runs: int) -> None:
        self.seen.append((done, trials, runs))

    def progressed(self, done: int, runs: int) -> None:
        self.seen.append((done, runs))

    def should_stop(self) -> bool:
        return len(self.seen) > 2


def test_samples_so_far_are_a_table(means: NASBench201Benchmark) -> None:
    observer = Stopping()
    stopped = reproduce("table1", means, seeds=9, observer=observer)
    assert observer.seen == [(0, 9, 9), (1, 1), (2, 2)]
    assert not stopped.finished
    whole = reproduce("table1", means, seeds=2)
    assert whole.finished
    assert stopped.table() == whole.table()
    assert "over 2 samples" in stopped.notes()[0]


def test_file_in_the_place_of_the_folder(means: NASBench201Benchmark, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RunError):
            reproduce("table1", means, seeds=0, out=out)


def test_what_cannot_be_made_is_refused(means: NASBench201Benchmark) -> None:
    with pytest.raises(UnknownNameError):
        check_target("tabel1")
    with pytest.raises(OptionError):
        reproduce("table1", means, seeds=0)
    with pytest.raises(OptionError, match="figure2 comes from random draws"):
        reproduce("figure2", means, most_trials=5)
