"""One process writes an experiment of a database; none writes over another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ax.api.client import Client
from ax.storage.sqa_store.load import _load_experiment
from ax.storage.sqa_store.save import _save_or_update_trial

from ax_anasod import make_client, storage
from ax_anasod.cells import Cell
from ax_anasod.exceptions import RunError
from ax_anasod.locks import hold

PROGRAM = """
import sys
from ax.api.client import Client
from ax_anasod import Cell, make_client, storage
from ax_anasod.exceptions import RunError

def work(path, age, name):
    cell = Cell("mine", operations=["conv", "skip"], num_blocks=6)
    database = storage.storage_config(path)
    if age == "new":
        client = make_client(cell, "random", name=name, storage_config=database)
    else:
        client = Client.load_from_database(name, database)
    for index, trial in client._experiment.trials.items():
        if trial.status.is_running:
            client.complete_trial(index, {"error": 0.5})
    for _ in range(5):
        for index in client.get_next_trials(1):
            client.complete_trial(index, {"error": 1.0 + index})
    return f"{len(client._experiment.trials)} trials"

print("ready", flush=True)
sys.stdin.readline()
try:
    print(work(*sys.argv[1:]), flush=True)
except RunError as error:
    print(error, flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def one_database_a_test() -> Iterator[None]:
    """Ax has one database a process."""
    storage.close_database()
    yield
    storage.close_database()


def go_on(client: Client) -> None:
    for index in client.get_next_trials(1):
        client.complete_trial(index, {"error": 1.0 + index})


def loaded(path: Path, name: str = "one") -> Client:
    return Client.load_from_database(name, storage.storage_config(path))


@pytest.fixture
def path(tmp_path: Path, toy_cell: Cell) -> Path:
    """A database with two experiments of a trial each, which nobody writes to."""
    path = tmp_path / "run.db"
    for name in ("one", "two"):
        database = storage.storage_config(path)
        go_on(make_client(toy_cell, "random", name=name, storage_config=database))
        storage.close_database()
    return path


def test_nothing_is_left_beside_a_database_that_was_closed(path: Path) -> None:
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_second_writer_of_one_experiment_is_refused(path: Path) -> None:
    held = hold(path.with_name(f"{path.name}.experiment-1.lock"), "busy")

    with pytest.raises(RunError, match=r"experiment 'one' in .*run.db is being written by another"):
        loaded(path)
    go_on(loaded(path, "two"))

    os.close(held)
    assert [len(loaded(path, name)._experiment.trials) for name in ("one", "two")] == [1, 2]


def test_a_client_that_lacks_a_trial_of_another_is_refused(path: Path) -> None:
    stale, other = loaded(path), loaded(path)
    go_on(other)

    with pytest.raises(RunError, match="has changed since this process loaded it.*load it again"):
        go_on(stale)

    assert len(loaded(path)._experiment.trials) == 2


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Start a process that waits for a line before it goes on, and for another before it ends."""
    processes = []

    def started(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(path), *arguments]
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
        assert answer(processes[-1]) == "ready"
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.slow
def test_two_processes_create_one_database(path: Path, start: Start) -> None:
    path.unlink()
    processes = [start("new", name) for name in ("one", "two")]
    for process in processes:
        tell(process)

    assert [answer(process) for process in processes] == ["5 trials"] * 2


@pytest.mark.slow
def test_of_two_processes_one_goes_on(path: Path, start: Start) -> None:
    processes = [start("old", "one") for _ in range(2)]
    for process in processes:
        tell(process)

    refused, done = sorted((answer(process) for process in processes), reverse=True)

    assert done == "6 trials"
    assert "is being written by another process" in refused
    for process in processes:
        tell(process)
        process.wait()
    assert len(loaded(path)._experiment.trials) == 6


@pytest.mark.slow
def test_a_result_of_a_process_that_has_ended_is_not_written_over(path: Path, start: Start) -> None:
    loaded(path).get_next_trials(1)
    storage.close_database()
    settings = storage.database_settings(path)
    coders: Any = {"encoder": settings.encoder, "decoder": settings.decoder}
    experiment = _load_experiment("one", settings.decoder)
    other = start("old", "one")
    for _ in range(2):
        tell(other)
    other.wait()

    trial = experiment.trials[1]
    trial.mark_abandoned()
    with pytest.raises(RunError):
        _save_or_update_trial(experiment, trial, **coders)

    assert loaded(path)._experiment.trials[1].status.is_completed
