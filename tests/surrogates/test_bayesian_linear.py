"""Bayesian linear regression: the textbook posterior at the best precisions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from ax_anasod.surrogates import BayesianLinearRegression


def data(n: int, p: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(n, p))
    return design, design @ rng.normal(size=p) + noise * rng.normal(size=n)


@pytest.mark.parametrize(("n", "p"), [(40, 3), (60, 10)])
def test_precisions_maximise_the_evidence(n: int, p: int) -> None:
    design, targets = data(n, p, 0.4)
    found = BayesianLinearRegression.fit(design, targets)

    def negative_evidence(logs: np.ndarray) -> float:
        prior, noise = np.exp(logs)
        covariance = np.eye(n) / noise + design @ design.T / prior
        return -float(multivariate_normal.logpdf(targets, cov=covariance))

    best = minimize(negative_evidence, np.zeros(2), method="Nelder-Mead", tol=1e-8)
    prior, noise = np.exp(best.x)
    assert found.noise_precision == pytest.approx(noise, rel=1e-2)
    covariance = np.linalg.inv(prior * np.eye(p) + noise * design.T @ design)
    np.testing.assert_allclose(found.covariance, covariance, rtol=0.02, atol=1e-5)
    np.testing.assert_allclose(found.mean, noise * covariance @ design.T @ targets, atol=2e-3)


def test_prediction_covers_new_observations() -> None:
    design, targets = data(400, 5, 0.5, seed=1)
    regression = BayesianLinearRegression.fit(design[:100], targets[:100])
    mean, deviation = regression.predict(design[100:])
    standardised = (targets[100:] - mean) / deviation
    assert np.std(standardised) == pytest.approx(1.0, abs=0.15)


def test_less_certain_where_nothing_was_seen() -> None:
    design, targets = data(30, 4, 0.3)
    regression = BayesianLinearRegression.fit(design, targets)
    _, deviation = regression.predict(np.array([[0.0] * 4, [10.0] * 4, [100.0] * 4]))
    assert deviation[0] < deviation[1] < deviation[2]
    assert deviation[0] == pytest.approx(regression.noise_precision**-0.5)


@pytest.mark.parametrize(
    ("design", "targets"),
    [
        (np.ones((5, 3)), np.zeros(5)),
        (np.zeros((5, 3)), np.arange(5.0)),
        (np.ones((1, 3)), np.ones(1)),
        (np.eye(4), np.arange(4.0)),
        (data(10, 40, 0.1)[0], data(10, 40, 0.1)[1]),
        (1e6 * np.ones((5, 1)), np.full(5, 3.0)),
    ],
    ids=["nothing to fit", "nothing to fit it with", "one", "exact", "more weights", "large"],
)
def test_degenerate_data(design: np.ndarray, targets: np.ndarray) -> None:
    mean, deviation = BayesianLinearRegression.fit(design, targets).predict(design)
    assert np.isfinite(mean).all()
    assert np.isfinite(deviation).all()
    assert (deviation > 0).all()
    assert (np.abs(mean) <= np.abs(targets).max() + 1e-3).all()
