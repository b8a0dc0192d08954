"""The closed form against automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.optim.closures import get_loss_closure_with_grads
from botorch.optim.utils import get_parameters
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from ax_anasod import cells
from ax_anasod.cells import one_hot_adjacency
from ax_anasod.surrogates import EncodingGP, fit_encoding_gp
from ax_anasod.surrogates.closed_form import LossAndGradient

CELL = cells.get("nas-bench-201")


def data(kind: str) -> tuple[Tensor, Tensor]:
    """Inputs and targets; encodings are observed several times."""
    rng = np.random.default_rng(1)
    codes = CELL.sample(60, rng)
    X = one_hot_adjacency(CELL, codes) if kind == "codes" else CELL.encode(codes) / 6
    Y = CELL.encode(codes) @ [3.0, 1.0, -1.0, -2.0, 0.5] + rng.normal(size=60)
    return torch.as_tensor(X), torch.as_tensor((Y - Y.mean()) / Y.std(ddof=1))[:, None]


@pytest.mark.parametrize("kind", ["codes", "counts"])
def test_loss_and_gradient_are_those_of_autograd(kind: str) -> None:
    model = EncodingGP(*data(kind))
    mll = ExactMarginalLogLikelihood(model.likelihood, model).train()
    parameters = get_parameters(mll, requires_grad=True)
    rng = np.random.default_rng(0)

    for _ in range(5):
        with torch.no_grad():
            for parameter in parameters.values():
                parameter.fill_(float(rng.normal()))
        loss, gradient = LossAndGradient(mll)()
        expected, derivatives = get_loss_closure_with_grads(mll, parameters)()

        assert float(loss) == pytest.approx(float(expected.detach()), rel=1e-9)
        for found, derivative in zip(gradient, derivatives, strict=True):
            assert derivative is not None
            torch.testing.assert_close(found, derivative, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", ["codes", "counts"])
@pytest.mark.parametrize("number", [1, 2, 60])
def test_fit_is_the_usual_one(kind: str, number: int) -> None:
    X, Y = (array[:number] for array in data(kind))
    ours, usual = EncodingGP(X, Y), EncodingGP(X, Y)

    fit_encoding_gp(ours)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(usual.likelihood, usual))

    assert not ours.training
    with torch.no_grad():
        found, expected = ours.posterior(X[:5]), usual.posterior(X[:5])
    torch.testing.assert_close(found.mean, expected.mean, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.variance, expected.variance, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("kind", ["one lengthscale each", "given noise"])
def test_other_models_are_fitted_as_usual(kind: str) -> None:
    X, Y = data("counts")
    options = {"ard": True} if kind == "one lengthscale each" else {"train_Yvar": Y * 0 + 0.01}
    ours, usual = EncodingGP(X, Y, **options), EncodingGP(X, Y, **options)

    fit_encoding_gp(ours)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(usual.likelihood, usual))

    for found, expected in zip(ours.parameters(), usual.parameters(), strict=True):
        torch.testing.assert_close(found, expected)
