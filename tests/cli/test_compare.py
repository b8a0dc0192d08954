"""``ax-anasod compare`` as people use it: whole, refused, stopped, killed, shown, extended."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.conftest import PATIENCE

Refused = Callable[..., str]


@pytest.fixture
def small(table: list[object]) -> list[object]:
    """A comparison of two strategies."""
    options = ["--accuracy", "valid", "--report", "test", "--cost", "seconds"]
    strategies = ["--strategies", "random,anasod-bo:num_initial=3:ard=true"]
    return [*table, *options, *strategies, "--trials", 6, "--seeds", 2]


def process(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ax_anasod", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Ctrl-C reaches a terminal's whole group of processes.
        start_new_session=True,
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def wait_for_trials(out: Path, number: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        journals = out.glob("runs/*/*.jsonl")
        if sum(path.read_bytes().count(b'"complete"') for path in journals) >= number:
            return
        time.sleep(0.05)
    pytest.fail(f"there were never {number} trials")


@pytest.mark.slow
def test_killed_comparison_goes_on_to_the_same_results(
    command: Command, small: list[object], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    outcome = command("compare", *small, "--out", whole, "--json", "--jobs", 2)
    assert outcome.code == 0
    content = outcome.json
    assert [row["strategy"] for row in content["summary"]] == [
        "random",
        "anasod-bo:num_initial=3:ard=true",
    ]
    assert content["failures"] == {}
    assert content["out"] == str(whole)
    assert "strategies on table" in outcome.err
    with process("compare", *small, "--out", killed) as running:
        wait_for_trials(killed, 8)
        running.kill()
    again = command("compare", *small, "--out", killed)
    assert again.code == 0, again.err
    assert (killed / "results.csv").read_bytes() == (whole / "results.csv").read_bytes()
    assert len(rows_of(whole / "results.csv")) == 24
    shown = command("show", killed, "--json")
    timed = ("seconds_per_trial",)
    assert [{k: v for k, v in row.items() if k not in timed} for row in shown.json["summary"]] == [
        {k: v for k, v in row.items() if k not in timed} for row in content["summary"]
    ]
    assert "State: finished." in shown.err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for a group of processes")
def test_ctrl_c_keeps_what_there_is(command: Command, small: list[object], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with process("compare", *small, "--out", out, "--seeds", 50) as running:
        wait_for_trials(out, 3)
        os.killpg(running.pid, signal.SIGINT)
        stdout, stderr = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "the same command goes on from here" in stderr
    assert "strategies on table" in stdout
    assert 3 <= len(rows_of(out / "results.csv")) < 600
    shown = command("show", out)
    assert "State: stopped; the same command goes on from here." in shown.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strategies", "rndom"], "unknown strategy 'rndom' (did you mean 'random'?)"),
        (["--strategies", "random,,anasod-bo"], "has an empty name (separate names by single"),
        (["--strategies", "random,random"], "names 'random' twice"),
        (["--strategies", "random:beta=1"], "unknown option of strategy 'random': 'beta'"),
        (
            ["--strategies", "anasod-bo:optimizr=pool"],
            "option of strategy 'anasod-bo': 'optimizr' (did you mean 'optimizer'?)",
        ),
        (["--strategies", "anasod-bo:ard"], "'anasod-bo:ard' is not of the form NAME:OPTION=VALUE"),
        (["--strategies", "anasod-bo:=1"], "is not of the form NAME:OPTION=VALUE"),
        (["--strategies", "anasod-bo:ard=2"], "option ard must be true or false, got '2'"),
        (["--strategies", "random", "--seeds", "0"], "--seeds must be at least 1"),
        (["--strategies", "random", "--jobs", "x"], "'--jobs': 'x' is not a whole number"),
        (["--strategies", "random", "--regret", "-1"], "--regret must be at least 0"),
        (["--strategies", "random", "--regret", "nan"], "--regret must be finite"),
        (["--strategies", "random", "--reference", "rand"], "(did you mean 'random'?)"),
        (["--strategies", "tpe", "--minimize", "latency"], "'tpe' searches one objective, got 2"),
        (["--strategies", "tpe", "--limit", "latency<=2"], "'tpe' knows no limits"),
        (["--strategies", "random", "--limit", "latancy<=2"], "unknown column 'latancy'"),
        (["--strategies", "two-level-bo:screen=test"], "needs --screen-cost X"),
        (["--strategies", "random:screen=test:screen_cost=1"], "of a search of a cheap column"),
        (["--strategies", "random", "--report", "tst"], "column 'tst' (did you mean 'test'?)"),
        ([], "missing option '--strategies'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(
    refused: Refused, table: list[object], tmp_path: Path, options: list[str], message: str
) -> None:
    out = tmp_path / "out" / "new"
    line = refused("compare", *table, "--accuracy", "valid", *options, "--out", out)
    assert message in line
    assert not out.parent.exists()


def test_missing_extra_is_named(
    refused: Refused, table: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Python remembers of a package that is not there.
    monkeypatch.setitem(sys.modules, "optuna", None)
    out = tmp_path / "new"
    line = refused(
        "compare", *table, "--accuracy", "valid", "--strategies", "random,tpe", "--out", out
    )
    assert 'pip install "ax-anasod[baselines]"' in line
    assert not out.exists()


def test_folders_of_other_things(
    command: Command, refused: Refused, table: list[object], tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    common = [*table, "--accuracy", "valid"]
    search = ["search", *common, "--strategy", "random", "--trials", 2, "--out", run]
    assert command(*search).code == 0
    compare = ["compare", *common, "--strategies", "random", "--trials", 2, "--seeds", 1]
    assert "holds the run of a search" in refused(*compare, "--out", run)
    other.mkdir()
    (other / "comparison.json").write_text("{}")
    assert "comparison.json is damaged: it lacks created" in refused(*compare, "--out", other)


@pytest.mark.slow
def test_another_plan_in_the_folder(
    command: Command, refused: Refused, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    common = ["--strategies", "random", "--out", out, "--seeds"]
    first = ["compare", *table, "--accuracy", "valid", *common, 1, "--trials"]
    assert command(*first, 2).code == 0
    before = (out / "comparison.json").read_bytes()
    other = ["compare", *table, "--accuracy", "test", *common, 1, "--trials", 2]
    assert "another benchmark: accuracy ['valid'], not ['test']" in refused(*other)
    assert "is planned for 2 trials of random, more than 1" in refused(*first, 1)
    assert (out / "comparison.json").read_bytes() == before


@pytest.mark.slow
def test_failed_run_is_in_the_table_and_in_the_exit_code(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    # Something in the place of a run's folder.
    (out / "runs").mkdir(parents=True)
    (out / "runs" / "anasod-random").write_text("")
    strategies = ["--strategies", "random,anasod-random", "--trials", 2, "--seeds", 1]
    outcome = command("compare", *table, "--accuracy", "valid", *strategies, "--out", out)
    assert outcome.code == 1
    assert "Not finished: anasod-random, seed 0: " in outcome.out
    assert f"1 run has failed; details: {out / 'failures.txt'}" in outcome.err
    assert "Traceback" in (out / "failures.txt").read_text()
    assert [row["seeds"] for row in rows_of(out / "summary.csv")] == ["1", "0"]


def test_the_table_is_shown_where_a_picture_cannot_be_written(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "comparison"
    (out / "incumbent_queries.png" / "kept").mkdir(parents=True)
    options = ["--accuracy", "valid", "--strategies", "random", "--trials", 3, "--seeds", 1]
    outcome = command("compare", *table, *options, "--out", out, "--json")
    assert outcome.code == 1
    assert outcome.json["summary"]
    assert "incumbent_queries.png cannot be written: " in outcome.err
    assert "(all trials are kept; the same command writes the files again)" in outcome.err
