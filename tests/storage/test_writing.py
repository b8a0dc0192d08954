"""One process writes an experiment of a database; none writes over another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from ax.api.client import Client
from ax.storage.sqa_store.load import _load_experiment
from ax.storage.sqa_store.save import _save_or_update_trial

from ax_anasod import make_client, storage
from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.exceptions import RunError
from ax_anasod.locks import hold


def work(path: Path, age: str, name: str) -> str:
    """Make an experiment, or go on with one; how many trials it has."""
    cell = Cell("mine", operations=["conv", "skip"], num_blocks=6)
    database = storage.storage_config(path)
    if age == "new":
        client = make_client(cell, "random", name=name, storage_config=database)
    else:
        client = Client.load_from_database(name, database)
    for index, trial in experiment_of(client).trials.items():
        if trial.status.is_running:
            client.complete_trial(index, {"error": 0.5})
    for _ in range(5):
        go_on(client)
    return f"{len(experiment_of(client).trials)} trials"


def work_when_told(connection: Connection, path: Path, age: str, name: str) -> None:
    connection.send("ready")
    connection.recv()
    try:
        connection.send(work(path, age, name))
    except RunError as error:
        connection.send(str(error))
    connection.recv()


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
    assert [len(experiment_of(loaded(path, name)).trials) for name in ("one", "two")] == [1, 2]


def test_a_client_that_lacks_a_trial_of_another_is_refused(path: Path) -> None:
    stale, other = loaded(path), loaded(path)
    go_on(other)

    with pytest.raises(RunError, match="has changed since this process loaded it.*load it again"):
        go_on(stale)

    assert len(experiment_of(loaded(path)).trials) == 2


@dataclass(frozen=True)
class Worker:
    """A process that waits to be told before it goes on, and once more before it ends."""

    process: BaseProcess
    connection: Connection

    def tell(self) -> None:
        self.connection.send(None)

    def answer(self) -> str:
        return str(self.connection.recv())


Start = Callable[[str, str], Worker]


@pytest.fixture
def start(path: Path, server: ForkServerContext) -> Iterator[Start]:
    """Start a worker on the database."""
    workers = []

    def started(age: str, name: str) -> Worker:
        ours, theirs = server.Pipe()
        process = server.Process(target=work_when_told, args=(theirs, path, age, name))
        process.start()
        theirs.close()
        workers.append(Worker(process, ours))
        assert workers[-1].answer() == "ready"
        return workers[-1]

    yield started
    for worker in workers:
        worker.process.kill()
        worker.process.join()
        worker.connection.close()


@pytest.mark.slow
def test_two_processes_create_one_database(path: Path, start: Start) -> None:
    path.unlink()
    workers = [start("new", name) for name in ("one", "two")]
    for worker in workers:
        worker.tell()

    assert [worker.answer() for worker in workers] == ["5 trials"] * 2


@pytest.mark.slow
def test_of_two_processes_one_goes_on(path: Path, start: Start) -> None:
    workers = [start("old", "one") for _ in range(2)]
    for worker in workers:
        worker.tell()

    refused, done = sorted((worker.answer() for worker in workers), reverse=True)

    assert done == "6 trials"
    assert "is being written by another process" in refused
    for worker in workers:
        worker.tell()
        worker.process.join()
    assert len(experiment_of(loaded(path)).trials) == 6


@pytest.mark.slow
def test_a_result_of_a_process_that_has_ended_is_not_written_over(path: Path, start: Start) -> None:
    loaded(path).get_next_trials(1)
    storage.close_database()
    settings = storage.database_settings(path)
    coders: Any = {"encoder": settings.encoder, "decoder": settings.decoder}
    experiment = _load_experiment("one", settings.decoder)
    other = start("old", "one")
    for _ in range(2):
        other.tell()
    other.process.join()

    trial = experiment.trials[1]
    trial.mark_abandoned()
    with pytest.raises(RunError):
        _save_or_update_trial(experiment, trial, **coders)

    assert experiment_of(loaded(path)).trials[1].status.is_completed
