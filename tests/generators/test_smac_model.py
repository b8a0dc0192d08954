"""SMAC3's random forest, and the expected improvement under it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from ax_anasod import cells
from ax_anasod.generators.smac_model import ForestModel
from ax_anasod.testing import SyntheticObjective

pytest.importorskip("smac", reason="the extra [baselines] is not installed")

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
