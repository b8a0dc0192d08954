from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ax_anasod.compare import Comparison, Contender, Observer, Plan, compare_strategies
from ax_anasod.compare.comparison_folder import (
    LOCK,
    ComparisonFolder,
    damage_in_words,
    journal_path,
    read_runs,
)
from ax_anasod.exceptions import RunError, RunLostError
from ax_anasod.journal import Record, read_records, write_records
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import RunFolder, plan_run
from ax_anasod.runs.layout import COMPARISON, holds_comparison

RANDOM = Contender("random", {}, 4)
BIASED = Contender("anasod-biased-random", {}, 4)
Fill = Callable[..., ComparisonFolder]


def test_runs_with_the_same_seed_come_together(benchmark: TableBenchmark, tmp_path: Path) -> None:
    with ComparisonFolder.open(tmp_path / "new", Plan.of(benchmark, [RANDOM, BIASED], 2)) as folder:
        order = [(task.seed, task.contender.strategy) for task in folder.tasks]
    assert order == [
        (0, "random"),
        (0, "anasod-biased-random"),
        (1, "random"),
        (1, "anasod-biased-random"),
    ]
    assert len({task.journal for task in folder.tasks}) == 4
    assert holds_comparison(tmp_path / "new")
    assert not holds_comparison(tmp_path)


def test_runs_are_read_as_they_are(fill: Fill, tmp_path: Path) -> None:
    folder = fill(tmp_path, [RANDOM, BIASED], 2)
    journal = journal_path(tmp_path, RANDOM, 1)
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:5]))
    journal_path(tmp_path, BIASED, 0).unlink()
    runs = {(run.label, run.seed): run for run in read_runs(tmp_path, folder.plan)}
    ended = {
        key: sum(record.end is not None for record in run.records) for key, run in runs.items()
    }
    assert ended == {
        ("random", 0): 4,
        ("random", 1): 2,
        ("anasod-biased-random", 0): 0,
        ("anasod-biased-random", 1): 4,
    }
    assert [run.finished for run in runs.values()] == [True, False, False, True]


def test_longer_runs_go_on_unless_a_schedule_says_otherwise(
    fill: Fill, benchmark: TableBenchmark, tmp_path: Path
) -> None:
    fill(tmp_path, [RANDOM, BIASED], 1)
    longer = [Contender(c.strategy, {}, 6) for c in (RANDOM, BIASED)]
    with ComparisonFolder.open(tmp_path, Plan.of(benchmark, longer, 1)) as folder:
        kept = [len(run.records) for run in read_runs(tmp_path, folder.plan)]
    assert kept == [4, 0]


def test_damaged_journals_are_named(fill: Fill, tmp_path: Path) -> None:
    folder = fill(tmp_path, [RANDOM], 1)
    journal = journal_path(tmp_path, RANDOM, 0)
    journal.write_bytes(journal.read_bytes().replace(b'"trial":1', b'"trial":7'))
    with pytest.raises(RunError):
        read_runs(tmp_path, folder.plan)


def test_runs_of_nobody_knows_what_are_not_gone_on_with(
    fill: Fill, benchmark: TableBenchmark, tmp_path: Path
) -> None:
    folder = fill(tmp_path, [RANDOM], 1)
    before = journal_path(tmp_path, RANDOM, 0).read_bytes()
    (tmp_path / COMPARISON).unlink()
    with pytest.raises(RunError, match=r"has runs, but no comparison\.json"):
        ComparisonFolder.open(tmp_path, folder.plan)
    assert journal_path(tmp_path, RANDOM, 0).read_bytes() == before
    assert not holds_comparison(tmp_path)


def test_a_damaged_plan_says_what_to_do(fill: Fill, tmp_path: Path) -> None:
    folder = fill(tmp_path, [RANDOM], 1)
    (tmp_path / COMPARISON).write_text((tmp_path / COMPARISON).read_text()[:-9])
    with pytest.raises(RunError, match=r"comparison\.json is damaged.*bring it back from a copy"):
        ComparisonFolder.open(tmp_path, folder.plan)


