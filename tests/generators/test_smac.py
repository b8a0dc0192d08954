"""SMAC through SMAC3, as a strategy; its random forest, and the expected improvement under it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import History
from ax_anasod.exceptions import OptionalImportError, OptionError
from ax_anasod.generators import RandomArchitectureGenerator, SMACGenerator
from ax_anasod.generators.smac import ForestModel
from ax_anasod.testing import SyntheticObjective
from tests.conftest import PATIENCE

pytest.importorskip("smac", reason="the extra [baselines] is not installed")

NB201 = cells.get("nas-bench-201")
GRAPH = cells.get("nas-bench-graph")
SMALL = Cell("small", operations=["a", "b", "c"], num_blocks=3, wiring=[2])


def test_starts_like_random_search(search: Callable[..., History]) -> None:
    objective = SyntheticObjective(NB201)

    past = search(SMACGenerator(NB201.to_dict(), seed=3), objective, 10)
    random = search(RandomArchitectureGenerator(NB201.to_dict(), seed=3), objective, 10)

    np.testing.assert_array_equal(past.rows, random.rows)


@pytest.mark.parametrize("name", ["nas-bench-201", "nas-bench-graph", "darts"])
def test_finds_better_ones_than_random_search(name: str, search: Callable[..., History]) -> None:
    cell = cells.get(name)
    objective = SyntheticObjective(cell, seed=1)

    best = [
        search(SMACGenerator(cell.to_dict(), s, num_candidates=500), objective, 30).values.min()
        for s in range(3)
    ]
    random = [
        search(RandomArchitectureGenerator(cell.to_dict(), s), objective, 30).values.min()
        for s in range(3)
    ]

    assert np.mean(best) < np.mean(random)


def test_nothing_is_proposed_twice_until_nothing_is_left(search: Callable[..., History]) -> None:
    past = search(SMACGenerator(SMALL.to_dict()), SyntheticObjective(SMALL), 60)

    assert len(np.unique(SMALL.keys(past.rows[:54]))) == SMALL.size == 54


def test_only_valid_representatives_are_proposed(search: Callable[..., History]) -> None:
    past = search(SMACGenerator(GRAPH.to_dict()), SyntheticObjective(GRAPH), 30)

    assert GRAPH.is_representative(past.rows).all()


def test_architectures_that_a_table_lacks_are_never_proposed(
    search: Callable[..., History],
) -> None:
    restricted = RestrictedCell(NB201, NB201.sample(300, np.random.default_rng(0)))

    past = search(SMACGenerator(restricted.to_dict()), SyntheticObjective(restricted), 25)

    assert restricted.is_valid(past.rows).all()


def test_a_prefix_of_the_history_gives_the_same_next_trial(
    history: Callable[..., History], search: Callable[..., History]
) -> None:
    past = search(SMACGenerator(GRAPH.to_dict(), seed=7), SyntheticObjective(GRAPH), 25)

    for length in (24, 10, 20, 0):
        prefix = history(past.rows[:length].tolist(), past.values[:length, 0].tolist(), width=5)
        code = SMACGenerator(GRAPH.to_dict(), seed=7).propose(1, prefix, {})[0]
        np.testing.assert_array_equal(code, past.rows[length])


@pytest.mark.slow
def test_proposals_are_the_same_in_every_process() -> None:
    # SMAC's own are not: they depend on how Python hashes strings.
    script = """
import numpy as np
from ax_anasod import cells
from ax_anasod.core import History
from ax_anasod.generators import SMACGenerator
cell = cells.get("nas-bench-201")
codes = cell.sample(25, np.random.default_rng(0))
values = codes.sum(axis=1, keepdims=True) + 1.0
past = History(codes, values, np.arange(25), np.zeros(25, dtype=bool), 25)
print(SMACGenerator(cell.to_dict(), seed=1, random_probability=0.0).propose(4, past, {}).tolist())
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
            cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_pending_and_failed_trials_are_not_proposed_again(
    history: Callable[..., History], search: Callable[..., History]
) -> None:
    every = SMALL.enumerate()
    values = SyntheticObjective(SMALL)(every)
    values[10:40] = np.nan
    failed = np.zeros(50, dtype=bool)
    failed[30:40] = True
    past = replace(history(every[:50].tolist(), values[:50].tolist()), failed=failed)

    codes = SMACGenerator(SMALL.to_dict()).propose(4, past, {})

    assert sorted(SMALL.keys(codes).tolist()) == [50, 51, 52, 53]


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0])
def test_constant_values_are_legal(value: float, history: Callable[..., History]) -> None:
    codes = NB201.sample(12, np.random.default_rng(0))
    past = history(codes.tolist(), [value] * 12)

    proposed = SMACGenerator(NB201.to_dict(), random_probability=0.0).propose(3, past, {})

    assert len(np.unique(NB201.keys(np.concatenate([codes, proposed])))) == 15


