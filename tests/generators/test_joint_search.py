"""Joint spaces: what is best is found, what is fixed is kept, and nothing is proposed twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ax.analysis.plotly.surface.slice import SlicePlot
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from ax_anasod import architecture_of, make_client
from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.cells import Cell
from ax_anasod.core.history_reader import read_history
from ax_anasod.exceptions import OptionError
from ax_anasod.fronts import hypervolumes
from ax_anasod.generation_strategy import STRATEGIES
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
    for trial in list(experiment_of(client).trials.values())[-2:]:
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


def test_what_joint_models_do_not_search_is_refused() -> None:
    with pytest.raises(OptionError, match="moves encodings only"):
        make_client(CELL, "anasod-bo", parameters=PARAMETERS, optimizer="mirror-descent")
    with pytest.raises(OptionError, match="searches cells only"):
        make_client(CELL, "local-search", parameters=PARAMETERS)


def test_a_history_of_cells_has_no_settings() -> None:
    client = make_client(CELL, "random")
    run_history = read_history(experiment_of(client), experiment_of(client).search_space)
    assert run_history.settings.shape == (0, 0)


def test_predictions_and_slices_have_the_parameters_beside_the_cell() -> None:
    client = make_client(CELL, "anasod-bo", parameters=PARAMETERS, num_initial=4)
    run(client, 7)
    arm = dict(experiment_of(client).trials[5].arm.parameters)
    ((mean, deviation),) = [prediction["error"] for prediction in client.predict([arm])]
    assert np.isfinite([mean, deviation]).all()
    for name in ("rate", "width", "n_conv"):
        card = SlicePlot(name, "error").compute(experiment_of(client), strategy_of(client))
        assert card.df["error_mean"].nunique() > 10


ASKED = [{"objectives": ["error", "latency"]}, {"limits": "latency <= 6"}]


def latency(parameters: dict[str, Any]) -> float:
    return float(parameters["width"] * (1 + parameters["n_conv"]))


def tell(client: Client, index: int, parameters: dict[str, Any]) -> dict[str, float]:
    """Complete a trial with its error and latency."""
    code = architecture_of(client, index).code
    width = float(parameters["width"])
    values = {
        "error": error(code, parameters),
        "latency": width * float(1 + CELL.encode(code[None])[0, 0]),
    }
    client.complete_trial(index, raw_data={**values})
    return values


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("strategy", ["anasod-bo", "two-level-bo"])
def test_models_search_fronts_and_obey_limits(strategy: str, asked: dict[str, Any]) -> None:
    client = make_client(CELL, strategy, parameters=PARAMETERS, seed=2, num_initial=6, **asked)
    found = []
    for _ in range(8):
        for index, parameters in client.get_next_trials(2).items():
            found.append(tell(client, index, dict(parameters)))
    kept = np.array([values["latency"] <= 6 for values in found])
    if "limits" in asked:
        assert kept[6:].mean() > kept[:6].mean()
        assert kept[6:].mean() >= 0.8
    else:
        # The worst corner of what uniform draws have found is the reference.
        points = np.array([(values["error"], values["latency"]) for values in found])
        volumes = hypervolumes(points, points[:6].max(axis=0))
        assert volumes[-1] > 1.2 * volumes[5]


COSTS = {"conv": 2.0, "pool": 0.7, "skip": 0.1}


@pytest.mark.parametrize("strategy", ["random", "two-level-bo"])
@pytest.mark.parametrize("fixed", [{}, {"rate": 0.01}])
def test_a_known_limit_that_few_architectures_keep_is_never_broken(
    strategy: str, fixed: dict[str, Any]
) -> None:
    # One skips everything, and five have one pooling, of 243.
    client = make_client(
        CELL, strategy, parameters=PARAMETERS, seed=1, limits="cost <= 1.2", known={"cost": COSTS}
    )
    for _ in range(13):
        ((index, parameters),) = client.get_next_trials(1, fixed_parameters=fixed or None).items()
        counts = architecture_of(client, index).counts
        assert counts @ np.array([*COSTS.values()]) <= 1.2
        code = architecture_of(client, index).code
        client.complete_trial(index, raw_data={"error": error(code, dict(parameters))})
    with pytest.raises(OptionError, match="no architecture of cell 'mine' was found with cost"):
        make_client(
            CELL, strategy, parameters=PARAMETERS, limits="cost <= 0.2", known={"cost": COSTS}
        ).get_next_trials(1)


def test_a_feature_of_the_cell_and_an_earlier_search_are_used() -> None:
    earlier = make_client(CELL, "random", seed=5)
    for _ in range(20):
        ((index, _),) = earlier.get_next_trials(1).items()
        value = float(OBJECTIVE(architecture_of(earlier, index).code[None])[0])
        earlier.complete_trial(index, raw_data={"error": value})
    client = make_client(
        CELL,
        "two-level-bo",
        parameters=PARAMETERS,
        features={"size": COSTS},
        sources=[earlier],
        start="-size",
        num_initial=4,
    )
    run(client, 14)
    # Five of the source, then five of the feature: nothing is cheaper than what skips all.
    assert architecture_of(client, 5).counts[2] == 5
    carried = [
        trial.generator_runs[0].gen_metadata.get("features")
        for trial in experiment_of(client).trials.values()
    ]
    assert any(each and {*each} == {"size", "source"} for each in carried)
    assert [bool(each) for each in carried[10:14]] == [False, False, True, True]