def test_a_question_may_be_of_what_the_folder_has(
    fill: Fill, benchmark: TableBenchmark, tmp_path: Path
) -> None:
    fill(tmp_path, [RANDOM], 1)
    asked = Plan.of(benchmark, [BIASED], 1, regret=0.5, reference="random")
    with ComparisonFolder.open(tmp_path, asked) as folder:
        assert folder.plan.labels == ["random", "anasod-biased-random"]
    # What was asked last is what a look at the folder answers.
    read = Plan.read(tmp_path / COMPARISON)
    assert (read.regret, read.reference) == (0.5, "random")


def test_journals_of_something_else_are_named(fill: Fill, tmp_path: Path) -> None:
    folder = fill(tmp_path, [RANDOM], 1)
    journal = journal_path(tmp_path, RANDOM, 0)
    records = [
        Record(record.start, replace(record.end, values={"mine": 1.0}))
        for record in read_records(journal)
    ]
    journal.unlink()
    write_records(journal, records)
    with pytest.raises(RunError, match="trial 0 of the journal .* has values of 'mine', not of"):
        read_runs(tmp_path, folder.plan)


def test_a_damaged_end_is_said_and_kept(
    fill: Fill, benchmark: TableBenchmark, tmp_path: Path
) -> None:
    folder = fill(tmp_path, [RANDOM], 1)
    journal = journal_path(tmp_path, RANDOM, 0)
    content = journal.read_bytes()
    journal.write_bytes(content + bytes(90) + b"\n")
    said = "the last 91 bytes of the journal of random, seed 0, are damaged"
    assert damage_in_words(read_runs(tmp_path, folder.plan)) == [
        f"{said}, as after a power failure, and do not count"
    ]
    assert Comparison.read(tmp_path).damage[0].startswith(said)

    class Listener(Observer):
        heard = ""

        def noticed(self, sentence: str) -> None:
            self.heard = sentence

    listener = Listener()
    compare_strategies(benchmark, [RANDOM], seeds=1, out=tmp_path, observer=listener)
    assert listener.heard.startswith(said)


def test_other_versions_are_said_where_runs_go_on(
    fill: Fill, benchmark: TableBenchmark, tmp_path: Path
) -> None:
    class Leaving(Observer):
        def __init__(self) -> None:
            self.heard: list[str] = []

        def noticed(self, sentence: str) -> None:
            self.heard.append(sentence)

        def should_stop(self) -> bool:
            return True

    fill(tmp_path, [RANDOM], 1)
    plan = Plan.read(tmp_path / COMPARISON)
    older = {**plan.environment, "numpy": "1.0"}
    said = f"was started with numpy 1.0 (now {np.__version__}): what follows may differ in the"
    for environment, seeds, expected in (
        (plan.environment, 2, []),
        # A comparison of a version that kept none is gone on with.
        ({}, 3, []),
        (older, 2, [f"the comparison {said} last digits"]),
        (older, 1, []),
    ):
        replace(plan, environment=environment).write(tmp_path / COMPARISON)
        leaving = Leaving()
        compare_strategies(benchmark, [RANDOM], seeds=seeds, out=tmp_path, observer=leaving)
        assert leaving.heard == expected
        assert Plan.read(tmp_path / COMPARISON).environment == environment


def test_what_is_no_lock_is_refused_and_stays(benchmark: TableBenchmark, tmp_path: Path) -> None:
    plan = Plan.of(benchmark, [RANDOM], 1)
    mine = tmp_path / "mine"
    mine.write_text("without an end of line")
    for accident in (shutil.copy, os.symlink):
        out = tmp_path / accident.__name__
        out.mkdir()
        accident(mine, out / LOCK)
        with pytest.raises(RunError):
            ComparisonFolder.open(out, plan)
        assert mine.read_text() == (out / LOCK).read_text() == "without an end of line"
        assert [path.name for path in out.iterdir()] == [LOCK]


