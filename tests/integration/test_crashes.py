"""Every command that writes, killed at a change of a file, goes on to the same trials.

One of some fifty points is tried for each command; ``AX_ANASOD_CRASHES=N`` tries N of them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from ax_anasod.runs import RunView
from tests.conftest import PATIENCE
from tests.integration.crash import Crash, carry_out

POINTS = int(os.environ.get("AX_ANASOD_CRASHES", "1"))

TABLE = ["--benchmark", "nas-bench-graph", "--dataset", "cora"]
SMALL = [
    *("--images", 60, "--channels", 2, "--cells", 3, "--epochs", 2),
    *("--batch-size", 24, "--device", "cpu"),
]
COMPARED = [*TABLE, "--strategies", "random,anasod-random", "--trials", 3, "--seeds", 1]
Arguments = list[object]
Call = Callable[[Arguments, Crash], int | None]


@pytest.fixture(scope="module")
def call(server: ForkServerContext) -> Call:
    """Runs ``ax-anasod`` in a process of its own; its exit code."""

    def to_its_end(arguments: Arguments, crash: Crash) -> int | None:
        process = server.Process(target=carry_out, args=(arguments, crash))
        process.start()
        process.join(PATIENCE)
        assert not process.is_alive()
        return process.exitcode

    return to_its_end


def trials(out: Path) -> object:
    """All that is known of a run's trials, but how long they took."""
    return [
        (record.start, record.end and {**vars(record.end), "seconds": None})
        for record in RunView.read(out).records
    ]


def figures(out: Path) -> object:
    """What was measured of a network, but how long that took."""
    metrics = json.loads((out / "metrics.json").read_text())
    curve = [{k: v for k, v in epoch.items() if "seconds" not in k} for epoch in metrics["curve"]]
    return [metrics["test_error"], metrics["negative_log_likelihood"], curve]


def ranks(out: Path) -> object:
    """What was measured of the best trials."""
    return [
        network["test_error"] for network in json.loads((out / "top.json").read_text())["networks"]
    ]


def contents(name: str) -> Callable[[Path], object]:
    """The content of a file."""
    return lambda out: (out / name).read_bytes()


def resumed(out: Path, again: Arguments) -> Arguments:
    """How a run goes on that was killed; one that had not begun begins."""
    return ["resume", out] if (out / "config.json").exists() else again


def same(out: Path, again: Arguments) -> Arguments:
    """The same command again."""
    return again


@pytest.fixture(scope="module")
def found(call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose network can be trained for good."""
    run = tmp_path_factory.mktemp("found") / "run"
    arguments = ["train", *SMALL, "--strategy", "random", "--trials", 1, "--out", run]
    assert call(arguments, Crash(run)) == 0
    return run


@pytest.fixture(scope="module")
def begun(call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two trials."""
    run = tmp_path_factory.mktemp("begun") / "run"
    arguments = ["search", *TABLE, "--strategy", "random", "--trials", 2, "--out", run]
    assert call(arguments, Crash(run)) == 0
    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "goes_on", "result", "worker"),
    [
        (["search", *TABLE, "--strategy", "random", "--trials", 3], resumed, trials, False),
        (["resume", "--trials", 4], same, trials, False),
        (["train", *SMALL, "--strategy", "random", "--trials", 2], resumed, trials, False),
        (["evaluate", *SMALL[:2], *SMALL[6:]], same, figures, False),
        (["evaluate", *SMALL[:2], *SMALL[6:], "--top", 1], same, ranks, False),
        (["compare", *COMPARED], same, contents("results.csv"), False),
        (["compare", *COMPARED], same, contents("results.csv"), True),
        (
            ["reproduce", "table6", *TABLE, "--trials", 2, "--seeds", 1],
            same,
            contents("table6.csv"),
            False,
        ),
    ],
    ids=["search", "resume", "train", "evaluate", "top", "compare", "worker", "reproduce"],
)
def test_a_command_killed_at_a_change_of_a_file_goes_on_to_the_same(
    request: pytest.FixtureRequest,
    call: Call,
    tmp_path: Path,
    command: Arguments,
    goes_on: Callable[[Path, Arguments], Arguments],
    result: Callable[[Path], object],
    worker: bool,
) -> None:
    def arguments(out: Path) -> Arguments:
        name, *options = command
        if name == "resume":
            shutil.copytree(request.getfixturevalue("begun"), out)
            return [name, out, *options]
        if name == "evaluate":
            return [name, request.getfixturevalue("found"), *options, "--out", out]
        return [*command, "--out", out]

    whole, log = tmp_path / "whole", tmp_path / "calls"
    assert call(arguments(whole), Crash(whole, worker=worker, log=log)) == 0
    expected, calls = result(whole), log.read_text().split()
    dice = random.Random(f"{request.node.name} {POINTS}")
    points = range(1, len(calls) + 1)
    for at in sorted(dice.sample(points, min(POINTS, len(points)))):
        out = tmp_path / str(at)
        crash = Crash(out, at, half=bool(at % 2), worker=worker)
        killed = call(again := arguments(out), crash)
        assert killed == (1 if worker else -signal.SIGKILL), calls[at - 1]
        if command[0] == "resume":
            again = ["resume", out, *command[1:]]
        assert call(goes_on(out, again), replace(crash, at=0)) == 0, (at, calls[at - 1])
        assert result(out) == expected, (at, calls[at - 1])
        assert not list(out.rglob("*.unfinished")), (at, calls[at - 1])
