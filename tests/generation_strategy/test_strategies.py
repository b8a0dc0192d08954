"""Every strategy on every kind of cell, through whatever happens to trials.

The form is that of OSS Vizier's test runners: run a few rounds on made-up values, and look
whether every proposal is inside the search space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ax.api.client import Client

from ax_anasod import cells
from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, architecture_of
from ax_anasod.exceptions import (
    ObservationError,
    OptionalImportError,
    OptionError,
    UnknownNameError,
)
from ax_anasod.experiment import make_client
from ax_anasod.generation_strategy import STRATEGIES, check_objectives, make
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import Search, plan_run

CELLS = {
    "toy": Cell("toy", operations=["conv", "pool", "skip"], num_blocks=6),
    "one block": Cell("one", operations=["conv", "skip"], num_blocks=1),
    "two operations": Cell("two", operations=["conv", "skip"], num_blocks=9),
    "weird names": Cell(
        "weird", operations=["3x3 conv", "I", "beta", "lambda", "max pool"], num_blocks=5
    ),
    "wired": Cell("wired", operations=["conv", "skip"], num_blocks=3, wiring=[2, 3]),
    "nas-bench-201": cells.get("nas-bench-201"),
    "nas-bench-graph": cells.get("nas-bench-graph"),
    "darts": cells.get("darts"),
    "restricted": RestrictedCell(
        cells.get("nas-bench-201"),
        cells.get("nas-bench-201").sample(40, np.random.default_rng(0)),
    ),
    "large": Cell("large", operations=[f"op {i}" for i in range(12)], num_blocks=40),
}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("random", {}),
    "anasod-random": ("anasod-random", {}),
    "anasod-biased-random": ("anasod-biased-random", {"num_trials": 10}),
    "pool": ("anasod-bo", {"num_initial": 4}),
    "mirror-descent": ("anasod-bo", {"num_initial": 4, "optimizer": "mirror-descent"}),
    "exhaustive": ("anasod-bo", {"num_initial": 4, "optimizer": "exhaustive"}),
}


def made_up(parameters: Mapping[str, Any], trial: int) -> float:
    numbers = [v if isinstance(v, int) else len(str(v)) for v in parameters.values()]
    return 5 + float(np.cos(np.dot(numbers, np.arange(1, len(numbers) + 1)) + trial))


# The examination of all strategies (tests/testing) has the built-in cells with default options.
OWN = [name for name in CELLS if name not in cells.names()]
EVERYWHERE = ["mirror-descent", "exhaustive"]


@pytest.mark.parametrize(
    ("name", "variant"),
    [(name, variant) for name in OWN for variant in VARIANTS]
    + [(name, variant) for name in CELLS if name not in OWN for variant in EVERYWHERE],
)
def test_all_proposals_are_in_the_space_whatever_happens(name: str, variant: str) -> None:
    cell, (strategy, options) = CELLS[name], VARIANTS[variant]
    if name == "large" and variant == "exhaustive":
        pytest.skip("refused: 4.8e10 encodings (see test_strategy.py)")
    client = make_client(cell, strategy, seed=1, **options)
    space: Any = experiment_of(client).search_space

    for step in range(8):
        for index, parameters in client.get_next_trials(2 if step % 3 == 2 else 1).items():
            assert space.check_membership(parameters, raise_error=True)
            architecture = architecture_of(client, index)
            assert cell.is_valid(architecture.code[None, :]).all()
            if step == 2:
                client.mark_trial_failed(index)
            elif step == 4:
                client.mark_trial_abandoned(index)
            elif step != 5:
                client.complete_trial(index, {"error": made_up(parameters, index)})


def _with_third(strategy: str, tell_third: Callable[[Client, int], None]) -> Client:
    known = STRATEGIES[strategy].options
    options = {"num_initial": 3, "num_epochs": 5, "trials_per_fit": 1, "num_trials": 9}
    cell = Cell("small", operations=["conv", "pool", "skip"], num_blocks=3)
    chosen = {name: value for name, value in options.items() if name in known}
    client = make_client(cell, strategy, seed=1, **chosen)
    for error in (3.0, 2.5, None, 2.0, 4.0, 3.5):
        (index,) = client.get_next_trials(1)
        if error is None:
            tell_third(client, index)
        else:
            client.complete_trial(index, {"error": error})
    return client


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_trial_without_a_usable_value_is_a_failed_one(strategy: str, own_warnings: Any) -> None:
    failed = _with_third(strategy, lambda client, index: client.mark_trial_failed(index))
    expected = failed.get_next_trials(1)

    def tell(client: Client, index: int) -> None:
        client.complete_trial(index, {"error": np.nan})

    with own_warnings() as texts:
        client = _with_third(strategy, tell)
        assert client.get_next_trials(1) == expected
    assert texts == ["trial 2 counts as failed: error is nan"]
    assert experiment_of(client).trials[2].status.is_failed
    assert client.get_best_parameterization(use_model_predictions=False)[2] == 3


def test_a_search_whose_first_trials_have_no_value_goes_on(
    toy_cell: Cell, own_warnings: Any
) -> None:
    client = make_client(toy_cell, "anasod-bo", num_initial=2)
    with own_warnings() as texts:
        for _ in range(4):
            client.complete_trial(*client.get_next_trials(1), {"error": np.nan})
        assert _nodes(client, 1) == ["initial"]
    assert len(texts) == 4
    client.complete_trial(4, {"error": 1.0})
    client.complete_trial(*client.get_next_trials(1), {"error": 2.0})
    assert _nodes(client, 1) == ["anasod-bo"]


class TestInitialTrials:
    def test_any_number_may_be_asked_for_at_the_start(self, toy_cell: Cell) -> None:
        client = make_client(toy_cell, "anasod-bo", seed=1)

        trials = client.get_next_trials(15)

        assert list(trials) == list(range(15))
        assert len({tuple(p.values()) for p in trials.values()}) > 8

    def test_the_model_takes_over_once_enough_have_values(
        self, toy_cell: Cell, toy_error: Any
    ) -> None:
        client = make_client(toy_cell, "anasod-bo", num_initial=3)
        waiting = client.get_next_trials(5)
        for index in (0, 4):
            client.complete_trial(index, {"error": toy_error(waiting[index])})
        assert _nodes(client, 1) == ["initial"]
        client.complete_trial(2, {"error": toy_error(waiting[2])})

        assert _nodes(client, 2) == ["anasod-bo", "anasod-bo"]

    @pytest.mark.parametrize("ending", ["failed", "abandoned", "no data", "other data"])
    def test_trials_without_a_value_do_not_count(
        self, toy_cell: Cell, toy_error: Any, ending: str
    ) -> None:
        client = make_client(toy_cell, "anasod-bo", num_initial=2, reported=["size"])
        for index in client.get_next_trials(6):
            _end(client, index, ending)
        for index, parameters in client.get_next_trials(1).items():
            client.complete_trial(index, {"error": toy_error(parameters)})

        assert _nodes(client, 1) == ["initial"]

    def test_a_value_of_a_failed_trial_does_not_count(self, toy_cell: Cell) -> None:
        client = make_client(toy_cell, "anasod-bo", num_initial=1)
        ((index, _),) = client.get_next_trials(1).items()
        client.attach_data(index, {"error": 1.0})
        client.mark_trial_failed(index)

        assert _nodes(client, 1) == ["initial"]

    def test_a_users_own_trials_count(self, toy_cell: Cell) -> None:
        client = make_client(toy_cell, "anasod-bo", num_initial=2)
        for counts, value in (((1, 2, 3), 3.0), ((3, 2, 1), 2.0)):
            parameters = dict(zip(("n_conv", "n_pool", "n_skip"), counts, strict=True))
            client.complete_trial(client.attach_trial(parameters), {"error": value})

        assert _nodes(client, 1) == ["anasod-bo"]


class TestFailures:
    @pytest.mark.parametrize(
        ("ending", "optimizer"), [("failed", "pool"), ("abandoned", "exhaustive")]
    )
    def test_an_encoding_that_always_fails_is_not_proposed_for_ever(
        self, toy_cell: Cell, toy_error: Any, ending: str, optimizer: str
    ) -> None:
        client = make_client(toy_cell, "anasod-bo", seed=3, num_initial=5, optimizer=optimizer)
        attempts = 0
        for _ in range(30):
            ((index, parameters),) = client.get_next_trials(1).items()
            # The best of all encodings, and those beside it promise that it is.
            if toy_error(parameters) == 1:
                attempts += 1
                _end(client, index, ending)
            else:
                client.complete_trial(index, {"error": toy_error(parameters)})

        assert 1 <= attempts <= 4

    def test_a_run_in_which_everything_fails_goes_on(self, toy_cell: Cell) -> None:
        client = make_client(toy_cell, "anasod-bo", num_initial=3)

        proposed = set()
        for _ in range(12):
            ((index, parameters),) = client.get_next_trials(1).items()
            client.mark_trial_failed(index)
            proposed.add(tuple(parameters.values()))

        assert len(proposed) > 6


class TestValues:
    @pytest.mark.parametrize("value", [0.0, 7.0, 1e-9])
    def test_constant_values_are_no_reason_to_stop(
        self, toy_cell: Cell, advance: Any, value: float
    ) -> None:
        client = make_client(toy_cell, "anasod-bo", num_initial=3, seed=1)

        assert len(set(advance(client, 10, lambda _: value))) > 5

    def test_a_solved_task_is_no_reason_to_stop(
        self, toy_cell: Cell, toy_error: Any, advance: Any
    ) -> None:
        client = make_client(toy_cell, "anasod-bo", num_initial=3, optimizer="exhaustive")

        encodings = advance(client, 25, lambda parameters: toy_error(parameters) - 1)

        assert (2, 3, 1) in encodings

    def test_a_negative_error_is_modelled_as_it_is(self, toy_cell: Cell, advance: Any) -> None:
        runs = []
        for log_targets in (True, False):
            client = make_client(toy_cell, "anasod-bo", num_initial=2, log_targets=log_targets)
            runs.append(advance(client, 5, lambda parameters: parameters["n_conv"] - 3.0))
        assert runs[0] == runs[1]

    def test_a_model_left_without_any_value_asks_for_one(self, toy_cell: Cell) -> None:
        client = make_client(toy_cell, "anasod-bo", num_initial=1)
        ((index, parameters),) = client.get_next_trials(1).items()
        client.complete_trial(index, {"error": 1.0})
        client.get_next_trials(1)
        experiment_of(client).trials[index].mark_failed(unsafe=True)

        with pytest.raises(ObservationError, match="no trial has a value of error"):
            client.get_next_trials(1)
        client.complete_trial(client.attach_trial(parameters), {"error": 2.0})
        assert _nodes(client, 1) == ["anasod-bo"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_global_generators_do_not_matter(
    toy_cell: Cell,
    variant: str,
    advance: Any,
    disturb: Callable[[int], None],
) -> None:
    strategy, options = VARIANTS[variant]
    runs = []
    for state in (0, 1000):
        client = make_client(toy_cell, strategy, seed=5, **options)
        for trials in range(1, 9):
            disturb(state + trials)
            run = advance(client, trials, lambda parameters: made_up(parameters, 0))
        runs.append(run)

    assert runs[0] == runs[1]


class TestParetoFront:
    @pytest.mark.parametrize("optimizer", ["pool", "mirror-descent", "exhaustive"])
    def test_anasod_bo_finds_the_front_of_two_objectives(
        self, toy_cell: Cell, advance: Any, optimizer: str
    ) -> None:
        client = make_client(
            toy_cell,
            "anasod-bo",
            objectives=["error", "size"],
            seed=1,
            num_initial=4,
            optimizer=optimizer,
        )

        encodings = advance(client, 14, _two_objectives)

        values = [tuple(_two_objectives(_named(e)).values()) for e in encodings]
        front = {v for v in values if not any(_dominates(w, v) for w in values)}
        # All trade-offs of conv against skip, without pool: (7, 1), (6, 2), ... (1, 7).
        assert len(front & {(7.0 - i, 1.0 + i) for i in range(7)}) >= 4
        assert len(client.get_pareto_frontier()) >= 3

    @pytest.mark.parametrize("strategy", ["random", "anasod-random"])
    def test_random_strategies_take_any_number_of_objectives(
        self, toy_cell: Cell, strategy: str
    ) -> None:
        client = make_client(toy_cell, strategy, objectives=["a", "b", "c"])
        for index in client.get_next_trials(3):
            client.complete_trial(index, {"a": 1.0, "b": float(index), "c": 2.0})

        assert len(client.get_next_trials(2)) == 2

    def test_global_generators_do_not_matter_to_its_samples(
        self, toy_cell: Cell, advance: Any, disturb: Callable[[int], None]
    ) -> None:
        runs = []
        for state in (0, 1000):
            client = make_client(
                toy_cell, "anasod-bo", objectives=["error", "size"], num_initial=3, seed=2
            )
            for trials in range(1, 8):
                disturb(state + trials)
                run = advance(client, trials, _two_objectives)
            runs.append(run)

        assert runs[0] == runs[1]

    @pytest.mark.filterwarnings("ignore:there is a threshold on size")
    @pytest.mark.parametrize("limits", [["size <= 4"], ["size <= 4", "error <= 90"], ["cost <= 1"]])
    def test_limits_on_objectives_and_others(self, toy_cell: Cell, limits: list[str]) -> None:
        client = make_client(
            toy_cell,
            "anasod-bo",
            objectives=["error", "size"],
            limits=limits,
            reported=[] if "cost" in limits[0] else ["cost"],
            num_initial=3,
        )
        for _ in range(5):
            for index, parameters in client.get_next_trials(1).items():
                values = _two_objectives(parameters)
                client.complete_trial(index, {**values, "cost": values["size"] / 4})
        assert _nodes(client, 2) == ["anasod-bo", "anasod-bo"]

    def test_an_objective_may_be_missing_or_failed(self, toy_cell: Cell) -> None:
        client = make_client(toy_cell, "anasod-bo", objectives=["error", "size"], num_initial=3)
        for index, parameters in client.get_next_trials(6).items():
            values = _two_objectives(parameters)
            if index == 1:
                client.mark_trial_failed(index)
            elif index == 2:
                client.complete_trial(index, {"error": values["error"]})
            else:
                client.complete_trial(index, values)

        assert _nodes(client, 2) == ["anasod-bo", "anasod-bo"]


def test_several_objectives_are_refused_with_the_strategies_that_take_them() -> None:
    able = [name for name, strategy in STRATEGIES.items() if strategy.multi_objective]
    assert "anasod-bo" in able
    check_objectives(able[0], ["error", "latency"])
    check_objectives("tpe", ["error"])
    with pytest.raises(OptionError, match=f"Pareto front: {', '.join(able)}"):
        make_client(CELLS["toy"], "reinforce", objectives=["error", "latency"])


def test_an_unknown_name_is_refused_with_the_nearest(toy_cell: Cell) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown strategy 'anasod_bo'.*'anasod-bo'"):
        make("anasod_bo", AnasodSearchSpace.from_cell(toy_cell))


@pytest.mark.parametrize("name", ["tpe", "smac"])
def test_missing_package_is_named_when_the_strategy_is_made(
    toy_cell: Cell, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(OptionalImportError):
        make(name, CellSearchSpace.from_cell(toy_cell))


def test_values_of_both_signs_are_modelled_as_they_are() -> None:
    proposals = []
    for log_targets in (True, False):
        client = make_client(
            cells.get("nas-bench-201"), "adjacency-bo", num_initial=2, log_targets=log_targets
        )
        for value in (1.0, -1.0):
            (index,) = client.get_next_trials(1)
            client.complete_trial(index, {"error": value})
        proposals.append(client.get_next_trials(1))
    assert proposals[0] == proposals[1]


@pytest.mark.slow
def test_finds_the_best_cell_of_nas_bench_201(shared_data: Path) -> None:
    table = TableBenchmark(
        shared_data / "nb201" / "nb201.csv.gz", "nas-bench-201", accuracy=["cifar10_test_200"]
    )
    name = "cifar10_test_200_error"
    best = table.optimum(name)
    queries = []
    for seed in range(3):
        search = Search(plan_run(table, "two-level-bo", trials=150, seed=seed), table)
        values: list[float] = []
        search.run(
            150,
            lambda record, values=values: values.append(record.end.values[name]),  # type: ignore[misc, union-attr]
            lambda values=values: best in values,  # type: ignore[misc]
        )
        assert best in values, f"seed {seed} did not find the optimum"
        queries.append(len(values))
    assert np.median(queries) <= 80


def _named(counts: tuple[int, ...]) -> dict[str, int]:
    return dict(zip(("n_conv", "n_pool", "n_skip"), counts, strict=True))


def _two_objectives(parameters: Mapping[str, Any]) -> dict[str, float]:
    waste = 3.0 * parameters["n_pool"]
    return {
        "error": 7.0 - parameters["n_conv"] + waste,
        "size": 1.0 + parameters["n_conv"] + waste,
    }


def _dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a <= b for a, b in zip(first, second, strict=True))


def _nodes(client: Client, number: int) -> list[str | None]:
    """The nodes that the next trials come from."""
    return [
        experiment_of(client).trials[index].generator_runs[0]._generation_node_name
        for index in client.get_next_trials(number)
    ]


def _end(client: Client, index: int, ending: str) -> None:
    if ending == "failed":
        client.mark_trial_failed(index)
    elif ending == "abandoned":
        client.mark_trial_abandoned(index)
    else:
        client.complete_trial(index, {"size": 3.0} if ending == "other data" else None)
