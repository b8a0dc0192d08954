"""``ax-anasod train --devices 2``: real processes, one of them killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from ax_anasod.cli import main
from ax_anasod.training import TrialState, worker_group
from tests.cli.conftest import Command
from tests.conftest import PATIENCE

pytestmark = [
    pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one processor only"),
    pytest.mark.usefixtures("disbanded"),
]

TWO = ["train", "--strategy", "anasod-random", "--device", "cpu", "--devices", 2, "--threads", 1]


def wait(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def parents() -> dict[int, int]:
    """Each process -> its parent; those that have ended and wait for theirs are left out."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(stat.parent.name)] = int(fields[1])
    return found


def errors(folder: Path) -> list[tuple[float, ...]]:
    state = TrialState.read(folder / "trials" / "0000")
    assert state is not None
    return [(e.train_loss, e.valid_loss, e.valid_error) for e in state.epochs]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
def test_a_killed_search_leaves_no_process_and_goes_on(
    command: Command, server: ForkServerContext, tmp_path: Path
) -> None:
    network = ["--channels", 4, "--cells", 3, "--epochs", 4, "--learning-rate", 0.1]
    arguments = [*TWO, *network, "--images", 800, "--trials", 1, "--out"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = server.Process(target=main, args=([str(each) for each in [*arguments, killed]],))
    process.start()
    trial = killed / "trials" / "0000"
    wait(lambda: (trial / "trial.json").exists() or not process.is_alive())
    others = {child for child, parent in parents().items() if parent == process.pid}
    assert others
    process.kill()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    wait(lambda: not others & set(parents()))
    before = errors(killed)
    assert 1 <= len(before) < 4

    resumed = command("resume", killed, "--json")
    assert resumed.code == 0, resumed.err
    # The processes end with the search.
    assert worker_group._group is not None
    assert worker_group._group.broken
    undisturbed = command(*arguments, whole, "--json")
    assert undisturbed.code == 0, undisturbed.err
    assert errors(killed) == errors(whole)
    assert errors(killed)[:1] == before[:1]
    assert resumed.json["values"] == undisturbed.json["values"]
    # It learns: nine of ten guesses are wrong.
    assert resumed.json["values"]["valid_error"][0] < 60
    config = json.loads((killed / "config.json").read_text())
    assert config["benchmark"]["hardware"]["devices"] == 2

    evaluated = command(
        "evaluate", killed, "--epochs", 1, "--images", 100, "--batch-size", 32, "--device", "cpu"
    )
    assert evaluated.code == 0, evaluated.err
    metrics = json.loads((killed / "evaluation" / "metrics.json").read_text())
    assert metrics["hardware"]["devices"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--devices", 999], "999 devices of 'cpu' are not there (this machine has cpu ("),
        (["--runner", "ray"], "a Ray task trains on one device: --devices is for --runner local"),
        (["--batch-size", 3], "batch_size 3 is less than two images for each of 2 devices"),
        (["--device", "cpu:0"], "'cpu:0' is one device, not 2"),
        (["--devices", 0], "devices must be at least 1 and at most 4,096, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(
    refused: Callable[..., str], tmp_path: Path, arguments: list[object], message: str
) -> None:
    if "ray" in arguments:
        pytest.importorskip("ray", reason="the extra ray is not installed")
    out = tmp_path / "run"
    small = ["--images", 100, "--channels", 2, "--cells", 3, "--batch-size", 16]
    assert message in refused(*TWO, *small, "--out", out, *arguments)
    assert not out.exists()
