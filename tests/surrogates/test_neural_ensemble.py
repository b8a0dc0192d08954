"""The neural ensemble predictor: members alike to ones trained alone, and better than the mean."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

from ax_anasod.cells import Cell, one_hot_adjacency, path_features
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.surrogates import EnsembleOptions, NeuralEnsemble, fit_neural_ensemble

Data = tuple[Cell, npt.NDArray[np.int64], npt.NDArray[np.float64]]

QUICK = EnsembleOptions(num_members=3, num_layers=2, layer_width=8, num_epochs=20)


def inputs(n: int = 20, d: int = 6) -> Tensor:
    return torch.rand(n, d, generator=torch.Generator().manual_seed(0), dtype=torch.double)


def values(X: Tensor) -> Tensor:
    return 20.0 + 5.0 * (X[:, :1] - 2.0 * X[:, 1:2])


def predictions(ensemble: NeuralEnsemble, X: Tensor) -> npt.NDArray[np.float64]:
    with torch.no_grad():
        return np.asarray(ensemble(X)[..., 0].numpy())


def test_published_defaults() -> None:
    options = EnsembleOptions()
    assert (options.num_members, options.num_layers, options.layer_width) == (5, 10, 20)
    assert (options.num_epochs, options.learning_rate, options.loss) == (150, 0.01, "mae")


def trained_alone(X: Tensor, Y: Tensor, seed: int, member: int) -> Tensor:
    """What one member predicts if it is trained as an ordinary torch module."""
    batched = NeuralEnsemble(X.shape[1], QUICK, torch.Generator().manual_seed(seed))
    sizes = [X.shape[1], *[QUICK.layer_width] * QUICK.num_layers, 1]
    layers: list[torch.nn.Module] = []
    for depth, (size, following) in enumerate(itertools.pairwise(sizes)):
        linear = torch.nn.Linear(size, following)
        with torch.no_grad():
            linear.weight.copy_(batched.weights[depth][member].T)
            linear.bias.copy_(batched.biases[depth][member, 0])
        layers += [linear, torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    generator = torch.Generator().manual_seed(seed)
    NeuralEnsemble(X.shape[1], QUICK, generator)  # the same random numbers come first
    center = Y.median()
    scale = (Y - center).abs().median()
    targets = ((Y - center) / scale).float()
    optimizer = torch.optim.Adam(network.parameters(), lr=QUICK.learning_rate, betas=(0.9, 0.99))
    for _ in range(QUICK.num_epochs):
        order = torch.rand(QUICK.num_members, len(X), generator=generator).argsort(dim=1)[member]
        for batch in order.split(QUICK.minibatch_size):
            optimizer.zero_grad()
            loss = torch.nn.functional.l1_loss(network(X[batch].float()), targets[batch])
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return (center + scale * network(X.float()))[:, 0]


def test_members_are_what_they_would_be_alone() -> None:
    X = inputs(70)
    Y = values(X)
    ensemble = fit_neural_ensemble(X, Y, 7, QUICK)
    with torch.random.fork_rng():
        for member, found in enumerate(predictions(ensemble, X)):
            expected = trained_alone(X, Y, 7, member).numpy()
            np.testing.assert_allclose(found, expected, atol=1e-2 * float(Y.std()))


def test_shapes_of_batches() -> None:
    X = inputs(12)
    ensemble = fit_neural_ensemble(X, values(X), 0, QUICK)
    assert ensemble(X).shape == (3, 12, 1)
    batched = ensemble(X.reshape(2, 3, 2, 6))
    assert batched.shape == (2, 3, 3, 2, 1)
    torch.testing.assert_close(batched[1, 2, :, 1, 0], ensemble(X)[:, 11, 0])
    posterior = ensemble.posterior(X.reshape(12, 1, 6))
    torch.testing.assert_close(posterior.mean[:, 0, 0], ensemble(X)[..., 0].mean(dim=0))


def test_same_seed_same_ensemble_and_no_global_randomness() -> None:
    X = inputs()
    state = torch.random.get_rng_state()
    first, again, other = (fit_neural_ensemble(X, values(X), s, QUICK) for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    np.testing.assert_array_equal(predictions(first, X), predictions(again, X))
    assert (predictions(first, X) != predictions(other, X)).any()
    assert not any(parameter.requires_grad for parameter in first.parameters())


def test_members_differ_most_where_nothing_was_seen() -> None:
    X = inputs(60)
    ensemble = fit_neural_ensemble(X, values(X), 0)
    near, far = (predictions(ensemble, points).std(axis=0).mean() for points in (X, 10.0 * X))
    assert far > 3 * near


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("loss", ["mae", "mape"])
def test_units_do_not_matter(factor: float, loss: str) -> None:
    X = inputs()
    options = replace(QUICK, loss=loss)
    expected = predictions(fit_neural_ensemble(X, values(X), 3, options), X)
    found = predictions(fit_neural_ensemble(X, factor * values(X), 3, options), X)
    np.testing.assert_allclose(found / factor, expected, rtol=1e-3)


def ranks_held_out(features: npt.NDArray[np.float64], errors: npt.NDArray[np.float64]) -> float:
    """Rank correlation on what was not among 100 training architectures."""
    X = torch.as_tensor(features)
    ensemble = fit_neural_ensemble(X[:100], torch.as_tensor(errors[:100, None]), 0)
    mean = predictions(ensemble, X[100:]).mean(axis=0)
    return float(spearmanr(mean, errors[100:]).statistic)


def test_better_than_the_mean_on_unseen_architectures(nasbench201: Data, cora: Data) -> None:
    """Predicting the mean has the rank correlation 0."""
    cell, codes, errors = nasbench201
    assert ranks_held_out(path_features(cell, codes), errors) > 0.6
    assert ranks_held_out(one_hot_adjacency(cell, codes), errors) > 0.5
    assert ranks_held_out(cell.encode(codes) / cell.num_blocks, errors) > 0.4
    cell, codes, errors = cora
    assert ranks_held_out(path_features(cell, codes), errors) > 0.2


def test_smaller_error_than_the_mean(nasbench201: Data) -> None:
    cell, codes, errors = nasbench201
    X = torch.as_tensor(path_features(cell, codes))
    ensemble = fit_neural_ensemble(X[:100], torch.as_tensor(errors[:100, None]), 1)
    own = np.abs(predictions(ensemble, X[100:]).mean(axis=0) - errors[100:]).mean()
    constant = np.abs(np.mean(errors[:100]) - errors[100:]).mean()
    assert own < 0.75 * constant


@pytest.mark.parametrize(
    "targets",
    [[3.0] * 8, [0.0] * 8, [-1.0] * 8, [0.0] * 7 + [1.0], [1.0] * 7 + [1e300], [1e-300] * 8],
    ids=["constant", "zero", "negative", "mostly equal", "outlier", "tiny"],
)
def test_degenerate_values(targets: list[float]) -> None:
    X = inputs(8)
    Y = torch.tensor(targets, dtype=torch.double)[:, None]
    found = predictions(fit_neural_ensemble(X, Y, 0, QUICK), X)
    assert np.isfinite(found).all()
    if len(set(targets)) == 1:
        np.testing.assert_allclose(found, targets[0], atol=5.0)


def test_one_observation() -> None:
    X = inputs(1)
    found = predictions(fit_neural_ensemble(X, values(X), 0, QUICK), inputs(5))
    assert np.isfinite(found).all()


def test_lower_bound_must_be_below_all_values() -> None:
    X = inputs(3)
    options = EnsembleOptions(loss="mape", lower_bound=4.5)
    with pytest.raises(OptionError, match=r"above lower_bound = 4\.5, got 4\.5.*loss='mae'"):
        fit_neural_ensemble(X, torch.tensor([[5.0], [4.5], [6.0]]), 0, options)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_members", 0),
        ("num_layers", 0),
        ("layer_width", -1),
        ("num_epochs", 0),
        ("minibatch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("lower_bound", float("inf")),
    ],
)
def test_options_out_of_range(field: str, value: float) -> None:
    with pytest.raises(OptionError):
        EnsembleOptions(**{field: value})  # type: ignore[arg-type]


def test_misspelt_loss() -> None:
    with pytest.raises(UnknownNameError):
        EnsembleOptions(loss="mapes")
