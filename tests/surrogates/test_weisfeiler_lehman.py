"""The kernel of NAS-BOWL and its GP, whose depth and noise the marginal likelihood chooses."""

from __future__ import annotations

import math
import unittest
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from gpytorch.constraints import Interval
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import GammaPrior
from gpytorch.test.base_kernel_test_case import BaseKernelTestCase
from scipy.stats import multivariate_normal, spearmanr
from torch import Tensor

from ax_anasod.cells import Cell
from ax_anasod.surrogates import (
    WeisfeilerLehmanGP,
    WeisfeilerLehmanKernel,
    operation_graphs,
    predict_posterior,
    simplified,
    subtree_features,
)
from ax_anasod.surrogates.weisfeiler_lehman import log_marginal_likelihood

Data = tuple[Cell, npt.NDArray[np.int64], npt.NDArray[np.float64]]


class TestKernelConformance(BaseKernelTestCase, unittest.TestCase):
    def create_kernel_no_ard(self, **kwargs: Any) -> WeisfeilerLehmanKernel:
        return WeisfeilerLehmanKernel(**kwargs)


def counts(n: int = 12, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 4, (n, 9), generator=generator).double()


def test_normalised_inner_product() -> None:
    x1, x2 = counts(), counts(5, seed=1)
    kernel = WeisfeilerLehmanKernel().double()
    expected = (x1 @ x2.T) / (x1.norm(dim=1)[:, None] * x2.norm(dim=1))
    torch.testing.assert_close(kernel(x1, x2).to_dense(), expected)
    torch.testing.assert_close(kernel(x1, diag=True), torch.ones(12, dtype=torch.double))


def test_blind_to_the_length_and_to_the_order_of_patterns() -> None:
    x, order = counts(), torch.randperm(9, generator=torch.Generator().manual_seed(2))
    kernel = WeisfeilerLehmanKernel().double()
    expected = kernel(x).to_dense()
    torch.testing.assert_close(kernel(3.0 * x).to_dense(), expected)
    torch.testing.assert_close(kernel(x[:, order]).to_dense(), expected)


def test_positive_definite_and_finite_without_patterns() -> None:
    x = torch.cat([counts(30), torch.zeros(1, 9, dtype=torch.double)])
    matrix = WeisfeilerLehmanKernel().double()(x).to_dense()
    assert matrix.isfinite().all()
    assert torch.linalg.eigvalsh(matrix).min() > -1e-12
    assert (matrix[-1] == 0).all()


def test_variance_scales_and_can_be_bounded() -> None:
    kernel = WeisfeilerLehmanKernel(
        variance_prior=GammaPrior(2.0, 1.0), variance_constraint=Interval(0.5, 4.0)
    ).double()
    x = counts()
    unit = kernel(x).to_dense().detach()
    kernel.variance = 2.5
    torch.testing.assert_close(kernel(x).to_dense().detach(), 2.5 * unit)
    assert [name for name, *_ in kernel.named_priors()] == ["variance_prior"]
    with pytest.raises(RuntimeError, match="constraint"):
        kernel.initialize(variance=9.0)


def test_marginal_likelihood_is_the_normal_density() -> None:
    x = counts(8)
    covariance = WeisfeilerLehmanKernel().double()(x).to_dense().detach()
    targets = torch.linspace(-1, 1, 8, dtype=torch.double)
    noise = torch.tensor([0.01, 0.3], dtype=torch.double)
    found = log_marginal_likelihood(covariance, targets, noise)
    for value, variance in zip(found, noise, strict=True):
        expected = multivariate_normal.logpdf(
            targets.numpy(), cov=covariance.numpy() + variance.item() * np.eye(8)
        )
        assert value.item() == pytest.approx(expected, rel=1e-10)


