"""What a user knows before a search, through make_client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ax.api.client import Client

from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.core import architecture_of
from ax_anasod.exceptions import AnasodError, OptionError, RunError
from ax_anasod.experiment import make_client, make_experiment, make_search_space
from ax_anasod.generation_strategy import make
from ax_anasod.metrics import KnownSum
from ax_anasod.storage import close_database, storage_config
from ax_anasod.typing import Codes, Values

CELL = Cell("plain", ["conv", "pool", "skip"], num_blocks=5)
ALL = CELL.enumerate()
COSTS = {"conv": 3.0, "pool": 1.0, "skip": 0.5}
WEIGHTS = np.random.default_rng(4).random((5, 3))


def error(codes: Codes) -> Values:
    return np.asarray(1.0 + WEIGHTS[np.arange(5), codes].sum(axis=1))


def nearly(codes: Codes) -> Values:
    """The error, up to what no other cell says."""
    return error(codes) + 0.1 * (codes[:, 0] == codes[:, 1])


def codes_in(client: Client) -> list[list[int]]:
    trials = sorted(experiment_of(client).trials)
    return [architecture_of(client, index).code.tolist() for index in trials]


def go_on(client: Client, trials: int, values: Callable[[Codes], dict[str, Any]]) -> Client:
    """Search one by one; every fifth trial fails, every seventh stays open."""
    for _ in range(trials):
        (index,) = client.get_next_trials(1)
        if index % 5 == 4:
            client.mark_trial_failed(index)
        elif index % 7 != 6:
            code = architecture_of(client, index).code[None]
            client.complete_trial(index, {n: float(v[0]) for n, v in values(code).items()})
    return client


def alone(codes: Codes) -> dict[str, Any]:
    return {"error": error(codes)}


@pytest.fixture(scope="module")
def cold() -> Client:
    return go_on(make_client(CELL, "two-level-bo", num_initial=6), 24, alone)


def test_half_of_the_trials_have_features(cold: Client) -> None:
    warm = go_on(
        make_client(CELL, "two-level-bo", num_initial=6, features={"hint": nearly}), 24, alone
    )
    first, second = codes_in(cold), codes_in(warm)
    # Random ones, then the first two trials of a model: positions 2 and 3 of four have none.
    assert first[:8] == second[:8]
    assert first != second
    found = [min(error(np.array(codes))) for codes in (first, second)]
    assert found[1] <= found[0]


def test_features_of_each_kind_with_a_front_and_a_limit() -> None:
    client = make_client(
        CELL,
        "two-level-bo",
        objectives=["error", "size"],
        limits="latency <= 9",
        features={"hint": nearly, "cost": COSTS, "rows": lambda c: np.eye(3)[c].sum(axis=1)},
        num_initial=6,
    )
    go_on(client, 16, lambda c: alone(c) | {"size": (c == 0).sum(1), "latency": 1.0 * c.sum(1)})
    assert len(np.unique(codes_in(client), axis=0)) == 16
    recorded = experiment_of(client).lookup_data().df
    # Ax has the values of what is one number.
    assert {"hint", "cost"} <= set(recorded["metric_name"])
    assert "rows" not in set(recorded["metric_name"])


@pytest.mark.parametrize("storage", ["json", "sql"])
def test_a_search_with_features_and_a_source_goes_on_exactly(
    storage: str, cold: Client, tmp_path: Path
) -> None:
    def make(**kwargs: Any) -> Client:
        return make_client(
            CELL,
            "two-level-bo",
            features={"cost": COSTS},
            sources=[cold],
            start="-cost",
            num_initial=8,
            **kwargs,
        )

    whole = go_on(make(), 20, alone)
    if storage == "json":
        client = go_on(make(), 11, alone)
        client.save_to_json_file(str(tmp_path / "run.json"))
        client = Client.load_from_json_file(str(tmp_path / "run.json"))
    else:
        config = storage_config(tmp_path / "run.db")
        go_on(make(storage_config=config, name="run"), 11, alone)
        close_database()
        client = Client.load_from_database("run", storage_config(tmp_path / "run.db"))
    assert codes_in(go_on(client, 9, alone)) == codes_in(whole)
    close_database()


def test_the_first_trials(cold: Client) -> None:
    client = make_client(
        CELL, "two-level-bo", features={"cost": COSTS}, sources=[cold], start="cost"
    )
    go_on(client, 8, alone)
    codes = np.array(codes_in(client))
    tried = np.array(codes_in(cold))
    tried = tried[[i % 5 != 4 and i % 7 != 6 for i in range(len(tried))]]
    # Those of the source first, then the dearest that are none of them.
    np.testing.assert_array_equal(error(codes[:5]), np.sort(error(tried))[:5])
    dearest = KnownSum("cost", CELL, COSTS).values(codes[5:8])
    assert dearest.min() >= 12.5
    assert len(np.unique(codes, axis=0)) == 8


def test_a_start_by_what_is_no_feature() -> None:
    client = make_client(CELL, "two-level-bo", known={"cost": COSTS}, start="-cost")
    go_on(client, 3, alone)
    assert codes_in(client)[0] == [2, 2, 2, 2, 2]
    assert all(sorted(code) == [1, 2, 2, 2, 2] for code in codes_in(client)[1:])


@pytest.mark.parametrize("strategy", ["two-level-bo", "random", "regularized-evolution"])
def test_a_start_with_given_architectures(strategy: str) -> None:
    texts = CELL.to_strings(ALL[[7, 3, 100, 242]])
    known = {texts[0]: {"error": (1.5, 0.0)}, texts[1]: None, texts[2]: {"error": 2.5}}
    client = make_client(CELL, strategy, start_with={**known, texts[3]: None})
    trials = experiment_of(client).trials
    assert [trial.status.is_completed for trial in trials.values()] == [True, True]
    go_on(client, 4, alone)
    # Those of earlier work, those to try, and then the strategy's own.
    assert codes_in(client)[:4] == ALL[[7, 100, 3, 242]].tolist()
    assert len(np.unique(codes_in(client), axis=0)) == 6


def test_all_that_are_given_are_tried_and_count_as_initial_trials() -> None:
    order = np.random.default_rng(2).permutation(len(ALL))[:14]
    given = dict.fromkeys(CELL.to_strings(ALL[order]))
    client = make_client(CELL, "two-level-bo", start_with=given, num_initial=4)
    for index in range(15):
        client.get_next_trials(1)
        code = architecture_of(client, index).code[None]
        client.complete_trial(index, {"error": float(error(code)[0])})
    assert codes_in(client)[:14] == ALL[order].tolist()
    nodes = [t.generator_run._generation_node_name for t in experiment_of(client).trials.values()]
    assert nodes[13:] == ["initial", "two-level-bo"]


def test_what_a_function_computes_cannot_be_saved(tmp_path: Path) -> None:
    client = make_client(CELL, "two-level-bo", features={"hint": nearly})
    with pytest.raises(RunError):
        client.save_to_json_file(str(tmp_path / "run.json"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": {"error": nearly}}, "the feature 'error' is the objective itself"),
        ({"features": {"hint": lambda c: np.ones(len(c))}}, "the same value for all"),
        ({"features": {"hint": nearly}, "known": {"hint": COSTS}}, "and the features"),
        ({"features": {"hint": 3}}, "'hint'"),
        ({"features": ["hint"]}, "unknown proxy 'hint'"),
        ({"features": "synflow"}, "features is 'synflow'"),
        ({"features": ["synflow"]}, "operation 'conv' of cell 'plain' has no module"),
        ({"start": "swap"}, "operation 'conv' of cell 'plain' has no module"),
        ({"start_with": "conv|conv|conv|conv|conv"}, "start_with is 'conv|conv"),
        ({"start_with": ["conv|pool"]}, "'conv|pool'"),
        ({"start_with": [3]}, "start_with has 3"),
        ({"features": {"a+b": nearly}}, "the name of the feature 'a+b' has a '+'"),
        ({"features": {"source": COSTS}, "sources": ["cold"]}, "the name of a source"),
        ({"strategy": "random", "features": {"hint": nearly}}, "makes nothing of features"),
        ({"start": "hint"}, "hint"),
        ({"sources": [5]}, "a Client, AxClient or Experiment is needed, got 5"),
        ({"sources": ["nowhere"]}, "nowhere"),
        ({"sources": ["empty"]}, "has no trial with a value"),
        ({"sources": ["other"]}, "the source is of cell 'other', the search of cell 'plain'"),
        ({"sources": [("cold", "loss")]}, "unknown objective of the source 'loss'"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], message: str, cold: Client) -> None:
    other = Cell("other", ["conv", "skip"], num_blocks=5)
    named = {"cold": cold, "empty": make_client(CELL), "other": make_client(other)}
    given = {"strategy": "two-level-bo"} | arguments
    if "sources" in given:
        given["sources"] = [
            (named[s[0]], s[1]) if isinstance(s, tuple) else named.get(s, s)
            for s in given["sources"]
        ]
    with pytest.raises(AnasodError) as refused:
        make_client(CELL, **given)
    assert message in refused.value.message


def test_an_experiment_without_the_known_quantity_is_refused() -> None:
    space = make_search_space(CELL, "two-level-bo")
    client = Client()
    client.set_experiment(make_experiment(space))
    client.set_generation_strategy(make("two-level-bo", space, features="hint", num_initial=2))
    go_on(client, 2, alone)
    with pytest.raises(OptionError, match="the experiment has no known quantity 'hint'"):
        client.get_next_trials(1)
