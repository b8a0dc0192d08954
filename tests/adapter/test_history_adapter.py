"""Random strategies as Ax runs them, and what those with a model predict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ax.adapter.cross_validation import cross_validate
from ax.analysis.plotly.cross_validation import CrossValidationPlot
from ax.exceptions.core import UnsupportedError

from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.adapter import AnasodGenerators, HistoryAdapter
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.exceptions import AnasodError, ArchitectureError, OptionError, UnknownNameError
from ax_anasod.experiment import make_client, make_experiment
from ax_anasod.generation_strategy import make

NAMES = ["random", "anasod-random", "anasod-biased-random"]
every_strategy = pytest.mark.parametrize("strategy", NAMES)


@every_strategy
def test_trials_asked_for_at_once_are_those_asked_for_one_by_one(
    toy_cell: Cell, strategy: str
) -> None:
    together, apart = (make_client(toy_cell, strategy, seed=3) for _ in range(2))

    at_once = together.get_next_trials(15)
    one_by_one = {i: p for _ in range(15) for i, p in apart.get_next_trials(1).items()}

    assert at_once == one_by_one
    assert len({tuple(p.values()) for p in at_once.values()}) > 8


@every_strategy
def test_a_failed_trial_does_not_bring_its_draw_back(toy_cell: Cell, strategy: str) -> None:
    client = make_client(toy_cell, strategy, seed=3)
    drawn = []
    for _ in range(10):
        ((index, parameters),) = client.get_next_trials(1).items()
        client.mark_trial_failed(index)
        drawn.append(tuple(parameters.values()))

    assert len(set(drawn)) > 5


def test_biased_draws_follow_the_incumbent(toy_cell: Cell, toy_error: Any, advance: Any) -> None:
    client = make_client(toy_cell, "anasod-biased-random", seed=1, beta_max=50.0, num_trials=20)

    encodings = advance(client, 80, toy_error)

    errors = [toy_error(dict(zip(("n_conv", "n_pool"), e, strict=False))) for e in encodings]
    best = encodings[errors.index(min(errors[:60]))]
    assert encodings[60:].count(best) >= 18
    assert encodings[:10].count(best) <= 2


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"objective": "-(2*error + size)"}, "single metrics, not a sum"),
        ({"objective": "-error, -size"}, r"searches one objective, got 2: \['error', 'size'\]"),
        (
            {"objective": "-error", "outcome_constraints": ["size <= 3"]},
            "no outcome constraints",
        ),
    ],
)
class TestOneObjective:
    # Ax 1.3.1 builds its own thresholds from a class that it deprecates.
    @pytest.mark.filterwarnings("ignore:ObjectiveThreshold is deprecated:DeprecationWarning")
    @pytest.mark.parametrize("strategy", ["anasod-biased-random", "nas-bowl"])
    def test_what_it_would_ignore_is_refused(
        self,
        toy_cell: Cell,
        strategy: str,
        configuration: dict[str, Any],
        message: str,
    ) -> None:
        space = "anasod-random" if strategy == "anasod-biased-random" else "random"
        client = make_client(toy_cell, space)
        client.configure_optimization(**configuration)
        for index in client.get_next_trials(2):
            client.complete_trial(index, {"error": 1.0, "size": 1.0})

        # At the first proposal of the model, and before it.
        for num_initial in (2, 3):
            options = {} if strategy == "anasod-biased-random" else {"num_initial": num_initial}
            built = make(strategy, experiment_of(client).search_space, **options)
            client.set_generation_strategy(built)
            with pytest.raises(OptionError, match=message):
                client.get_next_trials(1)

    @pytest.mark.parametrize("strategy", ["random", "anasod-random"])
    def test_what_draws_whatever_the_values_goes_on(
        self, toy_cell: Cell, strategy: str, configuration: dict[str, Any], message: str
    ) -> None:
        client = make_client(toy_cell, strategy)
        client.configure_optimization(**configuration)

        assert len(client.get_next_trials(3)) == 3


def test_fixed_parameters_hold(toy_cell: Cell) -> None:
    encodings = make_client(toy_cell, "anasod-random")
    architectures = make_client(toy_cell, "random")

    counts = encodings.get_next_trials(5, fixed_parameters={"n_conv": 2})
    blocks = architectures.get_next_trials(5, fixed_parameters={"block_1": "skip"})

    assert all(p["n_conv"] == 2 and sum(p.values()) == 6 for p in counts.values())
    assert all(p["block_1"] == "skip" for p in blocks.values())
    assert len({tuple(p.values()) for p in blocks.values()}) > 1


@pytest.mark.parametrize(
    ("strategy", "fixed", "error", "message"),
    [
        ("random", {"block_1": "skp"}, ArchitectureError, "did you mean 'skip'"),
        ("random", {"block_7": "skip"}, UnknownNameError, "'block_7'"),
        ("anasod-random", {"n_skp": 1}, UnknownNameError, "did you mean 'n_skip'"),
        ("anasod-random", {"n_skip": 1.5}, AnasodError, "n_skip = 1.5"),
        ("anasod-random", {"n_skip": 7}, AnasodError, "n_skip = 7"),
    ],
)
def test_fixed_parameters_that_do_not_exist_are_refused(
    toy_cell: Cell, strategy: str, fixed: dict[str, Any], error: type[AnasodError], message: str
) -> None:
    client = make_client(toy_cell, strategy)

    with pytest.raises(error, match=message):
        client.get_next_trials(1, fixed_parameters=fixed)
    assert not experiment_of(client).trials


def test_a_batch_in_one_generator_run(toy_cell: Cell) -> None:
    experiment = make_experiment(CellSearchSpace.from_cell(toy_cell), strategy="random")
    adapter = AnasodGenerators.HISTORY(
        experiment=experiment, cell=toy_cell.to_dict(), seed=1, registered_as="random"
    )
    assert isinstance(adapter, HistoryAdapter)

    run = adapter.gen(6)

    assert len({arm.signature for arm in run.arms}) == len(run.arms) == 6


def test_it_works_on_a_plain_experiment_without_an_objective(toy_cell: Cell) -> None:
    from ax.core.experiment import Experiment

    experiment = Experiment(AnasodSearchSpace.from_cell(toy_cell), name="plain")

    adapter = AnasodGenerators.HISTORY(
        experiment=experiment, cell=toy_cell.to_dict(), registered_as="anasod-random"
    )

    assert sum(adapter.gen(1).arms[0].parameters.values()) == 6


def test_global_generators_do_not_matter(
    toy_cell: Cell, toy_error: Any, advance: Any, disturb: Callable[[int], None]
) -> None:
    runs = []
    for state in (0, 99):
        client = make_client(toy_cell, "anasod-biased-random", seed=5, num_trials=10)
        for trials in range(1, 11):
            disturb(state + trials)
            runs.append(advance(client, trials, toy_error))

    assert runs[9] == runs[19]


SMALL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)


def error_of(parameters):
    blocks = list(parameters.values())
    return 5.0 + 3.0 * blocks.count("skip") + (blocks[0] == "pool")


def searched(trials=16, strategy="two-level-bo", maximize=False, **options):
    sign = -1.0 if maximize else 1.0
    client = make_client(
        SMALL, strategy, objectives="error", maximize=["error"] if maximize else [], **options
    )
    for _ in range(trials):
        ((index, parameters),) = client.get_next_trials(1).items()
        client.complete_trial(index, raw_data={"error": sign * error_of(parameters)})
    return client


def all_points():
    codes = SMALL.enumerate()
    return [
        {f"block_{i}": SMALL.operations[o] for i, o in enumerate(code)} for code in codes.tolist()
    ]


@pytest.mark.parametrize("maximize", [False, True])
def test_client_predict(maximize):
    client = searched(maximize=maximize)
    points = all_points()
    told = client.predict(points)
    means = np.array([each["error"][0] for each in told])
    truth = np.array([error_of(point) for point in points]) * (-1.0 if maximize else 1.0)
    assert np.corrcoef(means, truth)[0, 1] > 0.8
    assert all(each["error"][1] >= 0 for each in told)


def test_predictions_change_nothing_of_the_search():
    plain, asked = searched(12), searched(12)
    asked.predict(all_points()[:3])
    assert plain.get_next_trials(2) == asked.get_next_trials(2)


def test_cross_validation_leaves_the_predicted_trials_out():
    client = searched()
    adapter = strategy_of(client).adapter
    results = cross_validate(adapter, folds=-1)
    assert len(results) == 16
    seen = {r.observed.arm_name: r.observed.data.means[0] for r in results}
    left_out = {r.observed.arm_name: r.predicted.means[0] for r in results}
    with_it = {
        name: client.predict([arm.parameters])[0]["error"][0]
        for name, arm in experiment_of(client).arms_by_name.items()
    }
    gap = {n: abs(left_out[n] - seen[n]) for n in seen}
    known = {n: abs(with_it[n] - seen[n]) for n in seen}
    assert sum(gap.values()) > 2 * sum(known.values())
    (card, *_) = client.compute_analyses([CrossValidationPlot(["error"], untransform=True)])
    assert card.flatten()[0].df["observed"].between(5.0, 18.0).all()


def test_several_objectives_are_predicted_each_by_its_own_model():
    client = make_client(SMALL, "two-level-bo", objectives=["error", "latency"])
    for _ in range(14):
        ((index, parameters),) = client.get_next_trials(1).items()
        conv = list(parameters.values()).count("conv")
        client.complete_trial(
            index, raw_data={"error": error_of(parameters), "latency": 1.0 + 100.0 * conv}
        )
    told = client.predict(all_points())
    latency = np.array([each["latency"][0] for each in told])
    conv = np.array([list(point.values()).count("conv") for point in all_points()])
    assert np.corrcoef(latency, conv)[0, 1] > 0.8


@pytest.mark.parametrize(("strategy", "trials"), [("two-level-bo", 3), ("local-search", 12)])
def test_without_a_model_ax_says_so(strategy, trials):
    client = searched(trials, strategy)
    with pytest.raises(UnsupportedError, match="not predictive"):
        client.predict(all_points()[:1])
