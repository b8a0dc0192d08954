from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from ax.api.client import Client

from ax_anasod.cells import Cell
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import Results, RunFolder, Search, plan_run
from ax_anasod.runs.artefacts import DatabaseCopy, write_results
from ax_anasod.storage import close_database, storage_config

SIGNATURES = {
    "incumbent.png": b"\x89PNG",
    "operation_distribution.png": b"\x89PNG",
    "report.html": b"<!DOCTYPE html>",
    "trials.csv": b"trial,status,architecture",
}


@pytest.fixture
def folder(tmp_path: Path, benchmark: TableBenchmark) -> Iterator[RunFolder]:
    config = plan_run(benchmark, "anasod-bo", {"num_initial": 4}, trials=6)
    with RunFolder.create(tmp_path / "run", config) as folder:
        yield folder
    close_database()


@pytest.fixture
def search(folder: RunFolder, benchmark: TableBenchmark) -> Search:
    search = Search(folder.config, benchmark, folder.journal)
    search.run(6)
    return search


def test_table_report_and_pictures_are_written(folder: RunFolder, search: Search) -> None:
    write_results(folder, search)
    for name, signature in SIGNATURES.items():
        assert (folder.path / name).read_bytes().lower().startswith(signature.lower()), name
    page = (folder.path / "report.html").read_text()
    assert folder.config.experiment_name in page
    with (folder.path / "trials.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6


@pytest.fixture
def two_objectives(table: Path, cell: Cell) -> TableBenchmark:
    return TableBenchmark(table, cell, accuracy="valid", minimize="latency")


def test_the_front_of_several_objectives_is_written(
    tmp_path: Path, two_objectives: TableBenchmark
) -> None:
    config = plan_run(two_objectives, "two-level-bo", {"num_initial": 4}, trials=4)
    with RunFolder.create(tmp_path / "run", config) as folder:
        search = Search(config, two_objectives, folder.journal)
        write_results(folder, search)
        assert (folder.path / "pareto.csv").read_text().startswith("trial,status,architecture")
        search.run(4)
        write_results(folder, search)
        trials = (folder.path / "trials.csv").read_text().splitlines()
        header, *front = (folder.path / "pareto.csv").read_text().splitlines()
    assert header == trials[0]
    assert [int(row.split(",")[0]) for row in front] == [
        end.trial for end in Results(config, search.records).pareto_front
    ]
    assert {*front} <= {*trials}
    close_database()


def test_a_run_without_any_trial_has_its_files_too(
    folder: RunFolder, benchmark: TableBenchmark
) -> None:
    write_results(folder, Search(folder.config, benchmark, folder.journal))
    for name, signature in SIGNATURES.items():
        assert (folder.path / name).read_bytes().lower().startswith(signature.lower()), name


def test_ax_can_load_the_database_and_go_on(folder: RunFolder, search: Search) -> None:
    DatabaseCopy(folder, search).refresh()
    config = storage_config(folder.path / "experiment.db")
    loaded = Client.load_from_database(folder.config.experiment_name, config)
    assert loaded.get_next_trials(1) == search.client.get_next_trials(1)


def test_the_database_costs_a_small_share_of_the_time(
    folder: RunFolder, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, took, written = 0.0, 3.0, []

    def write(*arguments: object) -> None:
        nonlocal now
        written.append(now)
        now += took

    monkeypatch.setattr("ax_anasod.runs.artefacts.write_database", write)
    copy = DatabaseCopy(folder, search, clock=lambda: now)
    while now < 1000:
        now += 0.5
        copy.refresh_if_due()
    assert len(written) * took <= 0.05 * 1000
    assert len(written) >= 10
    # Trials of minutes are each followed by a writing.
    written.clear()
    for _ in range(5):
        now += 300
        copy.refresh_if_due()
    assert len(written) == 5