def test_random_proposals(history: Callable[..., History]) -> None:
    codes = NB201.sample(30, np.random.default_rng(0))
    past = history(codes.tolist(), SyntheticObjective(NB201)(codes).tolist())

    def proposals(probability: float) -> int:
        return len(
            {
                tuple(
                    SMACGenerator(NB201.to_dict(), seed, random_probability=probability)
                    .propose(1, past, {})[0]
                    .tolist()
                )
                for seed in range(12)
            }
        )

    assert proposals(1.0) == 12
    assert proposals(0.0) < 12


def test_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, search: Callable[..., History]
) -> None:
    monkeypatch.chdir(tmp_path)

    search(SMACGenerator(NB201.to_dict()), SyntheticObjective(NB201), 12)

    assert list(tmp_path.iterdir()) == []


def test_fixed_columns_hold(search: Callable[..., History]) -> None:
    past = search(SMACGenerator(GRAPH.to_dict()), SyntheticObjective(GRAPH), 12)

    codes = SMACGenerator(GRAPH.to_dict()).propose(6, past, {0: 2, 4: 7})

    assert {tuple(row) for row in codes[:, [0, 4]].tolist()} == {(2, 7)}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("num_initial", 0),
        ("num_trees", 0),
        ("num_candidates", 0),
        ("random_probability", 1.5),
        ("random_probability", -0.5),
    ],
)
def test_options_out_of_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(OptionError):
        SMACGenerator(NB201.to_dict(), **{option: value})


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(OptionalImportError):
        SMACGenerator(NB201.to_dict())


DARTS = cells.get("darts")


def data(n: int) -> tuple[np.ndarray, np.ndarray]:
    codes = DARTS.sample(n, np.random.default_rng(0))
    return codes, SyntheticObjective(DARTS)(codes)


def test_model_and_improvement_are_those_of_smac() -> None:
    from ConfigSpace import CategoricalHyperparameter, Configuration, ConfigurationSpace
    from smac import HyperparameterOptimizationFacade as Facade
    from smac import Scenario
    from smac.acquisition.function import EI
    from smac.runhistory import RunHistory

    codes, values = data(40)
    others = DARTS.sample(200, np.random.default_rng(1))
    # Names in the order of the columns, so that nothing is reordered.
    space = ConfigurationSpace()
    space.add(
        [
            CategoricalHyperparameter(f"column {chr(97 + i)}", range(size))
            for i, size in enumerate(DARTS.code_sizes)
        ]
    )
    scenario = Scenario(space, deterministic=True, seed=5)
    history = RunHistory()
    for code, value in zip(codes.astype(float), values, strict=True):
        history.add(Configuration(space, vector=code), cost=float(value))
    encoder = Facade.get_runhistory_encoder(scenario)
    encoder.runhistory = history
    model = Facade.get_model(scenario).train(*encoder.transform())
    acquisition = EI(log=True)
    best = model.predict_marginalized(codes.astype(float))[0].min()
    acquisition.update(model=model, eta=float(best))

    ours = ForestModel(DARTS.code_sizes, codes, values, num_trees=10, seed=5)

    mean, variance = model.predict_marginalized(others.astype(float))
    np.testing.assert_allclose(ours.predict(others)[0], mean[:, 0])
    np.testing.assert_allclose(ours.predict(others)[1], variance[:, 0])
    expected = acquisition([Configuration(space, vector=code) for code in others.astype(float)])
    np.testing.assert_allclose(ours.expected_improvement(others), expected[:, 0], atol=1e-12)


def test_values_that_would_overflow_are_scaled() -> None:
    codes, values = data(40)

    huge = ForestModel(DARTS.code_sizes, codes, values * (1e300 / values.max()), 10, seed=5)

    mean, _ = huge.predict(codes)
    assert spearmanr(mean, values).statistic > 0.9


def test_improvement_is_never_negative_and_favours_good_regions() -> None:
    codes, values = data(60)
    others = DARTS.sample(2000, np.random.default_rng(1))
    model = ForestModel(DARTS.code_sizes, codes, values, num_trees=10, seed=0)

    gains = model.expected_improvement(others)

    assert (gains >= 0).all()
    errors = SyntheticObjective(DARTS)(others)
    best = np.argsort(-gains)[:200]
    assert errors[best].mean() < errors.mean()


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_of_constant_values_all_promise_the_same(value: float) -> None:
    codes, _ = data(5)

    model = ForestModel(DARTS.code_sizes, codes, np.full(5, value), num_trees=4, seed=0)

    gains = model.expected_improvement(DARTS.sample(20, np.random.default_rng(1)))
    assert np.isfinite(gains).all()
    assert len(set(gains.tolist())) == 1
