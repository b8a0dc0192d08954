"""A run that was stopped or killed is, continued in new processes, the run without that."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from ax_anasod.cli import main
from ax_anasod.runs import RunView
from tests.conftest import PATIENCE

TRIALS = 30
# Before, at and after the last random trial, and in the middle of a schedule.
STOPS = {"anasod-biased-random": (20,), "anasod-bo": (1, 10, 11, 20)}
Begin = Callable[..., BaseProcess]
Call = Callable[..., int | None]


@pytest.fixture(scope="module")
def begin(server: ForkServerContext) -> Begin:
    """Starts ``ax-anasod`` in a process of its own."""

    def start(*arguments: object) -> BaseProcess:
        process = server.Process(target=main, args=([str(argument) for argument in arguments],))
        process.start()
        return process

    return start


@pytest.fixture(scope="module")
def call(begin: Begin) -> Call:
    """Runs ``ax-anasod`` in a process of its own, to its end; its exit code."""

    def to_its_end(*arguments: object) -> int | None:
        process = begin(*arguments)
        process.join()
        return process.exitcode

    return to_its_end


def search(strategy: str, out: Path, trials: int = TRIALS, *more: object) -> list[object]:
    """A search of real networks; with the schedule of all trials however many it has."""
    schedule = ["--option", f"num_trials={TRIALS}"] if strategy == "anasod-biased-random" else []
    return [
        "search", "--benchmark", "nas-bench-graph", "--dataset", "cora", "--strategy", strategy,
        "--trials", trials, "--seed", 7, "--out", out, *schedule, *more,
    ]  # fmt: skip


def timeless(out: Path) -> list[object]:
    """All that is known of a run's trials, but how long they took."""
    return [
        (record.start, record.end and {**vars(record.end), "seconds": None})
        for record in RunView.read(out).records
    ]


@pytest.fixture(scope="module", params=list(STOPS))
def whole(
    request: pytest.FixtureRequest, call: Call, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[object]]:
    """A strategy, and its run without any interruption."""
    out = tmp_path_factory.mktemp("whole") / "run"
    assert call(*search(request.param, out)) == 0
    trials = timeless(out)
    assert len(trials) == TRIALS
    return request.param, trials


@pytest.mark.slow
def test_a_run_continued_in_new_processes(
    whole: tuple[str, list[object]], call: Call, tmp_path: Path
) -> None:
    strategy, expected = whole
    out = tmp_path / "run"
    first, *further = STOPS[strategy]
    assert call(*search(strategy, out, first)) == 0
    for stop in (*further, TRIALS):
        assert call("resume", out, "--trials", stop) == 0
        assert timeless(out) == expected[:stop]


@pytest.mark.slow
@pytest.mark.parametrize("whole", ["anasod-bo"], indirect=True)
def test_a_run_killed_again_and_again(
    whole: tuple[str, list[object]], begin: Begin, tmp_path: Path
) -> None:
    strategy, expected = whole
    out = tmp_path / "run"
    journal = out / "journal.jsonl"
    dice = random.Random(strategy)
    process = begin(*search(strategy, out))
    kills = 0
    for size in sorted(dice.sample(range(200, 11_000), 6)):
        while process.is_alive() and not (journal.exists() and journal.stat().st_size > size):
            time.sleep(0.002)
        # Anywhere in a trial: while it is proposed, evaluated, recorded, or stored.
        time.sleep(dice.uniform(0, 0.08))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
        assert timeless(out)[:-1] == expected[: len(timeless(out)) - 1]
        process = begin("resume", out)
    process.join()
    assert process.exitcode == 0
    assert kills >= 4
    assert timeless(out) == expected
    assert (out / "report.html").exists()
    assert not list(out.glob("*.unfinished*"))


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A run in a wholly new interpreter, killed in the middle of a trial."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "ax_anasod", *map(str, search("anasod-bo", out, 20))]
    with subprocess.Popen(command, start_new_session=True) as process:
        while process.poll() is None and not (
            (out / "journal.jsonl").exists()
            and (out / "journal.jsonl").read_bytes().count(b'{"event":"start"') > 12
        ):
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    return out


@pytest.mark.slow
def test_show_and_resume_after_a_kill_in_wholly_new_interpreters(
    killed: Path, call: Call, tmp_path: Path
) -> None:
    program = [sys.executable, "-m", "ax_anasod"]
    shown = subprocess.run(
        [*program, "show", str(killed)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert f"go on with: ax-anasod resume {killed}" in shown.stdout
    resumed = subprocess.run(
        [*program, "resume", str(killed)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert resumed.stderr == ""
    other = tmp_path / "whole"
    assert call(*search("anasod-bo", other, 20)) == 0
    assert timeless(killed) == timeless(other)
