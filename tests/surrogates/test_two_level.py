"""The two-level GP against BoTorch's and against its own definition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from botorch.models import SingleTaskGP
from botorch.models.kernels import CategoricalKernel
from gpytorch.kernels import ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.means import ZeroMean
from scipy.optimize import check_grad
from scipy.stats import spearmanr

from ax_anasod.cells import Cell
from ax_anasod.surrogates import (
    LevelFeatures,
    LevelName,
    OperationDistributionKernel,
    TwoLevelGP,
    levels_of,
)
from ax_anasod.surrogates.level_fit import JITTER
from ax_anasod.surrogates.two_level import _Posterior

Data = tuple[Cell, npt.NDArray[np.int64], npt.NDArray[np.float64]]

VIEWS: dict[str, tuple[LevelName, ...]] = {
    "distribution": ("distribution",),
    "blocks": ("distribution", "blocks"),
    "paths": ("distribution", "paths"),
    "sum": ("distribution", "blocks", "paths"),
}


def standardized(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    logs = np.log(values)
    centre = np.median(logs)
    logs = np.minimum(logs, centre + 3 * np.median(np.abs(logs - centre)))
    result: npt.NDArray[np.float64] = (logs - logs.mean()) / logs.std()
    return result


class Problem:
    """A GP of some levels on the first ``n`` architectures of a data set."""

    def __init__(self, data: Data, view: str, n: int, pending: int = 0) -> None:
        cell, codes, values = data
        self.levels = [levels_of(cell)[name] for name in VIEWS[view]]
        self.features = LevelFeatures(cell, codes[: n + pending])
        self.targets = np.append(standardized(values[:n]), np.full(pending, np.nan))
        self.names = VIEWS[view]
        self.distances = self.features.distances(self.features, self.names)
        self.model = TwoLevelGP(self.levels, self.distances, self.targets)

    def predict(
        self, cell: Cell, codes: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        features = LevelFeatures(cell, codes)
        return self.model.predict(features.distances(self.features, self.names))


def test_same_posterior_as_botorch_with_the_same_hyperparameters(cora: Data) -> None:
    cell, codes, _ = cora
    problem = Problem(cora, "blocks", 40)
    model, x = problem.model, torch.as_tensor(codes[:40]).double()
    distribution = OperationDistributionKernel(cell.num_operations, cell.num_blocks)
    kernel = ScaleKernel(distribution) + ScaleKernel(CategoricalKernel())
    reference = SingleTaskGP(
        x,
        torch.as_tensor(problem.targets)[:, None],
        mean_module=ZeroMean(),
        covar_module=kernel,
        likelihood=GaussianLikelihood(),
        outcome_transform=None,
    )
    for part, name in zip(kernel.kernels, VIEWS["blocks"], strict=True):
        part.outputscale = model.variances[name]
        part.base_kernel.lengthscale = model.lengthscales[name]
    reference.likelihood.noise = model.noise + JITTER
    with torch.no_grad():
        posterior = reference.posterior(torch.as_tensor(codes[40:60]).double())
    mean, deviation = problem.predict(cell, codes[40:60])
    np.testing.assert_allclose(mean, posterior.mean[:, 0], atol=1e-6)
    np.testing.assert_allclose(deviation, posterior.variance[:, 0].sqrt(), atol=1e-6)


@pytest.mark.parametrize("view", VIEWS)
def test_gradient_of_the_posterior(view: str, nasbench201: Data) -> None:
    problem = Problem(nasbench201, view, 25)
    posterior = _Posterior(problem.levels, problem.distances, problem.targets, [])
    point = posterior.medians + np.linspace(-0.4, 0.5, len(posterior.medians))
    wrong = check_grad(lambda p: posterior.loss(p)[0], lambda p: posterior.loss(p)[1], point)
    assert wrong < 1e-4  # of the finite differences


@pytest.mark.parametrize("view", VIEWS)
def test_fit_is_a_maximum(view: str, nasbench201: Data) -> None:
    problem = Problem(nasbench201, view, 40)
    posterior = _Posterior(problem.levels, problem.distances, problem.targets, [])
    model = problem.model
    found = np.log([*model.variances.values(), *model.lengthscales.values(), model.noise])
    best = posterior.loss(found)[0]
    rng = np.random.default_rng(0)
    around = [posterior.loss(found + 0.2 * rng.standard_normal(len(found)))[0] for _ in range(20)]
    assert best < min(around)
    assert best < posterior.loss(posterior.medians)[0]


def test_predicts_real_errors(nasbench201: Data) -> None:
    cell, codes, values = nasbench201
    rho = {}
    for view in VIEWS:
        mean, deviation = Problem(nasbench201, view, 100).predict(cell, codes[100:])
        rho[view] = spearmanr(mean, values[100:])[0]
        assert (deviation > 0).all()
    # The second level is what the paper's encoding cannot see.
    assert min(rho["blocks"], rho["paths"], rho["sum"]) > rho["distribution"] > 0.5


class WithFeature(Problem):
    """The same with a feature of two columns, the second of which says nothing."""

    def __init__(self, data: Data, view: str, n: int, pending: int = 0) -> None:
        super().__init__(data, view, n, pending)
        noise = np.random.default_rng(3).standard_normal(n + pending)
        self.z = np.stack([standardized(data[2][: n + pending]), noise], axis=1) / np.sqrt(2)
        self.model = TwoLevelGP(self.levels, self.distances, self.targets, [self.z])


def test_gradient_with_a_feature(nasbench201: Data) -> None:
    problem = WithFeature(nasbench201, "sum", 25)
    posterior = _Posterior(
        problem.levels, problem.distances, problem.targets, [problem.z @ problem.z.T]
    )
    point = posterior.medians + np.linspace(-0.4, 0.5, len(posterior.medians))
    wrong = check_grad(lambda p: posterior.loss(p)[0], lambda p: posterior.loss(p)[1], point)
    assert wrong < 1e-4


def test_a_feature_is_a_linear_kernel(cora: Data) -> None:
    cell, codes, _ = cora
    problem = WithFeature(cora, "blocks", 40)
    model, z = problem.model, problem.z
    (slope,) = model.slopes
    new = np.array([[0.3, -2.0], [4.0, 0.0]])
    features = LevelFeatures(cell, codes[40:42])
    near = features.distances(problem.features, problem.names)
    levels = dict(zip(problem.names, problem.levels, strict=True))

    def levels_part(distances: dict[LevelName, npt.NDArray[np.intp]]) -> npt.NDArray[np.float64]:
        parts = [
            model.variances[name] * level.kernel(distances[name] + 0.0, model.lengthscales[name])[0]
            for name, level in levels.items()
        ]
        return np.sum(parts, axis=0)

    cross = levels_part(near) + slope * new @ z.T
    own = levels_part(problem.distances) + slope * z @ z.T
    solved = np.linalg.solve(own + (model.noise + JITTER) * np.eye(40), cross.T)
    prior = sum(model.variances.values()) + slope * (new**2).sum(axis=1)
    mean, deviation = model.predict(near, [new])
    np.testing.assert_allclose(mean, problem.targets @ solved, atol=1e-8)
    np.testing.assert_allclose(deviation**2, prior - (cross * solved.T).sum(axis=1), atol=1e-8)


def test_how_much_a_feature_says_is_learned(nasbench201: Data) -> None:
    problem = WithFeature(nasbench201, "sum", 60)
    effects = []
    for column in (problem.z[:, :1], problem.z[:, 1:]):
        model = TwoLevelGP(problem.levels, problem.distances, problem.targets, [column])
        high, low = (model.predict(problem.distances, [column + shift])[0] for shift in (1, -1))
        effects.append(np.mean(high - low))
    assert effects[0] > 2.0
    assert abs(effects[1]) < 0.3


def test_pending_architectures_are_believed(nasbench201: Data) -> None:
    cell, codes, _ = nasbench201
    alone, believing = Problem(nasbench201, "sum", 30), Problem(nasbench201, "sum", 30, pending=3)
    assert believing.model.variances == alone.model.variances
    before, after = (p.predict(cell, codes[:60]) for p in (alone, believing))
    # The believed values change no mean, but what is known of the pending ones.
    np.testing.assert_allclose(after[0], before[0], atol=1e-6)
    assert (after[1] <= before[1] + 1e-9).all()
    assert (after[1][30:33] < 0.7 * before[1][30:33]).all()
    assert believing.model.best <= alone.model.best


def test_repeated_and_constant_observations() -> None:
    cell = Cell("plain", ["a", "b"], num_blocks=3)
    codes = np.zeros((5, 3), dtype=np.int64)
    features = LevelFeatures(cell, codes)
    levels = [levels_of(cell)[name] for name in VIEWS["blocks"]]
    distances = features.distances(features, VIEWS["blocks"])
    for targets in (np.zeros(5), np.array([1.0, -1.0, 1.0, -1.0, 0.0])):
        mean, deviation = TwoLevelGP(levels, distances, targets).predict(distances)
        assert np.isfinite(mean).all()
        assert np.isfinite(deviation).all()
        np.testing.assert_allclose(mean, 0.0, atol=0.1)
