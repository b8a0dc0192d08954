from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ax_anasod.compare import Contender
from ax_anasod.compare.run_worker import (
    Task,
    TaskEnd,
    TaskProgress,
    WorkerInput,
    make_worker_input,
    work,
)
from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy import STRATEGIES, Strategy
from ax_anasod.generators import RandomArchitectureGenerator
from ax_anasod.journal import Journal, read_records
from ax_anasod.nasbench import Benchmark, TableBenchmark
from tests.conftest import PATIENCE

RANDOM = Contender("random", {}, 3)


class Reader(Benchmark):
    """A benchmark that has to be made again in each process."""

    name = "reader"

    def to_dict(self) -> dict[str, Any]:
        return {"benchmark": "reader"}


@pytest.fixture
def serve(benchmark: TableBenchmark) -> Iterator[Connection]:
    """The other end of a worker that runs in a thread of this process."""
    ours, theirs = Pipe()
    thread = threading.Thread(target=work, args=(theirs,))
    thread.start()
    ours.send(make_worker_input(benchmark, [RANDOM]))
    yield ours
    ours.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def until_end(connection: Connection) -> list[Any]:
    messages = []
    while not messages or not isinstance(messages[-1], TaskEnd):
        assert connection.poll(PATIENCE)
        messages.append(connection.recv())
    return messages


def test_worker_reports_every_trial_and_goes_on_where_a_run_is(
    serve: Connection, tmp_path: Path
) -> None:
    task = Task(RANDOM, 0, tmp_path / "new" / "0.jsonl")
    serve.send(task)
    assert until_end(serve) == [*map(TaskProgress, read_records(task.journal)), TaskEnd()]
    before = task.journal.read_bytes()
    serve.send(Task(Contender("random", {}, 5), 0, task.journal))
    assert until_end(serve) == [*map(TaskProgress, read_records(task.journal)[3:]), TaskEnd()]
    assert len(read_records(task.journal)) == 5
    assert task.journal.read_bytes().startswith(before)


def test_any_message_stops_a_run_after_its_trial(serve: Connection, tmp_path: Path) -> None:
    serve.send(Task(Contender("random", {}, 10_000), 0, tmp_path / "0.jsonl"))
    assert serve.poll(PATIENCE)
    assert serve.recv().done.trial == 0
    serve.send(None)
    *progress, end = until_end(serve)
    assert end == TaskEnd()
    # One more may have been proposed; it is evaluated when the run goes on.
    ended = [record.end is not None for record in read_records(tmp_path / "0.jsonl")]
    assert sum(ended) == 1 + len(progress) < 10_000


def test_mistakes_and_accidents_end_the_run_alone(serve: Connection, tmp_path: Path) -> None:
    (tmp_path / "0.jsonl").write_text("no journal\n")
    serve.send(Task(RANDOM, 0, tmp_path / "0.jsonl"))
    (end,) = until_end(serve)
    assert end.error.startswith(f"the file {tmp_path / '0.jsonl'} is not the journal of a run")
    (tmp_path / "link").symlink_to(tmp_path)
    serve.send(Task(RANDOM, 0, tmp_path / "link" / "0.jsonl"))
    (end,) = until_end(serve)
    assert "is a symbolic link: nothing is written through links" in end.error
    # A folder that was deleted is not made again.
    serve.send(Task(RANDOM, 0, tmp_path / "gone" / "runs" / "0.jsonl"))
    (end,) = until_end(serve)
    assert end.error.startswith("FileNotFoundError: ")
    # A file in the place of the journal's folder is nothing that the package foresees.
    (tmp_path / "file").write_text("")
    serve.send(Task(RANDOM, 0, tmp_path / "file" / "0.jsonl"))
    (end,) = until_end(serve)
    assert end.error.startswith(("FileExistsError: ", "NotADirectoryError: "))
    assert "Traceback" in end.details
    serve.send(Task(RANDOM, 0, tmp_path / "1.jsonl"))
    assert until_end(serve)[-1] == TaskEnd()


def test_worker_says_how_long_it_has_waited(
    serve: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ax_anasod.compare.run_worker._PATIENCE_SECONDS", 1.0)
    with Journal(tmp_path / "0.jsonl"):
        serve.send(Task(RANDOM, 0, tmp_path / "0.jsonl"))
        (end,) = until_end(serve)
    assert "is being continued by another process (1 seconds were waited for" in end.error


def test_worker_waits_for_a_process_that_ends_its_trial(serve: Connection, tmp_path: Path) -> None:
    with Journal(tmp_path / "0.jsonl"):
        serve.send(Task(RANDOM, 0, tmp_path / "0.jsonl"))
        assert not serve.poll(1.5)
    assert until_end(serve)[-1] == TaskEnd()


def test_unknown_benchmark_is_told_to_each_run(tmp_path: Path) -> None:
    ours, theirs = Pipe()
    thread = threading.Thread(target=work, args=(theirs,))
    thread.start()
    ours.send(WorkerInput({"benchmark": "mine"}))
    for seed in (0, 1):
        ours.send(Task(RANDOM, seed, tmp_path / "0.jsonl"))
        (end,) = until_end(ours)
        assert end.error.startswith("unknown benchmark 'mine'")
    ours.close()
    thread.join(PATIENCE)
    assert not (tmp_path / "0.jsonl").exists()


def test_benchmarks_in_memory_are_sent_others_described(benchmark: TableBenchmark) -> None:
    assert make_worker_input(benchmark, [RANDOM]).benchmark is benchmark
    assert make_worker_input(Reader(), [RANDOM]) == WorkerInput(
        {"benchmark": "reader"}, (__name__,)
    )


def test_modules_of_strategies_are_imported_where_they_can_be_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = Contender("mine", {}, 3)

    def define(module: str) -> None:
        generator = type("Mine", (RandomArchitectureGenerator,), {"__module__": module})
        monkeypatch.setitem(STRATEGIES, "mine", Strategy("mine", "draws", generator))

    define("my.module")
    assert make_worker_input(Reader(), [RANDOM, mine, mine]).modules == (__name__, "my.module")
    define("__main__")
    main = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    # The script that starts the processes is imported by them without being told.
    main.__file__ = "script.py"
    assert make_worker_input(Reader(), [mine]).modules == (__name__,)
    del main.__file__
    with pytest.raises(OptionError, match="strategy 'mine' is defined in a notebook"):
        make_worker_input(Reader(), [mine])
    assert make_worker_input(Reader(), [RANDOM]).modules == (__name__,)


def test_module_that_is_gone_ends_the_run_alone(tmp_path: Path) -> None:
    ours, theirs = Pipe()
    thread = threading.Thread(target=work, args=(theirs,))
    thread.start()
    ours.send(WorkerInput({"benchmark": "mine"}, ("no_such_module",)))
    ours.send(Task(RANDOM, 0, tmp_path / "0.jsonl"))
    (end,) = until_end(ours)
    assert end.error == "ModuleNotFoundError: No module named 'no_such_module'"
    ours.close()
    thread.join(PATIENCE)
