from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from ax_anasod.compare import Comparison, Contender, Observer, Plan, compare_strategies
from ax_anasod.compare.comparison_folder import ComparisonFolder, journal_path
from ax_anasod.compare.progress import ComparisonReporter
from ax_anasod.compare.run_results import to_csv
from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.journal import read_records
from ax_anasod.nasbench import TableBenchmark

CONTENDERS = [Contender("random", {}, 8), Contender("anasod-bo", {"num_initial": 3}, 8)]


class Watcher(Observer):
    """Remembers what it sees, and does something at a given number of trials."""

    def __init__(self, at: int = -1, action: Callable[[], None] = lambda: None) -> None:
        self.at, self.action = at, action
        self.seen: list[tuple[int, int]] = []
        self.failures: list[tuple[str, int, str]] = []
        self.planned = (0, 0, 0)
        self.stop = False

    def begins(self, done: int, trials: int, runs: int) -> None:
        self.planned = (done, trials, runs)

    def progressed(self, done: int, runs: int) -> None:
        self.seen.append((done, runs))
        if done == self.at:
            self.at = -1
            self.action()

    def failed(self, label: str, seed: int, reason: str) -> None:
        self.failures.append((label, seed, reason))

    def should_stop(self) -> bool:
        return self.stop


@pytest.fixture(scope="module")
def uninterrupted(benchmark: TableBenchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison of two strategies with two seeds, made by two processes."""
    out = tmp_path_factory.mktemp("uninterrupted")
    compare_strategies(benchmark, CONTENDERS, seeds=2, jobs=2, out=out).write()
    return out


def results_of(path: Path) -> pd.DataFrame:
    return Comparison.read(path).results.drop(columns="seconds")


@pytest.mark.slow
def test_processes_make_the_trials_of_a_search(
    uninterrupted: Path, fill: Callable[..., ComparisonFolder], tmp_path: Path
) -> None:
    fill(tmp_path, CONTENDERS, 2)
    pd.testing.assert_frame_equal(results_of(uninterrupted), results_of(tmp_path))
    names = {path.name for path in uninterrupted.iterdir()}
    assert {
        "results.csv",
        "summary.csv",
        "summary.md",
        "incumbent_queries.png",
        "report.html",
    } <= names
    assert "failures.txt" not in names
    assert Comparison.read(uninterrupted).finished


@pytest.mark.slow
def test_stopped_and_made_longer_it_is_the_same(
    uninterrupted: Path, benchmark: TableBenchmark, tmp_path: Path
) -> None:
    watcher = Watcher(at=3)
    watcher.action = lambda: setattr(watcher, "stop", True)
    short = [Contender(c.strategy, c.options, 5) for c in CONTENDERS]
    stopped = compare_strategies(benchmark, short, seeds=1, jobs=1, out=tmp_path, observer=watcher)
    assert not stopped.finished
    assert not Comparison.read(tmp_path).finished
    assert 3 <= len(stopped.results) < 10
    assert watcher.planned == (0, 10, 2)
    # The rest, three more trials a run, and one more seed.
    again = Watcher()
    compare_strategies(benchmark, CONTENDERS, seeds=2, jobs=1, out=tmp_path, observer=again)
    assert again.planned == (len(stopped.results), 32, 4)
    assert again.seen[0] == (len(stopped.results), 0)
    assert again.seen[-1] == (32, 4)
    pd.testing.assert_frame_equal(results_of(tmp_path), results_of(uninterrupted))


@pytest.mark.slow
def test_killed_process_takes_one_run_with_it(
    uninterrupted: Path, benchmark: TableBenchmark, tmp_path: Path
) -> None:
    # Those of other tests.
    others = set(multiprocessing.active_children())

    def kill() -> None:
        (process,) = set(multiprocessing.active_children()) - others
        os.kill(process.pid or 0, signal.SIGKILL)

    watcher = Watcher(at=2, action=kill)
    comparison = compare_strategies(
        benchmark, CONTENDERS, seeds=1, jobs=1, out=tmp_path, observer=watcher
    )
    reason = "its process was killed by SIGKILL (out of memory? then try fewer jobs)"
    assert watcher.failures == [("random", 0, reason)]
    assert comparison.failures == {"random": (f"seed 0: {reason}",)}
    assert comparison.finished
    assert comparison.summary.frame["seeds"].tolist() == [0, 1]
    comparison.write()
    assert f"Not finished: random, seed 0: {reason}" in (tmp_path / "summary.md").read_text()
    assert reason in (tmp_path / "failures.txt").read_text()
    # The same call again makes the rest.
    whole = compare_strategies(benchmark, CONTENDERS, seeds=1, jobs=1, out=tmp_path)
    assert whole.failures == {}
    assert not (tmp_path / "failures.txt").exists()
    expected = results_of(uninterrupted)
    pd.testing.assert_frame_equal(
        results_of(tmp_path), expected[expected["seed"] == 0].reset_index(drop=True)
    )


def test_damaged_journal_is_told_before_anything_runs(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    plan = Plan.of(benchmark, CONTENDERS, 1)
    with ComparisonFolder.open(tmp_path, plan):
        damaged = journal_path(tmp_path, CONTENDERS[0], 0)
    damaged.parent.mkdir(parents=True)
    damaged.write_text("x\n")
    with pytest.raises(RunError, match="0.jsonl is not the journal of a run, and stays as it is"):
        compare_strategies(benchmark, CONTENDERS, seeds=1, out=tmp_path)
    assert damaged.read_text() == "x\n"


def test_whoever_waits_is_told_of_strategies_that_were_not_named(
    fill: Callable[..., ComparisonFolder], benchmark: TableBenchmark, tmp_path: Path
) -> None:
    class Impatient(Observer):
        others: Sequence[str] = ()

        def goes_on_with(self, labels: Sequence[str]) -> None:
            self.others = labels

        def should_stop(self) -> bool:
            return True

    contenders = [Contender("random", {}, 4), Contender("anasod-random", {}, 4)]
    fill(tmp_path, contenders, 1)
    for seeds, others in ((1, []), (2, ["anasod-random"])):
        impatient = Impatient()
        compare_strategies(benchmark, contenders[:1], seeds=seeds, out=tmp_path, observer=impatient)
        assert list(impatient.others) == others


def test_a_journal_that_was_deleted_is_written_again(
    fill: Callable[..., ComparisonFolder], benchmark: TableBenchmark, tmp_path: Path
) -> None:
    contenders = [Contender("random", {}, 4), Contender("anasod-random", {}, 4)]
    fill(tmp_path, contenders, 1)
    with ComparisonFolder.open(tmp_path, Plan.of(benchmark, contenders, 1)) as folder:
        reporter = ComparisonReporter(folder, ["random"], Observer())
        first, second = (task.journal for task in folder.tasks)
        expected, other = read_records(first), second.read_bytes()
        first.unlink()
        reporter.write_lost_journals()
        assert read_records(first) == expected
        assert second.read_bytes() == other
        # A folder that is gone does not come back.
        shutil.rmtree(first.parent)
        reporter.write_lost_journals()
        assert not first.parent.exists()


@pytest.mark.slow
def test_nothing_is_kept_without_a_folder(
    benchmark: TableBenchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    comparison = compare_strategies(benchmark, ["random"], trials=3, seeds=1)
    assert to_csv(comparison.results).count("\n") == 4
    assert comparison.out is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OptionError, match="has no folder"):
        comparison.write()


def test_what_cannot_be_done_is_refused_before_anything_is_written(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    out = tmp_path / "new"
    with pytest.raises(OptionError):
        compare_strategies(benchmark, ["random"], jobs=0, out=out)
    with pytest.raises(UnknownNameError):
        compare_strategies(benchmark, ["random", "bo"], out=out)
    with pytest.raises(UnknownNameError):
        compare_strategies(benchmark, ["random"], reference="rnd", out=out)
    with pytest.raises(OptionError):
        compare_strategies(benchmark, ["random"], regret=-1, out=out)
    assert not out.exists()
    with pytest.raises(RunError):
        Comparison.read(tmp_path)
