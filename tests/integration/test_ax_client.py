"""The second way in: the Service API, ``AxClient``, which Ax keeps until 1.4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ax.service.ax_client import AxClient
from ax.service.utils.instantiation import ObjectiveProperties

from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace
from ax_anasod.exceptions import EncodingError
from ax_anasod.experiment import make_client, make_experiment
from ax_anasod.generation_strategy import make
from ax_anasod.storage import database_settings


def parameter_dicts(cell: Cell) -> list[dict[str, Any]]:
    return [
        {"name": name, "type": "range", "bounds": [0, cell.total], "value_type": "int"}
        for name in AnasodSearchSpace.from_cell(cell).parameters
    ]


def plain(cell: Cell, seed: int = 0, **options: Any) -> AxClient:
    """Our strategy on a search space that Ax builds from plain dictionaries."""
    strategy = make("anasod-bo", AnasodSearchSpace.from_cell(cell), seed, **options)
    client = AxClient(generation_strategy=strategy, verbose_logging=False)
    client.create_experiment(
        name="plain",
        parameters=parameter_dicts(cell),
        parameter_constraints=["n_conv + n_pool + n_skip == 6"],
        objectives={"error": ObjectiveProperties(minimize=True)},
    )
    return client


def ours(cell: Cell, seed: int = 0, **options: Any) -> AxClient:
    """Our strategy on our search space."""
    space = AnasodSearchSpace.from_cell(cell)
    client = AxClient(
        generation_strategy=make("anasod-bo", space, seed, **options), verbose_logging=False
    )
    client._set_experiment(make_experiment(space, seed=seed))
    return client


WAYS = {"plain": plain, "ours": ours}
both = pytest.mark.parametrize("build", WAYS.values(), ids=WAYS.keys())


def run(client: AxClient, trials: int, error: Any) -> list[tuple[Any, ...]]:
    while len(client.experiment.trials) < trials:
        parameters, index = client.get_next_trial()
        client.complete_trial(index, raw_data={"error": error(parameters)})
    return [tuple(t.arms[0].parameters.values()) for t in client.experiment.trials.values()]


@both
def test_it_is_the_run_of_the_other_way_in(
    toy_cell: Cell, toy_error: Any, advance: Any, build: Any
) -> None:
    expected = advance(make_client(toy_cell, seed=3, num_initial=4), 9, toy_error)

    assert run(build(toy_cell, seed=3, num_initial=4), 9, toy_error) == expected


@both
def test_it_finds_the_best_encoding(toy_cell: Cell, toy_error: Any, build: Any) -> None:
    client = build(toy_cell, num_initial=5, optimizer="exhaustive")
    run(client, 20, toy_error)

    parameters, _ = client.get_best_parameters(use_model_predictions=False)

    assert parameters == {"n_conv": 2, "n_pool": 3, "n_skip": 1}


@both
def test_several_workers_and_failures(toy_cell: Cell, toy_error: Any, build: Any) -> None:
    client = build(toy_cell, num_initial=3)

    for _ in range(3):
        trials, _ = client.get_next_trials(max_trials=3)
        assert all(sum(parameters.values()) == 6 for parameters in trials.values())
        for index, parameters in trials.items():
            if index % 4 == 1:
                client.log_trial_failure(index)
            elif index % 4 == 2:
                client.abandon_trial(index)
            else:
                client.complete_trial(index, raw_data={"error": (toy_error(parameters), 0.1)})

    assert len(client.experiment.trials) == 9


def test_our_space_refuses_an_arm_off_the_grid_and_names_the_nearest(toy_cell: Cell) -> None:
    client = ours(toy_cell)

    with pytest.raises(EncodingError, match=r"nearest valid one is .*'n_conv': 3, 'n_pool': 3"):
        client.attach_trial({"n_conv": 6, "n_pool": 6, "n_skip": 0})
    assert not client.experiment.trials


@pytest.mark.parametrize("counts", [(-1, 6, 1), (7, 0, 0)], ids=str)
def test_an_arm_that_a_plain_space_lets_in_is_left_alone(
    toy_cell: Cell, toy_error: Any, counts: tuple[int, ...]
) -> None:
    client = plain(toy_cell, num_initial=3)
    names = ("n_conv", "n_pool", "n_skip")
    for ending in ("completed", "failed"):
        with pytest.warns(RuntimeWarning, match="out-of-design"):
            _, index = client.attach_trial(dict(zip(names, counts, strict=True)))
        if ending == "completed":
            client.complete_trial(index, raw_data={"error": 0.01})
        else:
            client.log_trial_failure(index)

    encodings = run(client, 9, toy_error)

    assert all(sum(encoding) == 6 for encoding in encodings[2:])
    adapter = client.generation_strategy.adapter
    assert adapter is not None
    (X,) = adapter.generator.surrogate.model.train_inputs
    # Nine trials, less these two, and the last.
    assert X.shape == (6, 3)
    assert X.sum(dim=-1).tolist() == pytest.approx([1.0] * 6)


@both
def test_a_users_own_trial_counts(toy_cell: Cell, toy_error: Any, build: Any) -> None:
    client = build(toy_cell, num_initial=1)

    parameters, index = client.attach_trial({"n_conv": 2, "n_pool": 3, "n_skip": 1})
    client.complete_trial(index, raw_data={"error": toy_error(parameters)})
    _, index = client.get_next_trial()

    (generator_run,) = client.experiment.trials[index].generator_runs
    assert generator_run._generation_node_name == "anasod-bo"


@both
def test_fixed_features_hold(toy_cell: Cell, toy_error: Any, build: Any) -> None:
    from ax.core.observation import ObservationFeatures

    client = build(toy_cell, num_initial=2)
    run(client, 2, toy_error)

    parameters, _ = client.get_next_trial(fixed_features=ObservationFeatures({"n_skip": 4}))

    assert parameters["n_skip"] == 4
    assert sum(parameters.values()) == 6


@both
def test_a_snapshot_goes_on_as_if_nothing_had_been(
    toy_cell: Cell, toy_error: Any, build: Any, tmp_path: Path
) -> None:
    expected = run(build(toy_cell, seed=3, num_initial=3), 8, toy_error)
    client = build(toy_cell, seed=3, num_initial=3)
    run(client, 5, toy_error)
    client.save_to_json_file(str(tmp_path / "snapshot.json"))

    loaded = AxClient.load_from_json_file(str(tmp_path / "snapshot.json"), verbose_logging=False)

    assert run(loaded, 8, toy_error) == expected
    kind = AnasodSearchSpace if build is ours else None
    assert kind is None or type(loaded.experiment.search_space) is kind


def test_it_saves_to_a_database(
    toy_cell: Cell, toy_error: Any, tmp_path: Path, one_database: None
) -> None:
    space = AnasodSearchSpace.from_cell(toy_cell)
    expected = run(ours(toy_cell, seed=3, num_initial=3), 6, toy_error)
    client = AxClient(
        generation_strategy=make("anasod-bo", space, 3, num_initial=3),
        db_settings=database_settings(tmp_path / "run.db"),
        verbose_logging=False,
    )
    client._set_experiment(make_experiment(space, seed=3))
    client._save_experiment_to_db_if_possible(experiment=client.experiment)
    client._save_generation_strategy_to_db_if_possible()
    run(client, 4, toy_error)

    loaded = AxClient(db_settings=database_settings(tmp_path / "run.db"), verbose_logging=False)
    loaded.load_experiment_from_database("ax_anasod")

    assert type(loaded.experiment.search_space) is AnasodSearchSpace
    assert run(loaded, 6, toy_error) == expected
