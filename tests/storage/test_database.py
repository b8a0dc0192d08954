from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest
from ax.api.client import Client
from ax.storage.sqa_store.encoder import Encoder

from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace
from ax_anasod.exceptions import RunError
from ax_anasod.experiment import make_client
from ax_anasod.storage import close_database, registry_bundle, storage_config
from ax_anasod.storage.database import _Encoder, check_database, write_database

CELL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)
NAME = "a run, of mine"


@pytest.fixture
def client() -> Client:
    """Twelve trials, of which one has failed and one is running."""
    client = make_client(CELL, "anasod-bo", objectives="error", reported=["test"], name=NAME)
    for index, parameters in client.get_next_trials(12).items():
        if index == 4:
            client.mark_trial_failed(index)
        elif index < 11:
            error = 1 + parameters["n_conv"] / 3
            client.complete_trial(index, raw_data={"error": error, "test": error / 7})
    return client


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "experiment.db"
    close_database()


def write(path: Path, client: Client) -> None:
    write_database(path, experiment_of(client), strategy_of(client))


def test_ax_loads_what_was_written_and_goes_on(path: Path, client: Client) -> None:
    write(path, client)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    loaded = Client.load_from_database(NAME, storage_config(path))
    experiment = experiment_of(loaded)
    assert isinstance(experiment.search_space, AnasodSearchSpace)
    assert experiment.search_space.cell == CELL
    assert {i: t.status for i, t in experiment.trials.items()} == {
        i: t.status for i, t in experiment_of(client).trials.items()
    }
    columns = ["trial_index", "arm_name", "metric_name", "mean"]
    stored, original = (e.lookup_data().df[columns] for e in (experiment, experiment_of(client)))
    assert stored.round(10).equals(original.round(10))
    assert loaded.get_next_trials(1) == client.get_next_trials(1)


@pytest.mark.parametrize("folder", ["100%25 é#1", "a%20b", "p?1=x&y"])
def test_the_file_is_the_one_named(tmp_path: Path, client: Client, folder: str) -> None:
    path = tmp_path / folder / "experiment.db"
    path.parent.mkdir()
    write(path, client)
    if "?" in folder and version("sqlalchemy") < "2.1":
        with pytest.raises(RunError, match="takes what follows a '[?]' for options"):
            storage_config(path)
    else:
        loaded = Client.load_from_database(NAME, storage_config(path))
        assert len(experiment_of(loaded).trials) == 12
        storage_config(path)
        close_database()
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == [
        folder,
        f"{folder}/experiment.db",
    ]


def test_writing_leaves_no_trace_in_the_experiment(path: Path, client: Client) -> None:
    for _ in range(2):
        write(path, client)
    assert experiment_of(client).db_id is None
    assert all(trial.db_id is None for trial in experiment_of(client).trials.values())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM trial_v2").fetchone() == (12,)


def test_data_is_stored_exactly_as_ax_would(client: Client) -> None:
    config = registry_bundle().sqa_config
    ours, theirs = (
        [
            (row.trial_index, row.data_json, row.structure_metadata_json, row.time_created)
            for row in kind(config=config).experiment_data_to_sqa(experiment_of(client))
        ]
        for kind in (_Encoder, Encoder)
    )
    assert len(ours) == 10
    assert ours == theirs


def test_a_whole_database_passes_the_check(path: Path, client: Client) -> None:
    write(path, client)
    content = path.read_bytes()
    check_database(path, NAME)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "overwritten"])
def test_a_damaged_database_is_refused(path: Path, client: Client, damage: str) -> None:
    write(path, client)
    content = path.read_bytes()
    damaged = {
        "empty": b"",
        "text": b"this is no database\n" * 100,
        "cut": content[: len(content) // 2],
        "overwritten": content[:5000] + b"\x00\xff" * 20_000 + content[45_000:],
    }[damage]
    path.write_bytes(damaged)
    with pytest.raises(RunError, match=f"the database {path} is damaged: .*delete the file"):
        check_database(path, NAME)
    assert path.read_bytes() == damaged


def test_a_database_of_another_run_is_refused(path: Path, client: Client) -> None:
    write(path, client)
    with pytest.raises(RunError, match="holds 'a run, of mine', not 'another'.*move it elsewhere"):
        check_database(path, "another")


def test_a_full_disk_keeps_the_old_database(path: Path, client: Client) -> None:
    write(path, client)
    content = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(RunError):
            write(path, client)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_missing_is_named(tmp_path: Path, client: Client) -> None:
    path = tmp_path / "missing" / "experiment.db"
    with pytest.raises(RunError):
        write(path, client)
    assert not path.parent.exists()


def test_what_would_be_waited_for_is_refused(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.db"
    os.mkfifo(fifo)
    endless = tmp_path / "endless.db"
    with closing(sqlite3.connect(endless)) as connection:
        connection.execute(
            "CREATE VIEW experiment_v2 AS WITH RECURSIVE n(name) AS "
            "(SELECT 1 UNION ALL SELECT name + 1 FROM n) SELECT max(name) AS name FROM n"
        )
    with pytest.raises(RunError):
        check_database(fifo, NAME)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ax_anasod.storage.database._SECONDS", 0.2)
        with pytest.raises(RunError, match="is damaged: interrupted"):
            check_database(endless, NAME)
