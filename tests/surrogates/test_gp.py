"""The paper's GP: bounds on its hyperparameters, one lengthscale, noise given or inferred."""

from __future__ import annotations

import math

import pytest
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP
from botorch.utils.datasets import SupervisedDataset
from gpytorch.kernels import MaternKernel, ScaleKernel
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from ax_anasod.surrogates import EncodingGP


def encodings(n: int, k: int = 4, total: int = 6, seed: int = 0) -> Tensor:
    """``n x k`` fractions of random encodings."""
    generator = torch.Generator().manual_seed(seed)
    operations = torch.randint(k, (n, total), generator=generator)
    return torch.nn.functional.one_hot(operations, k).sum(dim=1).double() / total


def standardised(Y: Tensor) -> Tensor:
    return (Y - Y.mean()) / Y.std().clamp_min(1e-9)


def targets(name: str, X: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(X.shape[0], 1, generator=generator, dtype=torch.double)
    return {
        "smooth": standardised(X[:, :1] - 2 * X[:, 1:2]),
        "rough": standardised(torch.sin(40 * X[:, :1]) + torch.sin(31 * X[:, 1:2])),
        "noise only": standardised(noise),
        "one outlier": standardised((X[:, :1] == X[:, :1].max()).double() * 1e6 + noise),
        "constant": torch.zeros(X.shape[0], 1, dtype=torch.double),
    }[name]


def within(values: Tensor, low: float, high: float) -> bool:
    # GPyTorch keeps the bounds in single precision.
    return bool(((values >= low * (1 - 1e-6)) & (values <= high * (1 + 1e-6))).all())


def fitted(X: Tensor, Y: Tensor, Yvar: Tensor | None = None, **options: object) -> EncodingGP:
    model = EncodingGP(X, Y, Yvar, **options)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model


@pytest.mark.parametrize(
    ("name", "ard"),
    [
        ("smooth", False),
        ("rough", False),
        ("noise only", False),
        ("one outlier", False),
        ("constant", False),
        ("rough", True),
    ],
)
def test_hyperparameters_stay_within_the_papers_bounds(name: str, ard: bool) -> None:
    X = encodings(25)

    model = fitted(X, targets(name, X), ard=ard)

    lengthscale = model.covar_module.base_kernel.lengthscale
    outputscale = model.covar_module.outputscale
    noise = model.likelihood.noise
    assert lengthscale.shape == ((1, 4) if ard else (1, 1))
    assert within(lengthscale, 0.01, 0.5)
    assert within(outputscale, 0.5, 5.0)
    assert within(noise, 1e-6, 0.1)
    assert torch.isfinite(model.posterior(encodings(50, seed=5)).mean).all()


@pytest.mark.parametrize(
    ("bounds", "value"),
    [
        ({"lengthscale_bounds": (0.2, 0.21)}, lambda m: m.covar_module.base_kernel.lengthscale),
        ({"outputscale_bounds": (3.0, 3.1)}, lambda m: m.covar_module.outputscale),
        ({"noise_bounds": (0.05, 0.06)}, lambda m: m.likelihood.noise),
    ],
)
def test_other_bounds_hold_as_well(bounds: dict[str, tuple[float, float]], value: object) -> None:
    X = encodings(15)

    model = fitted(X, targets("rough", X), **bounds)

    ((low, high),) = bounds.values()
    assert within(value(model), low, high)


def test_the_kernel_is_a_scaled_matern_five_halves() -> None:
    X = encodings(10)
    model = EncodingGP(X, targets("smooth", X))
    model.covar_module.base_kernel.lengthscale = 0.3
    model.covar_module.outputscale = 2.0

    assert isinstance(model.covar_module, ScaleKernel)
    assert isinstance(model.covar_module.base_kernel, MaternKernel)
    distance = torch.cdist(X, X) / 0.3
    root = math.sqrt(5) * distance
    expected = 2.0 * (1 + root + root**2 / 3) * torch.exp(-root)
    torch.testing.assert_close(model.covar_module(X).to_dense(), expected)


def test_inputs_and_targets_are_taken_as_they_are() -> None:
    X = encodings(10)
    Y = targets("smooth", X)

    model = EncodingGP(X, Y)

    torch.testing.assert_close(model.train_inputs[0], X)
    torch.testing.assert_close(model.train_targets, Y.squeeze(-1))
    assert not hasattr(model, "input_transform")
    assert not hasattr(model, "outcome_transform")


class TestNoise:
    def test_it_is_inferred_where_it_is_not_given(self) -> None:
        X = encodings(30)
        quiet = fitted(X, targets("smooth", X)).likelihood
        loud = fitted(X, targets("noise only", X)).likelihood

        assert type(quiet) is type(loud) is GaussianLikelihood
        assert quiet.noise.item() < 0.01 < loud.noise.item()

    def test_it_is_used_where_it_is_given(self) -> None:
        X = encodings(20)
        Y = targets("rough", X)
        variances = torch.full_like(Y, 1e-4)
        variances[0] = 4.0

        model = fitted(X, Y, variances)

        assert type(model.likelihood) is FixedNoiseGaussianLikelihood
        torch.testing.assert_close(model.likelihood.noise, variances.squeeze(-1))
        residual = (model.posterior(X).mean - Y).abs().squeeze(-1)
        # An observation said to be noisy is not believed, the others are.
        assert residual[0] > 10 * residual[1:].median()

    def test_larger_noise_means_less_certainty(self) -> None:
        X = encodings(20)
        Y = targets("smooth", X)

        certain = fitted(X, Y, torch.full_like(Y, 1e-4)).posterior(X).variance
        uncertain = fitted(X, Y, torch.full_like(Y, 0.5)).posterior(X).variance

        assert (uncertain > certain).all()

    def test_a_variance_of_zero_is_raised_to_the_smallest_allowed(self) -> None:
        X = encodings(20)
        Y = targets("smooth", X)

        model = fitted(X, Y, torch.zeros_like(Y))

        assert (model.likelihood.noise == 1e-6).all()

    def test_the_same_encoding_may_be_observed_many_times(self) -> None:
        X = encodings(1).repeat(12, 1)
        Y = standardised(torch.arange(12.0, dtype=torch.double)[:, None])

        mean = fitted(X, Y).posterior(X[:1]).mean

        assert abs(mean.item()) < 0.05


def test_ax_builds_it_from_a_data_set() -> None:
    X = encodings(8)
    Y = targets("smooth", X)
    data = SupervisedDataset(
        X, Y, Yvar=torch.full_like(Y, 0.01), feature_names=list("abcd"), outcome_names=["error"]
    )

    model = EncodingGP(**EncodingGP.construct_inputs(data, ard=True))

    assert type(model.likelihood) is FixedNoiseGaussianLikelihood
    assert model.covar_module.base_kernel.lengthscale.shape == (1, 4)


def test_noise_that_is_known_of_some_is_inferred_for_the_others() -> None:
    # Ten encodings that are known well, and five with four values each that differ widely.
    points = encodings(200).unique(dim=0)[:15]
    X = torch.cat([points[:10], points[10:].repeat(4, 1)])
    generator = torch.Generator().manual_seed(3)
    Y = X[:, :1].clone()
    Y[10:] += 0.3 * torch.randn(20, 1, generator=generator, dtype=torch.double)
    Y = standardised(Y)
    Yvar = torch.full((30, 1), math.nan, dtype=torch.double)
    Yvar[:10] = 1e-4

    model = fitted(X, Y, Yvar)

    noise = model.likelihood.noise_covar(X).diagonal()
    assert within(noise[:10], 1e-4, 1e-4)
    assert noise[10:].unique().tolist() == [noise[10].item()]
    assert noise[10] > 0.05
    residuals = (model.posterior(X).mean - Y).abs().squeeze()
    assert residuals[:10].max() < 0.05 < residuals[10:].median()
    # New points, as of trials that run, are as noisy as those of unknown noise.
    assert model.likelihood.noise_covar(X[:3]).diagonal().tolist() == [noise[10].item()] * 3


@pytest.mark.parametrize("unknown", [[0], [0, 1]], ids=["one", "two"])
def test_hyperparameters_pass_between_models_of_known_and_unknown_noise(unknown: list[int]) -> None:
    X = encodings(8)
    Y = targets("smooth", X)
    Yvar = torch.full((8, 1), 0.01, dtype=torch.double)
    Yvar[unknown] = math.nan
    whole = fitted(X, Y, Yvar)
    fold = EncodingGP(X[1:], Y[1:], Yvar[1:])
    ModelListGP(fold).load_state_dict(ModelListGP(whole).state_dict())
    assert fold.covar_module.outputscale == whole.covar_module.outputscale
