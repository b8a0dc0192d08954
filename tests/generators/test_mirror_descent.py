"""Gradient steps on the simplex (Eq. 4)."""

from __future__ import annotations

import pytest
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from ax_anasod.generators.mirror_descent import mirror_descent
from ax_anasod.surrogates import EncodingGP


class Quadratic:
    """Minus the squared distance to a point; ``b x 1 x k`` to ``b``."""

    def __init__(self, optimum: list[float]) -> None:
        self.optimum = torch.tensor(optimum, dtype=torch.double)

    def __call__(self, X: Tensor) -> Tensor:
        return -((X.squeeze(1) - self.optimum) ** 2).sum(dim=-1)


def starts(m: int, k: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    raw = -torch.rand(m, k, generator=generator, dtype=torch.double).log()
    return raw / raw.sum(dim=-1, keepdim=True)


@pytest.fixture(scope="module")
def acquisition() -> LogExpectedImprovement:
    X = starts(12, 4, seed=1)
    Y = (X[:, :1] - 0.6) ** 2 + X[:, 1:2]
    Y = (Y - Y.mean()) / Y.std()
    model = EncodingGP(X, Y)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return LogExpectedImprovement(model, best_f=Y.min(), maximize=False)


def on_simplex(X: Tensor) -> bool:
    return bool((X >= 0).all()) and torch.allclose(
        X.sum(dim=-1), torch.ones(len(X), dtype=X.dtype), atol=1e-12
    )


@pytest.mark.parametrize("optimum", [[0.5, 0.3, 0.2], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
def test_it_reaches_the_optimum_of_a_simple_function(optimum: list[float]) -> None:
    target = Quadratic(optimum)

    found = mirror_descent(target, starts(10, 3), learning_rate=0.02, num_steps=100)

    assert on_simplex(found)
    assert (found - target.optimum).abs().max() < 0.03


def test_the_expected_improvement_grows_from_every_start(
    acquisition: LogExpectedImprovement,
) -> None:
    before = starts(16, 4)

    after = mirror_descent(acquisition, before, learning_rate=0.05, num_steps=20)

    assert on_simplex(after)
    gain = acquisition(after.unsqueeze(1)) - acquisition(before.unsqueeze(1))
    assert (gain >= 0).all()
    assert gain.median() > 1.0


@pytest.mark.parametrize("learning_rate", [1e-3, 0.05, 0.5, 10.0])
def test_points_never_leave_the_simplex_or_get_worse(
    acquisition: LogExpectedImprovement, learning_rate: float
) -> None:
    before = torch.cat([starts(8, 4), torch.eye(4, dtype=torch.double)])

    after = mirror_descent(acquisition, before, learning_rate=learning_rate, num_steps=7)

    assert on_simplex(after)
    assert (acquisition(after.unsqueeze(1)) >= acquisition(before.unsqueeze(1))).all()


def test_a_flat_function_moves_nothing() -> None:
    before = starts(4, 3)

    after = mirror_descent(
        lambda X: X.sum(dim=(-1, -2)) * 0,
        before,
        learning_rate=0.1,
        num_steps=5,
    )

    torch.testing.assert_close(after, before)


def test_the_starts_are_left_as_they_were(acquisition: LogExpectedImprovement) -> None:
    before = starts(4, 4)
    copy = before.clone()

    mirror_descent(acquisition, before, learning_rate=0.1, num_steps=3)

    assert torch.equal(before, copy)
    assert not before.requires_grad