def test_nothing_is_written_through_a_link(benchmark: TableBenchmark, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "runs").symlink_to(tmp_path / "mine")
    with pytest.raises(RunError):
        ComparisonFolder.open(tmp_path / "out", Plan.of(benchmark, [RANDOM], 1))
    assert not list((tmp_path / "mine").iterdir())


def test_a_folder_that_is_gone_is_noticed_and_its_trials_written_elsewhere(
    fill: Fill, benchmark: TableBenchmark, tmp_path: Path
) -> None:
    plan = Plan.of(benchmark, [RANDOM, BIASED], 1)
    fill(tmp_path / "out", [RANDOM, BIASED], 1)
    with ComparisonFolder.open(tmp_path / "out", plan) as folder:
        records = {task.journal: read_records(task.journal) for task in folder.tasks}
        folder.check()
        shutil.move(tmp_path / "out", tmp_path / "elsewhere")
        with pytest.raises(RunLostError, match="all trials are in it, wherever it is now"):
            folder.check()
        shutil.rmtree(tmp_path / "elsewhere")
        with pytest.raises(RunLostError, match="was deleted while the comparison") as lost:
            folder.check()
        said = folder.rescue(lost.value, records)
        assert f"all 8 trials are kept in {tmp_path / 'out-rescued-1'}" in str(said)
        shutil.rmtree(tmp_path)
        assert "all 8 trials are lost" in str(folder.rescue(lost.value, records))
        tmp_path.mkdir()


def test_more_runs_than_any_comparison_has_are_refused(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    plan = replace(Plan.of(benchmark, [RANDOM], 1), seeds=10**7)
    with pytest.raises(RunError, match="has 10,000,000 runs, more than 100,000"):
        read_runs(tmp_path, plan)


def test_two_processes_are_refused(benchmark: TableBenchmark, tmp_path: Path) -> None:
    plan = Plan.of(benchmark, [RANDOM], 1)
    with (
        ComparisonFolder.open(tmp_path, plan),
        pytest.raises(RunError, match="another process is at work on the comparison"),
    ):
        ComparisonFolder.open(tmp_path, plan)
    ComparisonFolder.open(tmp_path, plan).__exit__(None, None, None)


def test_folders_of_other_things_are_refused(benchmark: TableBenchmark, tmp_path: Path) -> None:
    plan = Plan.of(benchmark, [RANDOM], 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError):
        ComparisonFolder.open(tmp_path / "file", plan)
    RunFolder.create(tmp_path / "run", plan_run(benchmark, "random", trials=3)).journal.close()
    before = sorted(path.name for path in (tmp_path / "run").iterdir())
    with pytest.raises(RunError):
        ComparisonFolder.open(tmp_path / "run", plan)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == before
    (tmp_path / "dnas").mkdir()
    (tmp_path / "dnas" / "dnas.json").write_text("{}")
    with pytest.raises(RunError):
        ComparisonFolder.open(tmp_path / "dnas", plan)
    with pytest.raises(RunError):
        ComparisonFolder.open(tmp_path / "file" / "below", plan)


def test_a_refused_plan_leaves_the_folder_as_it_was(
    benchmark: TableBenchmark, table: Path, tmp_path: Path
) -> None:
    ComparisonFolder.open(tmp_path, Plan.of(benchmark, [RANDOM], 2)).__exit__(None, None, None)
    before = (tmp_path / "comparison.json").read_bytes()
    other = TableBenchmark(table, benchmark.cell, minimize="seconds")
    for plan in (Plan.of(other, [RANDOM], 2), Plan.of(benchmark, [RANDOM], 1)):
        with pytest.raises(RunError):
            ComparisonFolder.open(tmp_path, plan)
        assert (tmp_path / "comparison.json").read_bytes() == before
    # And it is not locked for ever.
    ComparisonFolder.open(tmp_path, Plan.of(benchmark, [RANDOM], 3)).__exit__(None, None, None)
