"""The Gaussian process of architectures and hyperparameters together."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from botorch.models.kernels import CategoricalKernel
from gpytorch.kernels import MaternKernel

from ax_anasod import cells
from ax_anasod.surrogates import LevelFeatures, levels_of
from ax_anasod.surrogates.joint import JointGP
from ax_anasod.surrogates.joint_encodings import JointEncodingGP
from ax_anasod.surrogates.joint_fit import JointForm, JointPosterior, Points, settings_kernel

CELL = cells.get("nas-bench-201")
LEVELS = [*levels_of(CELL).values()]
FORMS = get_args(JointForm)


def data(n: int, seed: int) -> tuple[dict, Points, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = LevelFeatures(CELL, CELL.sample(n, rng))
    points = Points(rng.random((n, 3)), rng.integers(0, 3, (n, 2)).astype(np.float64))
    distances = features.distances(features, [level.name for level in LEVELS])
    targets = np.sin(5 * points.places[:, 0]) + (points.categories[:, 0] == 1)
    return distances, points, (targets - targets.mean()) / targets.std()


def known(n: int) -> list[np.ndarray]:
    """Two features, one of three columns."""
    rng = np.random.default_rng(9)
    return [rng.normal(size=(n, 1)), rng.normal(size=(n, 3)) / np.sqrt(3)]


@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_of_the_posterior_is_exact(form: JointForm) -> None:
    distances, points, targets = data(25, 0)
    products = [z @ z.T for z in known(25)]
    posterior = JointPosterior(LEVELS, distances, points, targets, form, products=products)
    logs = posterior._medians + np.random.default_rng(1).normal(
        scale=0.3, size=len(posterior._medians)
    )
    _, gradient = posterior.loss(logs)
    step = 1e-5
    for i, direction in enumerate(np.eye(len(logs)) * step):
        ahead, behind = posterior.loss(logs + direction)[0], posterior.loss(logs - direction)[0]
        assert gradient[i] == pytest.approx((ahead - behind) / (2 * step), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_slopes_of_predictions_are_exact(form: JointForm) -> None:
    distances, points, targets = data(30, 2)
    features = known(30)
    model = JointGP(LEVELS, distances, points, targets, form, features)
    rows, some = slice(4), points[np.arange(5, 9)]
    own = {name: d[rows] for name, d in distances.items()}
    cell = model.cell_covariance(own, [z[rows] for z in features])
    mean, deviation, of_mean, of_deviation = model.slopes_at(cell, some)
    np.testing.assert_allclose([mean, deviation], model.predict_at(cell, some))
    step = 1e-5
    for column in range(3):
        moved = np.zeros(3)
        moved[column] = step
        ahead = model.predict_at(cell, Points(some.places + moved, some.categories))
        behind = model.predict_at(cell, Points(some.places - moved, some.categories))
        slopes = [(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]
        np.testing.assert_allclose(of_mean[:, column], slopes[0], atol=1e-5)
        np.testing.assert_allclose(of_deviation[:, column], slopes[1], atol=1e-5)


def test_the_kernel_of_settings_is_matern_times_botorchs_categorical_kernel() -> None:
    distances, points, targets = data(12, 3)
    model = JointGP(LEVELS, distances, points, targets)
    lengthscales = torch.tensor(model.lengthscales)
    matern = MaternKernel(nu=2.5, ard_num_dims=3).double()
    matern.lengthscale = lengthscales[:3]
    categorical = CategoricalKernel(ard_num_dims=2).double()
    categorical.lengthscale = lengthscales[3:]
    places, categories = torch.tensor(points.places), torch.tensor(points.categories)
    expected = matern(places).to_dense() * categorical(categories).to_dense()
    own = settings_kernel(model._fit, points, points)[0]
    np.testing.assert_allclose(own, expected.detach().numpy(), atol=1e-7)


def test_it_learns_what_a_setting_does_and_believes_what_is_pending() -> None:
    distances, points, targets = data(60, 4)
    some = np.where(np.arange(60) < 50, targets, np.nan)
    model = JointGP(LEVELS, distances, points, some)
    believed = model.targets[50:]
    assert np.corrcoef(believed, targets[50:])[0, 1] > 0.9
    mean, deviation = model.predict(distances, points)
    np.testing.assert_allclose(mean[50:], believed, atol=0.05)
    assert (deviation < 0.5).all()


@pytest.mark.parametrize("form", FORMS)
def test_a_feature_of_the_cell_is_a_level_with_a_fitted_share(form: JointForm) -> None:
    distances, points, _ = data(60, 5)
    features = known(60)
    targets = 2.0 * features[0][:, 0] + 0.3 * np.sin(5 * points.places[:, 0])
    targets = (targets - targets.mean()) / targets.std()
    some = np.where(np.arange(60) < 30, targets, np.nan)
    model = JointGP(LEVELS, distances, points, some, form, features)
    assert model.shares[0] > 2 * model.shares[1] > 0
    assert sum(model.shares) < 1
    without = JointGP(LEVELS, distances, points, some, form)
    assert without.shares == []
    wrong = [np.abs(m.targets - targets)[30:].mean() for m in (model, without)]
    assert wrong[0] < 0.5 * wrong[1]
    # The variance of a point grows with its feature.
    far = [10.0 * z for z in features]
    near = model.predict(distances, points, features)[1]
    assert (model.predict(distances, points, far)[1] > near).mean() > 0.9


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("unordered", [(), (1,), (0, 1)])
def test_the_model_of_encodings_takes_hyperparameters(
    form: JointForm, unordered: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    fractions = torch.rand(10, 3, dtype=torch.double)
    others = torch.randint(0, 2, (10, 2)).double()
    X = torch.cat([fractions / fractions.sum(dim=1, keepdim=True), others], dim=1)
    Y = others[:, :1] - others[:, :1].mean()
    model = JointEncodingGP(X, Y, num_operations=3, unordered=unordered, form=form)
    covariance = model.covar_module(X).to_dense()
    assert torch.linalg.eigvalsh(covariance).min() > -1e-6
    moved = X.clone()
    moved[:, 3:] = 1 - moved[:, 3:]
    assert (model.covar_module(moved[:1], X[:1]).to_dense() < covariance[0, 0]).all()
