"""Predictions in chunks, and an expected improvement that is exact far out, too."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.models import SingleTaskGP
from scipy.integrate import quad
from scipy.stats import norm

from ax_anasod.surrogates import EncodingGP, log_expected_improvement, predict_posterior


def model(n: int = 20) -> EncodingGP:
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(n, 3, generator=generator, dtype=torch.double)
    Y = torch.sin(6 * X.sum(dim=1, keepdim=True))
    return EncodingGP(X, (Y - Y.mean()) / Y.std()).eval()


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    X = torch.rand(50, 3, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    whole = predict_posterior(model(), X)
    monkeypatch.setattr("ax_anasod.surrogates.posterior._CHUNK", 7)
    for expected, found in zip(whole, predict_posterior(model(), X), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_mean_and_deviation_are_those_of_the_posterior() -> None:
    X = torch.rand(5, 3, generator=torch.Generator().manual_seed(2), dtype=torch.double)
    mean, deviation = predict_posterior(model(), X)
    posterior = model().posterior(X)
    np.testing.assert_allclose(mean, posterior.mean[:, 0].detach().numpy())
    np.testing.assert_allclose(deviation**2, posterior.variance[:, 0].detach().numpy())


def test_as_botorch_computes_it() -> None:
    gp: SingleTaskGP = model()
    X = torch.rand(200, 3, generator=torch.Generator().manual_seed(3), dtype=torch.double)
    acquisition = LogExpectedImprovement(gp, best_f=-1.3, maximize=False)
    expected = acquisition(X.unsqueeze(1)).detach().numpy()
    found = log_expected_improvement(*predict_posterior(gp, X), -1.3)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("mean", "deviation", "best"), [(0.0, 1.0, 0.3), (2.0, 0.5, 0.5), (-4.0, 2.0, 1.0)]
)
def test_is_the_integral_over_all_improvements(mean: float, deviation: float, best: float) -> None:
    expected, _ = quad(
        lambda y: (best - y) * norm.pdf(y, mean, deviation), mean - 12 * deviation, best
    )
    found = log_expected_improvement(np.array([mean]), np.array([deviation]), best)
    assert found[0] == pytest.approx(math.log(expected), rel=1e-6)


def test_decreases_without_a_jump_from_likely_to_hopeless() -> None:
    u = np.concatenate([np.linspace(40, -3, 2000), -np.logspace(np.log10(3.001), 6, 2000)])
    values = log_expected_improvement(-u, np.ones_like(u), 0.0)
    assert np.isfinite(values).all()
    assert (np.diff(values) < 0).all()
    # Where a formula takes over, it goes on where the last one ended.
    for seam in (-1.0, -1e4):
        near = np.array([seam * (1 - 1e-9), seam * (1 + 1e-9)])
        before, after = log_expected_improvement(-near, np.ones(2), 0.0)
        assert after == pytest.approx(before, rel=1e-6)


def test_certain_candidates() -> None:
    values = log_expected_improvement(np.array([0.0, 1.0, -1.0]), np.zeros(3), 0.0)
    assert not np.isnan(values).any()
    assert values[2] == pytest.approx(0.0)  # certainly better by 1
    assert values[2] > values[0] > values[1]
