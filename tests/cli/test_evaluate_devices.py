"""``ax-anasod evaluate --devices 2``: real processes, some of them killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from ax_anasod.cli.app import run as run_command
from ax_anasod.cli.processes import MultiProcessRequest, run_in_processes
from tests.cli import failing_command
from tests.cli.conftest import Command, Outcome
from tests.conftest import PATIENCE

pytestmark = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one processor only")

SMALL = ("--images", 200, "--batch-size", 32, "--device", "cpu", "--threads", 1)


def wait(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process is at work; one that waits to be asked for its exit code is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> set[int]:
    """The processes that a process has started."""
    return {int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs ``ax-anasod`` with these arguments; what its processes print is captured, too."""

    def call(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = run_command(list(map(str, arguments)))
        return Outcome(code, *capfd.readouterr())

    return call


@pytest.fixture
def started(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a program in a process group of its own, as a shell does."""

    def start(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def metrics(folder: Path) -> dict[str, Any]:
    """What was measured, but for what another machine or moment changes."""
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    del content["train_seconds"]
    times = ("train_seconds", "data_seconds", "valid_seconds")
    content["curve"] = [
        {name: value for name, value in epoch.items() if name not in times}
        for epoch in content["curve"]
    ]
    return content


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
def test_a_killed_training_leaves_no_process_and_goes_on(
    command: Command, started: Callable[..., subprocess.Popen[str]], run: Path, tmp_path: Path
) -> None:
    evaluate = ("evaluate", run, *SMALL, "--epochs", 4, "--devices", 2, "--json", "--out")
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = started("-m", "ax_anasod", *evaluate, killed)
    wait((killed / "checkpoint.pt").exists)
    others = children(process.pid)
    assert len(others) >= 2
    process.kill()
    process.communicate()
    wait(lambda: not any(map(alive, others)))
    assert not (killed / "metrics.json").exists()

    # Ctrl-C reaches all processes of a terminal.
    process = started("-m", "ax_anasod", *evaluate, killed)
    epochs = (killed / "checkpoint.pt").stat().st_mtime_ns
    wait(lambda: (killed / "checkpoint.pt").stat().st_mtime_ns > epochs)
    others = children(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "note: interrupted; the same command goes on from the last epoch"
    wait(lambda: not any(map(alive, others)))

    resumed = command(*evaluate, killed)
    assert resumed.code == 0, resumed.err
    assert resumed.json["hardware"]["devices"] == 2
    undisturbed = command(*evaluate, whole)
    assert undisturbed.code == 0, undisturbed.err
    assert metrics(killed) == metrics(whole)
    assert sorted(path.name for path in killed.iterdir()) == [
        *("learning_curve.png", "metrics.json", "model.pt", "predictions.pt")
    ]


@pytest.mark.slow
def test_an_ensemble_and_the_best_trials_are_trained_on_two_devices(
    command: Command, run: Path
) -> None:
    small = (*SMALL, "--epochs", 1, "--devices", 2, "--json")
    several = command("ensemble", run, "--members", 2, *small)
    assert several.code == 0, several.err
    assert len(several.json["members"]) == 2
    assert (run / "ensemble" / "reliability.png").is_file()
    top = command("evaluate", run, "--top", 1, "--budget", 1e-9, *small)
    assert top.code == 0, top.err
    assert top.json["trained"] == 1


@pytest.mark.slow
def test_torchrun_starts_it_too(started: Callable[..., subprocess.Popen[str]], run: Path) -> None:
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2, "-m")
    evaluate = ("ax_anasod", "evaluate", run, *SMALL, "--epochs", 1, "--json")
    out, err = started(*torchrun, *evaluate, "--devices", 2).communicate(timeout=PATIENCE)
    assert json.loads(out)["hardware"]["devices"] == 2
    assert err.count("folder") == 1


def test_processes_of_torchrun_need_as_many_devices(
    refused: Callable[..., str], run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "1", "RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    message = refused("evaluate", run, *SMALL, "--out", run / "out")
    assert "2 processes were started, and --devices is 1" in message
    assert not (run / "out").exists()


LOST: Final = (
    "one of the 2 processes that train was lost (SIGKILL); what was written is whole (go on)"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("memory", 2, "error: a batch does not fit the memory (make batches smaller)"),
        ("bug", 1, "error: ZeroDivisionError: division by zero (unexpected; AX_ANASOD_TRACEBACK"),
        ("killed", 1, f"error: {LOST}"),
        ("interrupted", 130, "note: interrupted; go on"),
    ],
)
def test_one_line_says_why_one_process_has_ended_all(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, what: str, code: int, said: str
) -> None:
    handled = (signal.SIGINT, signal.SIGTERM)
    before = list(map(signal.getsignal, handled))
    wanted = MultiProcessRequest(2, "go on")
    assert run_in_processes(failing_command.run, [what, str(tmp_path)], wanted) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert err.count("\n") == 1
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 2
    assert not any(map(alive, pids))
    assert list(map(signal.getsignal, handled)) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--devices", 999], "999 devices of 'cpu' are not there (this machine has cpu ("),
        (["--devices", 0], "devices must be at least 1 and at most 4,096, got 0"),
        (["--devices", 2, "--device", "cpu:0"], "'cpu:0' is one device, not 2"),
        (
            ["--devices", 2, "--top", 1, "--runner", "ray"],
            "a Ray task trains on one device, not 2 (many networks are trained beside each other",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(
    refused: Callable[..., str], run: Path, arguments: list[object], message: str
) -> None:
    if "ray" in arguments:
        pytest.importorskip("ray", reason="the extra ray is not installed")
    assert message in refused("evaluate", run, *SMALL, *arguments, "--out", run / "out")
    assert not (run / "out").exists()


@pytest.mark.slow
def test_what_processes_refuse_is_one_line(refused: Callable[..., str], run: Path) -> None:
    few = ("--batch-size", 3, "--devices", 2, "--out", run / "out")
    message = "batch_size 3 is less than two images for each of 2 devices"
    assert message in refused("evaluate", run, *SMALL, *few)
    assert not (run / "out").exists()


def test_a_search_trains_each_network_on_one_device(
    command: Command, refused: Callable[..., str], tmp_path: Path
) -> None:
    message = refused("train", "--device", "cpu", "--devices", 2, "--out", tmp_path / "run")
    assert "a trial of a search trains on one device, not 2" in message
    assert "--parallel" in message
    assert "evaluate --devices" in message
    assert not (tmp_path / "run").exists()
    assert "--devices" not in command("train", "--help").out
    assert "--devices" in command("evaluate", "--help").out
