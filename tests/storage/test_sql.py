"""Our classes through Ax's SQL storage."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from ax.api.client import Client

from ax_anasod import AnasodSearchSpace, CellSearchSpace, make_client, storage
from ax_anasod._ax import experiment_of, nodes_of, strategy_of
from ax_anasod.adapter import AnasodGenerators
from ax_anasod.cells import Cell
from ax_anasod.core import OperationParameter, RunProperties
from ax_anasod.exceptions import RunError
from ax_anasod.metrics import LookupMetric
from ax_anasod.runners import LookupRunner
from ax_anasod.storage.sql import METRIC_NUMBERS, RUNNER_NUMBERS

STORED = Path(__file__).with_name("stored_run.db")


@pytest.fixture(autouse=True)
def one_database_a_test() -> Iterator[None]:
    """Ax has one database a process."""
    storage.close_database()
    yield
    storage.close_database()


def test_the_stored_database_still_loads(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    shutil.copy(STORED, path)

    client = Client.load_from_database("ax_anasod", storage.storage_config(path))

    experiment = experiment_of(client)
    space = experiment.search_space
    cell = Cell("stored", operations=["3x3 conv", "pool", "skip"], num_blocks=4, wiring=(2, 3))
    assert type(space) is AnasodSearchSpace
    assert space.cell == cell
    assert {type(p) for p in space.parameters.values()} == {OperationParameter}
    assert type(experiment.metrics["error"]) is LookupMetric
    assert type(experiment.runner) is LookupRunner
    properties = RunProperties.read(experiment)
    assert properties is not None
    assert (properties.seed, properties.strategy) == (3, "anasod-bo")
    assert len(experiment.trials) == 5
    for trial in experiment.trials.values():
        parameters = trial.arms[0].parameters
        space.validate_membership(parameters)
        mean = experiment.lookup_data(trial_indices=[trial.index]).df["mean"].iloc[0]
        expected = 1 / 3 + parameters["n_pool"] / 7 + (parameters["n_3x3_conv"] - 2) ** 2
        assert mean == pytest.approx(expected, abs=1e-9)
    assert (
        nodes_of(strategy_of(client))[1].generator_spec.generator_enum is AnasodGenerators.ANASOD_BO
    )


def test_the_stored_run_goes_on_and_is_saved_again(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    shutil.copy(STORED, path)
    client = Client.load_from_database("ax_anasod", storage.storage_config(path))
    for index in client.get_next_trials(1):
        client.complete_trial(index, {"error": 1.5})
    storage.close_database()

    again = Client.load_from_database("ax_anasod", storage.storage_config(path))

    assert len(experiment_of(again).trials) == 6
    assert type(experiment_of(again).search_space) is AnasodSearchSpace
    # The parameters kept their identity in the database: none was written a second time.
    assert len(experiment_of(again).search_space.parameters) == 3


def test_architecture_searches_come_back_too(toy_cell: Cell, tmp_path: Path) -> None:
    fresh, elsewhere = (make_client(toy_cell, "random", seed=1) for _ in range(2))
    client = Client(storage_config=storage.storage_config(tmp_path / "run.db"))
    client.set_experiment(experiment_of(fresh))
    client.set_generation_strategy(strategy_of(fresh))
    for a_client in (client, elsewhere):
        for index in a_client.get_next_trials(2):
            a_client.complete_trial(index, {"error": 2.0})
    storage.close_database()

    loaded = Client.load_from_database("ax_anasod", storage.storage_config(tmp_path / "run.db"))

    space = experiment_of(loaded).search_space
    assert type(space) is CellSearchSpace
    assert space.cell == toy_cell
    assert loaded.get_next_trials(1) == elsewhere.get_next_trials(1)


def test_a_second_database_in_one_process_is_refused(tmp_path: Path) -> None:
    storage.storage_config(tmp_path / "one.db")
    with pytest.raises(RunError, match="one database a process"):
        storage.storage_config(tmp_path / "two.db")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database at all, but long enough to be read as one" * 20)
    with pytest.raises(RunError, match="cannot be used as a database"):
        storage.storage_config(path)


def test_the_numbers_in_databases_stay_what_they_are() -> None:
    # Those of the classes that train: test_training.py.
    assert METRIC_NUMBERS[LookupMetric] == 210_001
    assert RUNNER_NUMBERS[LookupRunner] == 210_001


@pytest.mark.parametrize("numbers", [METRIC_NUMBERS, RUNNER_NUMBERS])
def test_no_two_classes_share_a_number(numbers: Mapping[type, int]) -> None:
    assert len(set(numbers.values())) == len(numbers)
