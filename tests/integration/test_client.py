"""The first way in: asking and telling through ``ax.api.client.Client``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ax.api.client import Client

from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, RunProperties
from ax_anasod.exceptions import EncodingError, OptionError, RunError
from ax_anasod.experiment import make_client, make_experiment
from ax_anasod.generation_strategy import make
from ax_anasod.nasbench import Benchmark, NASBenchGraphBenchmark
from ax_anasod.runners import BenchmarkQuery
from ax_anasod.storage import storage_config


@pytest.mark.parametrize("optimizer", ["pool", "mirror-descent", "exhaustive"])
def test_anasod_bo_finds_the_best_encoding(toy_benchmark: Benchmark, optimizer: str) -> None:
    client = make_client(toy_benchmark.cell, "anasod-bo", seed=1, optimizer=optimizer)
    query = BenchmarkQuery(toy_benchmark, seed=1)

    for _ in range(25):
        for index in client.get_next_trials(1):
            values = query.of(experiment_of(client).trials[index])["values"]
            client.complete_trial(index, {"error": values["error"]})

    best, _, _, _ = client.get_best_parameterization(use_model_predictions=False)
    assert best == {"n_conv": 2, "n_pool": 3, "n_skip": 1}


def test_batches_of_four(toy_benchmark: Benchmark) -> None:
    client = make_client(toy_benchmark.cell, "anasod-bo", seed=1, num_initial=8)
    query = BenchmarkQuery(toy_benchmark, seed=1)

    for _ in range(6):
        batch = client.get_next_trials(4)
        assert len(batch) == 4
        for index in batch:
            values = query.of(experiment_of(client).trials[index])["values"]
            client.complete_trial(index, {"error": values["error"]})

    # Later batches may observe a promising encoding again.
    assert len({tuple(p.values()) for p in _batch(client, 2)}) == 4
    best, _, _, _ = client.get_best_parameterization(use_model_predictions=False)
    assert best == {"n_conv": 2, "n_pool": 3, "n_skip": 1}


def test_workers_that_end_in_any_order(toy_benchmark: Benchmark) -> None:
    client = make_client(toy_benchmark.cell, "anasod-bo", seed=1, num_initial=5)
    query = BenchmarkQuery(toy_benchmark, seed=1)
    running: dict[int, Any] = {}

    for step in range(24):
        running |= client.get_next_trials(4 - len(running))
        ended = sorted(running)[step % len(running)]
        del running[ended]
        values = query.of(experiment_of(client).trials[ended])["values"]
        client.complete_trial(ended, {"error": values["error"]})

    assert len(experiment_of(client).trials) == 27
    best, _, _, _ = client.get_best_parameterization(use_model_predictions=False)
    assert best == {"n_conv": 2, "n_pool": 3, "n_skip": 1}


def test_noise_may_be_given(toy_cell: Cell, toy_error: Any) -> None:
    client = make_client(toy_cell, "anasod-bo", seed=1, num_initial=4)

    for _ in range(10):
        for index, parameters in client.get_next_trials(1).items():
            client.complete_trial(index, {"error": (toy_error(parameters), 0.5)})

    sems = experiment_of(client).lookup_data().df["sem"]
    assert sems.tolist() == [0.5] * 10


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_conv": -1, "n_pool": 6, "n_skip": 1},
        {"n_conv": 2.5, "n_pool": 2.5, "n_skip": 1},
        {"n_conv": float("nan"), "n_pool": 5, "n_skip": 1},
        {"n_conv": 2, "n_pool": 2, "n_skip": 1},
        {"n_conv": True, "n_pool": 4, "n_skip": 1},
    ],
    ids=["negative", "fraction", "nan", "sum", "bool"],
)
def test_an_arm_off_the_grid_is_refused_with_the_nearest(
    toy_cell: Cell, parameters: dict[str, Any]
) -> None:
    client = make_client(toy_cell, "anasod-bo")

    with pytest.raises(EncodingError):
        client.attach_trial(parameters)
    assert not experiment_of(client).trials


def test_axs_random_seed_disturbs_nothing(toy_cell: Cell, toy_error: Any, advance: Any) -> None:
    runs = []
    for random_seed in (None, 0, 0, 1):
        client = Client(random_seed=random_seed)
        space = AnasodSearchSpace.from_cell(toy_cell)
        client.set_experiment(make_experiment(space, seed=5))
        client.set_generation_strategy(make("anasod-bo", space, 5, num_initial=4))
        runs.append(advance(client, 9, toy_error))

    assert runs[0] == runs[1] == runs[2] == runs[3]
    assert runs[0] == advance(make_client(toy_cell, seed=5, num_initial=4), 9, toy_error)


def test_global_generators_disturb_nothing(
    toy_cell: Cell, toy_error: Any, advance: Any, disturb: Callable[[int], None]
) -> None:
    runs = []
    for state in (0, 100):
        client = make_client(toy_cell, seed=5, num_initial=4)
        for trials in range(1, 10):
            disturb(state + trials)
            run = advance(client, trials, toy_error)
        runs.append(run)

    assert runs[0] == runs[1]


def test_a_search_on_a_real_benchmark(advance: Any) -> None:
    benchmark = NASBenchGraphBenchmark("cora")
    client = make_client(
        benchmark.cell, objectives="valid_error", reported=["test_error"], seed=0, num_initial=5
    )
    query = BenchmarkQuery(benchmark, seed=0)

    for _ in range(9):
        for index in client.get_next_trials(1):
            client.complete_trial(index, query.of(experiment_of(client).trials[index])["values"])

    values = experiment_of(client).lookup_data().df.query("metric_name == 'valid_error'")["mean"]
    assert len(values) == 9
    optimum = benchmark.optimum("valid_error")
    assert optimum is not None
    assert values.min() >= optimum
    properties = RunProperties.read(experiment_of(client))
    assert properties is not None
    assert properties.seed == 0


def _batch(client: Client, number: int) -> list[dict[str, Any]]:
    trials = experiment_of(client).trials
    return [dict(trials[i].arms[0].parameters) for i in range(4 * number, 4 * number + 4)]


def test_a_loop_that_reports_epochs_stops_the_worst_trials_early() -> None:
    # More trials than encodings: Ax's own strategy stops none once an encoding is repeated.
    cell = Cell("pair", operations=["conv", "skip"], num_blocks=2)
    client = make_client(cell, "anasod-random", seed=0, early_stopping=50)
    stopped = []
    for trial in range(12):
        (index,) = client.get_next_trials(1)
        # Every trial is worse than all before it.
        for epoch in range(1, 4):
            client.attach_data(index, {"error": 10.0 + trial - epoch / 10}, progression=epoch)
            if client.should_stop_trial_early(index):
                client.mark_trial_early_stopped(index)
                stopped.append((index, epoch))
                break
        else:
            client.complete_trial(index)
    assert stopped == [(index, 1) for index in range(5, 12)]


def test_what_is_no_share_of_the_worst_is_refused(toy_cell: Cell) -> None:
    for wrong in (0, 100, -3.0, "50", True):
        with pytest.raises(OptionError):
            make_client(toy_cell, early_stopping=wrong)  # type: ignore[arg-type]


def test_experiments_in_one_database_have_names_of_their_own(
    toy_cell: Cell, toy_error: Any, advance: Any, tmp_path: Path, one_database: None
) -> None:
    database = storage_config(tmp_path / "run.db")
    clients = [
        make_client(toy_cell, "random", seed=seed, storage_config=database, name=name)
        for seed, name in enumerate((None, "mine", None))
    ]
    names = [experiment_of(client).name for client in clients]
    assert names == ["ax_anasod", "mine", "ax_anasod 2"]
    found = [advance(client, 1, lambda parameters: 3.0) for client in clients]
    for name, trials in zip(names, found, strict=True):
        loaded = Client.load_from_database(name, database)
        assert advance(loaded, 1, toy_error) == trials
    with pytest.raises(RunError, match=r"an experiment 'mine' already \(Client.load_from"):
        make_client(toy_cell, name="mine", storage_config=database)


def test_nothing_is_written_where_the_name_is_taken(
    toy_cell: Cell, tmp_path: Path, one_database: None
) -> None:
    database = storage_config(tmp_path / "run.db")
    make_client(toy_cell, seed=1, name="mine", storage_config=database)
    with pytest.raises(RunError):
        make_client(toy_cell, seed=2, name="mine", storage_config=database)
    loaded = Client.load_from_database("mine", database)
    properties = RunProperties.read(experiment_of(loaded))
    assert properties is not None
    assert properties.seed == 1
