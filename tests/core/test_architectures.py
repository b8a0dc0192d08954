"""The architecture of a trial: chosen, recorded, attached, kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ax.api.client import Client
from ax.service.ax_client import AxClient
from ax.service.utils.instantiation import ObjectiveProperties

from ax_anasod import (
    AnasodSearchSpace,
    architecture_of,
    attach_architecture,
    generation_strategy,
    make_client,
    make_experiment,
    storage,
)
from ax_anasod._ax import experiment_of
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.cells import Cell, get
from ax_anasod.exceptions import ArchitectureError, EncodingError, OptionError
from ax_anasod.generation_strategy import STRATEGIES

SMALL = Cell("small", operations=["conv", "pool", "skip"], num_blocks=3)
TINY = Cell("tiny", operations=["conv", "pool"], num_blocks=3)
OWN = "pool|conv|skip"
ENCODING_STRATEGIES = [name for name, known in STRATEGIES.items() if known.space == "encoding"]


def ask(client: Client, batches: list[int]) -> list[str]:
    """The architectures of trials that are asked for in batches, and completed."""
    for size in batches:
        for index in client.get_next_trials(size):
            error = 1.0 + len(str(architecture_of(client, index))) + index / 100
            client.complete_trial(index, raw_data={"error": error})
    return [str(architecture_of(client, index)) for index in experiment_of(client).trials]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    storage.close_database()
    yield tmp_path / "run.db"
    storage.close_database()


@pytest.mark.parametrize("name", ENCODING_STRATEGIES)
@pytest.mark.parametrize("batches", [[1] * 18, [9, 9]], ids=["one at a time", "in batches"])
def test_no_architecture_is_repeated_while_its_encoding_has_another(
    name: str, batches: list[int]
) -> None:
    client = make_client(SMALL, name, seed=3)

    found = ask(client, batches)

    different: dict[tuple[Any, ...], set[str]] = {}
    times: Counter[tuple[Any, ...]] = Counter()
    for index, trial in experiment_of(client).trials.items():
        counts = tuple(trial.arms[0].parameters.values())
        different.setdefault(counts, set()).add(found[index])
        times[counts] += 1
    assert max(times.values()) > 1
    for counts, architectures in different.items():
        possible = int(SMALL.num_architectures([counts])[0])
        assert len(architectures) == min(times[counts], possible)


def test_the_first_architecture_of_an_encoding_is_the_one_that_the_space_draws() -> None:
    client = make_client(SMALL, "anasod-random", seed=3)
    found = ask(client, [4])

    space, trials = AnasodSearchSpace.from_cell(SMALL), experiment_of(client).trials
    drawn = [str(space.decode(trials[i].arms[0].parameters, 3, i)) for i in trials]
    seen: set[str] = set()
    for index, architecture in enumerate(found):
        assert architecture == drawn[index] or drawn[index] in seen
        seen.add(architecture)


def test_repeats_can_be_wanted() -> None:
    client = make_client(SMALL, "anasod-random", seed=3, repeat_architectures=True)

    found = ask(client, [18])

    space, trials = AnasodSearchSpace.from_cell(SMALL), experiment_of(client).trials
    assert found == [str(space.decode(trials[i].arms[0].parameters, 3, i)) for i in trials]
    assert len(set(found)) < 15


def test_architectures_survive_json_and_sql_and_go_on_as_they_would(
    tmp_path: Path, database: Path
) -> None:
    whole = make_client(TINY, seed=3, num_initial=3)
    attach_architecture(whole, "pool|conv|conv", {"error": 2.5})
    expected = ask(whole, [1] * 7)
    assert expected[0] == "pool|conv|conv"
    space = AnasodSearchSpace.from_cell(TINY)
    assert expected != [
        str(space.decode(trial.arms[0].parameters, 3, index))
        for index, trial in experiment_of(whole).trials.items()
    ]

    stored = Client(storage_config=storage.storage_config(database))
    stored.set_experiment(make_experiment(space, seed=3))
    stored.set_generation_strategy(
        generation_strategy.make("anasod-bo", space, seed=3, num_initial=3)
    )
    attach_architecture(stored, "pool|conv|conv", {"error": 2.5})
    ask(stored, [1] * 5)
    stored.save_to_json_file(str(tmp_path / "run.json"))

    assert ask(Client.load_from_json_file(str(tmp_path / "run.json")), [1] * 2) == expected
    loaded = Client.load_from_database("ax_anasod", storage.storage_config(database))
    assert ask(loaded, [1] * 2) == expected


def test_an_attached_architecture_is_the_one_that_is_booked() -> None:
    client = make_client(SMALL, "anasod-bo", seed=0)

    index = attach_architecture(client, SMALL.architecture(OWN), {"error": 1.0})
    running = attach_architecture(client, "skip|skip|conv")
    client.complete_trial(running, raw_data={"error": 3.0})

    assert str(architecture_of(client, index)) == OWN
    assert str(architecture_of(experiment_of(client), running)) == "skip|skip|conv"
    _, _, best, _ = client.get_best_parameterization()
    assert str(architecture_of(client, best)) == OWN
    # It has a trial: the next ones of its encoding are others.
    assert OWN not in ask(client, [20])[2:]


def test_what_cannot_be_attached_is_refused_and_leaves_no_trial() -> None:
    client = make_client(SMALL, "anasod-bo")
    with pytest.raises(ArchitectureError):
        attach_architecture(client, "con|pool|skip", {"error": 1.0})
    darts = make_client(get("darts"), "anasod-bo")
    uneven = experiment_of(darts).search_space.cell.architecture([0] * 8 + [1] * 8 + [0] * 6)
    with pytest.raises(EncodingError, match="2 parts"):
        attach_architecture(darts, uneven)
    with pytest.raises(ArchitectureError, match="cell 'darts'"):
        attach_architecture(client, uneven)
    assert not experiment_of(client).trials
    assert not experiment_of(darts).trials


def test_a_search_over_architectures_has_them_in_its_parameters() -> None:
    client = make_client(SMALL, "random", seed=1)
    attach_architecture(client, OWN, {"error": 1.0})
    found = ask(client, [3])
    assert found[0] == OWN
    for index, trial in experiment_of(client).trials.items():
        assert list(trial.arms[0].parameters.values()) == found[index].split("|")


def test_an_experiment_of_ax_client_knows_its_architectures(tmp_path: Path) -> None:
    space = AnasodSearchSpace.from_cell(SMALL)
    client = AxClient(
        generation_strategy=generation_strategy.make("anasod-random", space, seed=4),
        verbose_logging=False,
    )
    client.create_experiment(
        parameters=[
            {"name": name, "type": "range", "bounds": [0, 3], "value_type": "int"}
            for name in space.parameters
        ],
        parameter_constraints=[f"{' + '.join(space.parameters)} == 3"],
        objectives={"error": ObjectiveProperties(minimize=True)},
    )
    attach_architecture(client, OWN, {"error": 1.0})
    for _ in range(12):
        _, index = client.get_next_trial()
        client.complete_trial(index, raw_data={"error": 2.0})
    found = [str(architecture_of(client, index)) for index in client.experiment.trials]
    assert found[0] == OWN
    assert found.count(OWN) == 1

    client.save_to_json_file(str(tmp_path / "run.json"))
    loaded = AxClient.load_from_json_file(str(tmp_path / "run.json"), verbose_logging=False)
    assert [str(architecture_of(loaded, index)) for index in loaded.experiment.trials] == found
    # So does what is drawn of it.
    series = SearchSeries.from_experiment(loaded)
    assert (series.cell, series.num_trials) == (SMALL, len(found))
    with pytest.raises(OptionError, match="does not say which cell"):
        architecture_of(client.experiment, 0)


def test_a_trial_without_a_record_is_what_the_space_draws() -> None:
    client = make_client(SMALL, "anasod-bo", seed=5)
    parameters = {"n_conv": 1, "n_pool": 1, "n_skip": 1}
    index = client.attach_trial(parameters)
    expected = AnasodSearchSpace.from_cell(SMALL).decode(parameters, 5, index)
    assert architecture_of(client, index) == expected
    # A runner of the user's own may mean something else by the word.
    experiment_of(client).trials[index].update_run_metadata({"architecture": "gpu node 7"})
    assert architecture_of(client, index) == expected


def test_a_trial_that_is_not_there_or_has_several_architectures_is_refused() -> None:
    client = make_client(SMALL, "anasod-bo")
    with pytest.raises(OptionError, match="there is no trial 0"):
        architecture_of(client, 0)
    with pytest.raises(OptionError):
        architecture_of(SMALL, 0)
    index = attach_architecture(client, OWN)
    layers = {"architecture": f"{OWN} ; conv|pool|skip"}
    experiment_of(client).trials[index].update_run_metadata(layers)
    with pytest.raises(ArchitectureError, match="a network of 2 layers"):
        architecture_of(client, index)


def test_decode_asks_for_the_seed_and_the_trial() -> None:
    space = AnasodSearchSpace.from_cell(SMALL)
    with pytest.raises(TypeError, match=r"seed.*trial_index"):
        space.decode({"n_conv": 1, "n_pool": 1, "n_skip": 1})  # type: ignore[call-arg]