def patterns(data: Data, n: int, depth: int = 2) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Counts of all, and the standardised log errors of the first ``n``."""
    cell, codes, errors = data
    features = subtree_features(simplified(cell, operation_graphs(cell, codes)), depth)
    logs = np.log(errors)
    targets = (logs - logs[:n].mean()) / logs[:n].std()
    return torch.as_tensor(features.counts), torch.as_tensor(targets)[:, None], features.ends


def test_depth_and_noise_have_the_largest_likelihood(nasbench201: Data) -> None:
    X, Y, ends = patterns(nasbench201, 60)
    model = WeisfeilerLehmanGP(X[:60], Y[:60], ends)
    found = []
    for depth, end in enumerate(ends):
        kernel = WeisfeilerLehmanKernel(active_dims=range(end)).double()
        noise = torch.logspace(-5, -2, 301, dtype=torch.double)
        covariance = kernel(X[:60]).to_dense().detach()
        likelihoods = log_marginal_likelihood(covariance, Y[:60, 0], noise)
        found.append((likelihoods.max().item(), depth, noise[likelihoods.argmax()].item()))
    best, depth, noise_variance = max(found)
    assert model.depth == depth
    assert model.likelihood.noise.item() == pytest.approx(noise_variance, rel=0.15)
    model.train()
    mll = ExactMarginalLogLikelihood(model.likelihood, model)
    own = mll(model(X[:60]), Y[:60, 0]).item() * 60
    assert own == pytest.approx(best, abs=0.05)


def test_prediction_is_the_textbook_one() -> None:
    X, generator = counts(20), torch.Generator().manual_seed(4)
    Y = torch.randn(20, 1, generator=generator, dtype=torch.double)
    model = WeisfeilerLehmanGP(X[:14], Y[:14], (9,))
    mean, deviation = predict_posterior(model, X[14:])
    K = WeisfeilerLehmanKernel().double()(X).to_dense().detach()
    A = K[:14, :14] + model.likelihood.noise.item() * torch.eye(14, dtype=torch.double)
    weights = torch.linalg.solve(A, K[:14, 14:])
    np.testing.assert_allclose(mean, (weights.T @ Y[:14])[:, 0].numpy(), rtol=1e-6, atol=1e-8)
    variance = K[14:, 14:].diagonal() - (K[:14, 14:] * weights).sum(dim=0)
    np.testing.assert_allclose(deviation, variance.clamp_min(0).sqrt().numpy(), atol=1e-5)


def test_predicts_the_order_of_unseen_architectures(nasbench201: Data, cora: Data) -> None:
    for data, least in ((nasbench201, 0.75), (cora, 0.2)):
        X, Y, ends = patterns(data, 100)
        mean, deviation = predict_posterior(WeisfeilerLehmanGP(X[:100], Y[:100], ends), X[100:])
        assert spearmanr(mean, Y[100:, 0]).statistic > least
        assert np.isfinite(deviation).all()


@pytest.mark.parametrize(
    "targets",
    [[0.0] * 6, [1e-30, 0, 0, 0, 0, 0], [math.sqrt(5), *[-1 / math.sqrt(5)] * 5]],
    ids=["constant", "tiny", "one outlier"],
)
def test_degenerate_targets(targets: list[float]) -> None:
    X = torch.cat([counts(3), counts(3)])  # every architecture twice
    model = WeisfeilerLehmanGP(X, torch.tensor(targets, dtype=torch.double)[:, None], (4, 9))
    mean, deviation = predict_posterior(model, counts(6, seed=5))
    assert np.isfinite(mean).all()
    assert np.isfinite(deviation).all()


def test_one_observation() -> None:
    model = WeisfeilerLehmanGP(counts(1), torch.zeros(1, 1, dtype=torch.double), (9,))
    mean, _ = predict_posterior(model, counts(4))
    np.testing.assert_allclose(mean, 0, atol=1e-12)


def test_global_random_numbers_are_not_touched() -> None:
    state = torch.random.get_rng_state()
    WeisfeilerLehmanGP(counts(), torch.zeros(12, 1, dtype=torch.double), (9,))
    assert torch.equal(torch.random.get_rng_state(), state)
