"""Joint spaces: what is best is found, what is fixed is kept, and nothing is proposed twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ax.analysis.plotly.surface.slice import SlicePlot
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from ax_anasod import architecture_of, make_client
from ax_anasod.cells import Cell
from ax_anasod.core.history_reader import read_history
from ax_anasod.exceptions import OptionError
from ax_anasod.fronts import hypervolumes
from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.generators.joint_search import JointImprovement
from ax_anasod.hyperparameters import Hyperparameters, Range, draw_settings
from ax_anasod.surrogates import levels_of
from ax_anasod.testing import SyntheticObjective

CELL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=5)
OBJECTIVE = SyntheticObjective(CELL, seed=1)
PARAMETERS = [
    RangeParameterConfig("rate", (1e-4, 1.0), "float", scaling="log"),
    RangeParameterConfig("width", (1, 8), "int"),
    ChoiceParameterConfig("kind", ["a", "b", "c"], "str", is_ordered=False),
]
JOINT = [name for name, row in STRATEGIES.items() if row.joint]


def error(code: np.ndarray, parameters: dict[str, Any]) -> float:
    """Best at a learning rate that depends on the width, and at the kind b."""
    distance = (np.log10(parameters["rate"]) + 2.5 - 0.1 * parameters["width"]) ** 2
    return float(OBJECTIVE(code[None])[0] + 8 * distance + 5 * (parameters["kind"] != "b"))


def run(client: Client, trials: int, **given: Any) -> list[float]:
    errors = []
    for _ in range(trials):
        ((index, parameters),) = client.get_next_trials(1, **given).items()
        errors.append(error(architecture_of(client, index).code, dict(parameters)))
        client.complete_trial(index, raw_data={"error": errors[-1]})
    return errors


def test_these_strategies_search_joint_spaces() -> None:
    assert JOINT == [
        "random",
        "anasod-random",
        "anasod-biased-random",
        "anasod-bo",
        "two-level-bo",
        "regularized-evolution",
        "tpe",
        "smac",
    ]


@pytest.mark.parametrize("strategy", ["anasod-bo", "two-level-bo"])
def test_models_find_better_pairs_than_random_draws(strategy: str) -> None:
    found, drawn = [], []
    for seed in range(2):
        found.append(min(run(make_client(CELL, strategy, seed=seed, parameters=PARAMETERS), 20)))
        drawn.append(min(run(make_client(CELL, "random", seed=seed, parameters=PARAMETERS), 20)))
    assert np.mean(found) < np.mean(drawn) - 2


@pytest.mark.parametrize("strategy", ["anasod-bo", "two-level-bo", "tpe", "smac"])
def test_fixed_parameters_are_kept(strategy: str) -> None:
    client = make_client(CELL, strategy, parameters=PARAMETERS, num_initial=2)
    run(client, 4)
    given = {"rate": 0.01, "kind": "c"}
    run(client, 2, fixed_parameters=given)
    for trial in list(client._experiment.trials.values())[-2:]:
        arm = trial.arm.parameters
        assert {name: arm[name] for name in given} == given


@pytest.mark.parametrize("strategy", ["anasod-bo", "two-level-bo"])
def test_pairs_are_not_repeated_where_all_is_discrete(strategy: str) -> None:
    tiny = Cell("tiny", operations=["conv", "skip"], num_blocks=2)
    kinds = [ChoiceParameterConfig("kind", ["a", "b", "c"], "str", is_ordered=False)]
    client = make_client(tiny, strategy, parameters=kinds, num_initial=2)
    objective = SyntheticObjective(tiny)
    seen = []
    for _ in range(8):
        ((index, parameters),) = client.get_next_trials(1).items()
        seen.append(tuple(parameters.values()))
        value = float(objective(architecture_of(client, index).code[None])[0])
        client.complete_trial(index, raw_data={"error": value})
    assert len({*seen[2:]}) == len(seen[2:])


def test_the_slope_of_the_acquisition_function_is_exact() -> None:
    hyperparameters = Hyperparameters((Range("a", 0.0, 1.0), Range("b", 1.0, 10.0, log=True)))
    rng = np.random.default_rng(0)
    codes, settings = CELL.sample(20, rng), draw_settings(hyperparameters, 20, rng)
    targets = settings[:, 0] ** 2 + rng.normal(scale=0.1, size=20)
    targets = (targets - targets.mean()) / targets.std()
    acquisition = JointImprovement(
        CELL, hyperparameters, [*levels_of(CELL).values()], codes, settings, targets, 1.0, "both"
    )
    some, points = CELL.sample(5, rng), acquisition._points(draw_settings(hyperparameters, 5, rng))
    covariance = acquisition._covariance(some)
    values, slopes = acquisition._slope(covariance, points)
    step = 1e-5
    for column in range(2):
        moved = np.zeros(2)
        moved[column] = step
        sides = [
            acquisition._slope(covariance, type(points)(points.places + s, points.categories))[0]
            for s in (moved, -moved)
        ]
        expected = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(slopes[:, column], expected, rtol=1e-3, atol=1e-3)
    start = draw_settings(hyperparameters, 5, rng)
    moved = acquisition.ascended(some, start, {})
    assert (acquisition(some, moved) >= acquisition(some, start) - 1e-6).all()
    assert values.shape == (5,)


def test_what_joint_models_do_not_search_is_refused() -> None:
    with pytest.raises(OptionError, match="moves encodings only"):
        make_client(CELL, "anasod-bo", parameters=PARAMETERS, optimizer="mirror-descent")
    with pytest.raises(OptionError, match="features"):
        make_client(
            CELL,
            "two-level-bo",
            parameters=PARAMETERS,
            features={"size": {"conv": 1.0, "pool": 0.5, "skip": 0.0}},
        )
    with pytest.raises(OptionError, match="2 objectives in cells only"):
        make_client(CELL, "two-level-bo", objectives=["a", "b"], parameters=PARAMETERS)


def test_a_history_of_cells_has_no_settings() -> None:
    client = make_client(CELL, "random")
    run_history = read_history(client._experiment, client._experiment.search_space)
    assert run_history.settings.shape == (0, 0)


def test_predictions_and_slices_have_the_parameters_beside_the_cell() -> None:
    client = make_client(CELL, "anasod-bo", parameters=PARAMETERS, num_initial=4)
    run(client, 7)
    arm = dict(client._experiment.trials[5].arm.parameters)
    ((mean, deviation),) = [prediction["error"] for prediction in client.predict([arm])]
    assert np.isfinite([mean, deviation]).all()
    for name in ("rate", "width", "n_conv"):
        card = SlicePlot(name, "error").compute(client._experiment, client._generation_strategy)
        assert card.df["error_mean"].nunique() > 10


ASKED = [{"objectives": ["error", "latency"]}, {"limits": "latency <= 6"}]


def latency(parameters: dict[str, Any]) -> float:
    return float(parameters["width"] * (1 + parameters["n_conv"]))


@pytest.mark.parametrize("asked", ASKED)
def test_anasod_bo_searches_fronts_and_obeys_limits(asked: dict[str, Any]) -> None:
    client = make_client(CELL, "anasod-bo", parameters=PARAMETERS, seed=2, num_initial=6, **asked)
    kept, front = [], []
    for _ in range(8):
        for index, parameters in client.get_next_trials(2).items():
            found = dict(parameters)
            values = {
                "error": error(architecture_of(client, index).code, found),
                "latency": latency(found),
            }
            client.complete_trial(index, raw_data=values)
            kept.append(values["latency"] <= 6)
            front.append((values["error"], values["latency"]))
    if "limits" in asked:
        assert np.mean(kept[6:]) > np.mean(kept[:6])
        assert np.mean(kept[6:]) >= 0.8
    else:
        # The worst corner of what uniform draws have found is the reference.
        points = np.array(front)
        reference = points[:6].max(axis=0)
        volumes = hypervolumes(points, reference)
        assert volumes[-1] > 1.2 * volumes[5]


@pytest.mark.parametrize("asked", ASKED)
def test_two_level_bo_does_so_in_cells_only(asked: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"in cells only, .* \['rate', 'width', 'kind'\]"):
        make_client(CELL, "two-level-bo", parameters=PARAMETERS, **asked)
