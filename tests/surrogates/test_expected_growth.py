"""The acquisition function of fronts, against the exact one in NumPy, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.models import ModelListGP, SingleTaskGP
from torch.special import log_ndtr

from ax_anasod.fronts import Front
from ax_anasod.surrogates.expected_growth import LogExpectedGrowth
from ax_anasod.surrogates.hypervolume import Belief, ExpectedHypervolumeImprovement, Scale

SCALES = [
    Scale("log", unit=2.0, location=-1.0, width=0.5),
    Scale("negative_log", unit=1.5, location=0.2, width=0.3),
    Scale("identity", unit=3.0, location=0.1, width=0.4),
]
SIGNS = [1.0, -1.0, 1.0]


@pytest.fixture(scope="module")
def model() -> ModelListGP:
    rng = np.random.default_rng(0)
    X = torch.from_numpy(rng.dirichlet(np.ones(3), size=8))
    targets = torch.from_numpy(rng.normal(size=(8, 4)))
    return ModelListGP(*(SingleTaskGP(X, targets[:, [i]]) for i in range(4))).eval()


@pytest.fixture(scope="module")
def points() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).dirichlet(np.ones(3), size=20))[:, None]


def front(m: int) -> Front:
    rng = np.random.default_rng(m)
    values = np.stack([scale.values(rng.normal(size=6)) for scale in SCALES[:m]], axis=1)
    return Front(values, values.max(axis=0) + 1.0)


@pytest.mark.parametrize("m", [2, 3])
def test_it_is_the_exact_one(model: ModelListGP, points: torch.Tensor, m: int) -> None:
    found = front(m)
    objectives = list(enumerate(SCALES[:m]))
    growth = LogExpectedGrowth(model, objectives, SIGNS[:m], found, {3: (None, 0.3)})
    with torch.no_grad():
        posterior = model.posterior(points)
        mean, deviation = posterior.mean[:, 0], posterior.variance[:, 0].sqrt()
        values = growth(points)
    exact = ExpectedHypervolumeImprovement(found.points, found.reference)
    beliefs = [
        Belief(SIGNS[i] * mean[:, i].numpy(), deviation[:, i].numpy(), SCALES[i]) for i in range(m)
    ]
    kept = log_ndtr((0.3 - mean[:, 3]) / deviation[:, 3]).numpy()
    expected = np.log(exact(beliefs)) + kept
    # What is next to nothing is a difference of larger numbers.
    some = expected > -30
    assert some.sum() > 10
    np.testing.assert_allclose(values.numpy()[some], expected[some], rtol=1e-6)


def test_limits_from_both_sides(model: ModelListGP, points: torch.Tensor) -> None:
    def values(constraints: dict[int, tuple[float | None, float | None]]) -> torch.Tensor:
        objectives = list(enumerate(SCALES[:2]))
        with torch.no_grad():
            return LogExpectedGrowth(model, objectives, SIGNS[:2], front(2), constraints)(points)

    free = values({})
    both = values({3: (-0.5, 0.3)})
    apart = values({3: (-0.5, None)}) + values({3: (None, 0.3)}) - free
    torch.testing.assert_close(both, apart)
    assert (both < free).all()


def test_it_can_be_climbed(model: ModelListGP, points: torch.Tensor) -> None:
    growth = LogExpectedGrowth(model, list(enumerate(SCALES)), SIGNS, front(3), {3: (None, 0.0)})
    X = points[:3].clone().requires_grad_()
    growth(X).sum().backward()
    assert X.grad is not None
    step = 1e-6
    direction = torch.zeros_like(X)
    direction[1, 0, 2] = step
    with torch.no_grad():
        slope = (growth(X + direction) - growth(X - direction)).sum() / (2 * step)
    assert X.grad[1, 0, 2].item() == pytest.approx(slope.item(), rel=1e-4)
