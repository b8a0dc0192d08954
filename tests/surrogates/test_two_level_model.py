"""The two-level GP as BoTorch sees it, against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.acquisition import LogExpectedImprovement, qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.objective import ScalarizedPosteriorTransform
from botorch.exceptions import UnsupportedError
from botorch.models import ModelList
from botorch.optim import optimize_acqf_discrete
from botorch.sampling import SobolQMCNormalSampler
from torch import Tensor

from ax_anasod import cells
from ax_anasod.exceptions import ArchitectureError
from ax_anasod.surrogates import LevelFeatures, TwoLevelModel, log_expected_improvement
from ax_anasod.surrogates.level_fit import JITTER

CELL = cells.get("nas-bench-201")


@pytest.fixture(name="X")
def codes() -> Tensor:
    return torch.from_numpy(CELL.sample(40, np.random.default_rng(0))).double()


def errors(X: Tensor) -> Tensor:
    """A value of each architecture: its distance from one of them."""
    return 6.0 + (X[:1] != X).sum(dim=-1, keepdim=True) ** 1.5


@pytest.fixture
def model(X: Tensor) -> TwoLevelModel:
    return TwoLevelModel(CELL, X[:20], errors(X)[:20])


def dense(model: TwoLevelModel, X: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of ``m`` architectures, as in a textbook."""
    observed, codes = LevelFeatures(CELL, model._codes), LevelFeatures(CELL, X.long().numpy())
    k = [
        torch.from_numpy(model.gp.covariance(a.distances(b, model._names)))
        for a, b in ((observed, observed), (codes, observed), (codes, codes))
    ]
    inverse = torch.linalg.inv(k[0] + (model.gp.noise + JITTER) * torch.eye(len(k[0])).double())
    values = (model._values - model._centre) / model._scale
    mean = model._centre + model._scale * (k[1] @ inverse @ values)[..., 0]
    return mean, model._scale**2 * (k[2] - k[1] @ inverse @ k[1].T)


def test_single_architectures_have_the_closed_form(model: TwoLevelModel, X: Tensor) -> None:
    posterior = model.posterior(X[20:].unsqueeze(1).float())
    features, observed = (LevelFeatures(CELL, x.long().numpy()) for x in (X[20:], X[:20]))
    mean, deviation = model.gp.predict(features.distances(observed, model._names))
    assert posterior.mean.shape == (20, 1, 1)
    mean = model._centre + model._scale * mean
    np.testing.assert_allclose(posterior.mean[:, 0, 0], mean, rtol=1e-9)
    np.testing.assert_allclose(
        posterior.variance[:, 0, 0], (model._scale * deviation) ** 2, rtol=1e-6
    )


@pytest.mark.parametrize("batch", [(), (4,), (2, 2), (300,)])
def test_joint_posteriors_of_any_batch(model: TwoLevelModel, X: Tensor, batch: tuple[int]) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = X[torch.randint(len(X), (*batch, 3), generator=generator)]
    posterior = model.posterior(rows)
    assert posterior.mean.shape == (*batch, 3, 1)
    for index in np.ndindex(*batch):
        mean, covariance = dense(model, rows[index])
        np.testing.assert_allclose(posterior.mean[index][:, 0], mean, rtol=1e-7)
        found = posterior.distribution.covariance_matrix[index]
        np.testing.assert_allclose(found, covariance, atol=1e-7 * model._scale**2)


def test_samples_agree_with_mean_and_covariance(model: TwoLevelModel, X: Tensor) -> None:
    posterior = model.posterior(X[20:23])
    samples = SobolQMCNormalSampler(torch.Size([8192]), seed=0)(posterior)[..., 0]
    torch.testing.assert_close(samples.mean(0), posterior.mean[:, 0], atol=5e-3, rtol=0)
    covariance = posterior.distribution.covariance_matrix
    torch.testing.assert_close(samples.T.cov(), covariance, atol=0, rtol=0.05)


def test_noise_is_added_where_asked(model: TwoLevelModel, X: Tensor) -> None:
    rows = X[20:24].unsqueeze(1)
    plain = model.posterior(rows).variance
    fitted = model.posterior(rows, observation_noise=True).variance
    given = model.posterior(rows, observation_noise=torch.tensor([[0.5]])).variance
    noise = torch.full_like(plain, model.gp.noise * model._scale**2)
    torch.testing.assert_close(fitted - plain, noise)
    torch.testing.assert_close(given - plain, torch.full_like(plain, 0.5))


def test_further_observations_and_fantasies(model: TwoLevelModel, X: Tensor) -> None:
    more = model.condition_on_observations(X[20:25], errors(X)[20:25])
    np.testing.assert_allclose(more.posterior(X[25:28]).mean[:, 0], dense(more, X[25:28])[0])
    assert len(model._codes) == 20
    fantasies = model.fantasize(X[20:22], SobolQMCNormalSampler(torch.Size([6]), seed=0))
    assert fantasies.batch_shape == (6,)
    posterior = fantasies.posterior(X[20:22])
    assert posterior.mean.shape == (6, 2, 1)
    # Each has learned another value of the same two architectures.
    assert posterior.mean[:, 0, 0].unique().numel() == 6
    torch.testing.assert_close(posterior.variance[0], posterior.variance[5])


def test_acquisition_functions_of_botorch(model: TwoLevelModel, X: Tensor) -> None:
    best = errors(X)[:20].min()
    acquisition = LogExpectedImprovement(model, best_f=best, maximize=False)
    posterior = model.posterior(X.unsqueeze(1))
    ours = log_expected_improvement(
        posterior.mean.numpy().ravel(), posterior.variance.sqrt().numpy().ravel(), float(best)
    )
    with torch.no_grad():
        np.testing.assert_allclose(acquisition(X.unsqueeze(1)), ours, rtol=1e-6)
    noisy = qLogNoisyExpectedImprovement(
        model,
        X_baseline=X[:20],
        posterior_transform=ScalarizedPosteriorTransform(torch.tensor([-1.0]).double()),
        prune_baseline=False,
        cache_root=False,
    )
    found, _ = optimize_acqf_discrete(noisy, q=2, choices=X[20:])
    assert len(np.unique(found.numpy(), axis=0)) == 2


def test_fronts_of_two_models(X: Tensor) -> None:
    values = torch.cat([-errors(X), -errors(X.flip(0)).flip(0)], dim=1)[:20]
    models = ModelList(*(TwoLevelModel(CELL, X[:20], values[:, i : i + 1]) for i in range(2)))
    acquisition = qLogNoisyExpectedHypervolumeImprovement(
        models,
        ref_point=values.amin(0),
        X_baseline=X[:20],
        prune_baseline=False,
        cache_root=False,
    )
    found, value = optimize_acqf_discrete(acquisition, q=1, choices=X[20:])
    assert value.isfinite()
    assert (X[20:] == found).all(dim=1).any()


def test_what_it_cannot_do(model: TwoLevelModel, X: Tensor) -> None:
    with pytest.raises(ArchitectureError):
        model.posterior(torch.tensor([[7, 0, 0, 0, 0, 0]]))
    with pytest.raises(UnsupportedError, match="one output"):
        model.posterior(X[:1], output_indices=[1])
    with pytest.raises(UnsupportedError, match=r"shape \(2, 1, 6\)"):
        model.condition_on_observations(X[:2].unsqueeze(1), torch.zeros(2, 1, 1))
