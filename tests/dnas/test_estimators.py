"""What a supernet computes in a step, and the gradients that follow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.dnas import SuperNetwork, build_supernet
from ax_anasod.dnas.controller import Controller
from ax_anasod.dnas.distribution import (
    DirichletDistribution,
    Distribution,
    LogitDistribution,
    SimplexDistribution,
)
from ax_anasod.dnas.estimators import choose, score_gradient, uniform_probabilities
from ax_anasod.networks import NetworkConfig
from tests.dnas.conftest import ROW, WIRED, one_hot, random_rows

NB201 = cells.get("nas-bench-201")
LABELS = torch.tensor([0, 1, 2, 3])


def supernet_of(cell: Cell) -> SuperNetwork:
    return build_supernet(cell, NetworkConfig(channels=2, cells=3), seed=0)


def simplex(supernet: SuperNetwork, rows: int = 1) -> SimplexDistribution:
    k = supernet.edges.cell.num_operations
    return SimplexDistribution(
        rows, [True] * k, exponentiated=False, learning_rate=0.1, normalised=False
    )


def loss_of(supernet: SuperNetwork, images: Tensor) -> Tensor:
    return functional.cross_entropy(supernet(images), LABELS)


@pytest.fixture
def images() -> Tensor:
    return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("cell", [NB201, WIRED], ids=["nas-bench-201", "wired"])
def test_the_gradient_of_the_mixture_is_that_of_finite_differences(
    cell: Cell, images: Tensor
) -> None:
    supernet, exact = supernet_of(cell).double(), images.double()
    p = torch.from_numpy(random_rows(supernet.edges, 0)).requires_grad_()

    def loss(weights: Tensor) -> Tensor:
        supernet.mix(weights)
        return loss_of(supernet, exact)

    (gradient,) = torch.autograd.grad(loss(p), p)
    assert gradient.abs().max() > 1e-3
    for edge, operation in [(0, 1), (1, 2), (3, 1), (supernet.edges.num_edges - 1, 2)]:
        step = torch.zeros_like(p)
        step[edge, operation] = 1e-6
        with torch.no_grad():
            difference = (loss(p + step) - loss(p - step)) / 2e-6
        assert float(gradient[edge, operation]) == pytest.approx(float(difference), rel=1e-4)
    # What passes nothing on changes nothing.
    assert (gradient[:, 0] == 0).all()


def test_one_distribution_for_all_edges_gets_the_sum_of_their_gradients(images: Tensor) -> None:
    supernet = supernet_of(NB201)
    shared, own = simplex(supernet), simplex(supernet, rows=6)
    gradients = []
    for distribution in (shared, own):
        choose(supernet, distribution, "mixture", np.random.default_rng(0), 1.0)
        loss = loss_of(supernet, images)
        gradients.append(torch.autograd.grad(loss, distribution.parameters)[0])
    assert torch.allclose(gradients[0][0], gradients[1].sum(dim=0), atol=1e-6)


def test_gumbel_weights_are_a_softmax_of_noisy_logarithms() -> None:
    supernet = supernet_of(NB201)
    distribution = simplex(supernet, rows=6)
    distribution.set_probabilities(random_rows(supernet.edges, 1))
    noise = torch.from_numpy(np.random.default_rng(7).gumbel(size=(6, 5)))
    expected = torch.softmax((distribution.parameters.log() + noise) / 0.5, dim=1)
    choose(supernet, distribution, "gumbel", np.random.default_rng(7), 0.5)
    weights = supernet.choice.weights
    assert torch.allclose(weights.double(), expected, atol=1e-6)  # type: ignore[union-attr]
    # Cold, one operation takes all: each as often as its probability says.
    rng, counts = np.random.default_rng(0), np.zeros((6, 5))
    for _ in range(2000):
        choose(supernet, distribution, "gumbel", rng, 1e-3)
        counts += supernet.choice.weights.detach().numpy()  # type: ignore[union-attr]
    p = distribution.parameters.detach().numpy()
    assert counts / 2000 == pytest.approx(p, abs=5 * 0.5 / 2000**0.5)


def test_straight_through_computes_one_operation_with_the_gradient_of_the_relaxed_weights() -> None:
    supernet = supernet_of(NB201)
    distribution = LogitDistribution(6, [True] * 5, learning_rate=0.1, weight_decay=0.0)
    distribution.step(torch.randn(6, 5, dtype=torch.float64), 1.0)
    cost = torch.randn(6, 5)
    noise = torch.from_numpy(np.random.default_rng(3).gumbel(size=(6, 5)))
    relaxed = torch.softmax((distribution.probabilities().log() + noise) / 2.0, dim=1)
    (expected,) = torch.autograd.grad((relaxed * cost).sum(), distribution.parameters)
    choose(supernet, distribution, "straight-through", np.random.default_rng(3), 2.0)
    weights = supernet.choice.weights
    assert weights is not None
    hard = functional.one_hot(relaxed.argmax(dim=1), 5).float()
    assert torch.allclose(weights, hard, atol=1e-6)
    (gradient,) = torch.autograd.grad((weights * cost).sum(), distribution.parameters)
    assert torch.allclose(gradient, expected, atol=1e-6)


def test_a_straight_through_choice_computes_that_architecture(images: Tensor) -> None:
    supernet = supernet_of(WIRED)
    distribution = simplex(supernet, rows=supernet.edges.num_edges)
    choose(supernet, distribution, "straight-through", np.random.default_rng(1), 1.0)
    weights, active = supernet.choice.weights, supernet.choice.active
    assert weights is not None
    assert all(len(operations) <= 1 for operations in active)
    with torch.no_grad():
        hard = supernet(images)
        supernet.choice.take(active)
        assert torch.allclose(supernet(images), hard, atol=1e-5)
    # The operations that are not computed have a gradient, too (GDAS).
    leaf = weights.detach().requires_grad_()
    supernet.choice.take(active, leaf)
    (gradient,) = torch.autograd.grad(loss_of(supernet, images), leaf)
    computed = [edge for edge, operations in enumerate(active) if operations]
    assert (gradient[computed].abs().sum(dim=1) > 0).all()
    other = [next(o for o in range(3) if o not in active[edge]) for edge in computed]
    assert (gradient[computed, other] != 0).all()


def test_paths_are_drawn_from_p_or_uniformly() -> None:
    supernet = supernet_of(NB201)
    distribution = simplex(supernet)
    distribution.set_probabilities(np.array([[0.0, 0.0, 0.0, 0.9, 0.1]]))
    rng = np.random.default_rng(0)
    seen: dict[str, list[int]] = {"path": [], "uniform-path": []}
    for kind, operations in seen.items():
        for _ in range(300):
            choose(supernet, distribution, kind, rng, 1.0)
            assert supernet.choice.weights is None
            operations += [o for edge in supernet.choice.active for o in edge]
    assert set(seen["path"]) == {3, 4}
    assert np.mean(np.array(seen["path"]) == 3) == pytest.approx(0.9, abs=0.03)
    shares = np.bincount(seen["uniform-path"], minlength=5)[1:] / len(seen["uniform-path"])
    assert shares == pytest.approx([0.25] * 4, abs=0.05)


def test_what_is_not_allowed_is_in_no_uniform_draw() -> None:
    supernet = supernet_of(NB201)
    distribution = LogitDistribution(6, [False, True, True, True, True], 0.1, 0.0)
    uniform = uniform_probabilities(distribution, supernet.edges)
    assert uniform.tolist() == [[0.0, 0.25, 0.25, 0.25, 0.25]] * 6


def test_a_dirichlet_draw_needs_a_dirichlet_distribution() -> None:
    supernet = supernet_of(ROW)
    with pytest.raises(TypeError, match="SimplexDistribution has no Dirichlet distribution"):
        choose(supernet, simplex(supernet), "dirichlet", np.random.default_rng(0), 1.0)
    distribution = DirichletDistribution(2, [True] * 3, 0.1, 0.0)
    torch.manual_seed(0)
    drawn = distribution.draw_probabilities()
    torch.manual_seed(0)
    choose(supernet, distribution, "dirichlet", np.random.default_rng(0), 1.0)
    assert torch.allclose(supernet.choice.weights.double(), drawn)  # type: ignore[union-attr]


Make = Callable[[SuperNetwork, list[bool]], Distribution]
LEARNED: dict[str, Make] = {
    "simplex": lambda net, allowed: SimplexDistribution(
        1, allowed, exponentiated=True, learning_rate=0.1, normalised=False
    ),
    "logits": lambda net, allowed: LogitDistribution(net.edges.num_edges, allowed, 0.1, 0.0),
    "dirichlet": lambda net, allowed: DirichletDistribution(1, allowed, 0.1, 0.0),
}


@pytest.mark.parametrize("kind", LEARNED)
@pytest.mark.parametrize("closed", [False, True], ids=["all", "without-zero"])
def test_the_score_function_is_unbiased(kind: str, closed: bool) -> None:
    """Against the derivative of the expectation over all architectures that pass something on."""
    supernet = supernet_of(ROW)
    edges = supernet.edges
    distribution = LEARNED[kind](supernet, [not closed, True, True])
    distribution.step(torch.tensor([[0.3, -1.0, 0.5]] * distribution.rows).double(), 1.0)
    codes = ROW.enumerate()
    codes = codes[edges.passes(codes)]
    values = 1.0 + codes @ [0.5, 1.0] + 2.0 * (codes[:, 0] == codes[:, 1])
    table = {tuple(code): value for code, value in zip(codes.tolist(), values, strict=True)}

    logarithms = distribution.log_probabilities().expand(edges.num_edges, -1)
    shares = torch.stack([logarithms[[0, 1], list(code)].sum() for code in table]).exp()
    expected = (shares * torch.from_numpy(values)).sum() / shares.sum()
    (exact,) = torch.autograd.grad(expected, distribution.parameters)
    assert exact.abs().max() > 0.1

    def loss() -> float:
        first, second = supernet.choice.active
        return float(table[first[0], second[0]])

    rng, estimates, losses = np.random.default_rng(1), [], []
    for _ in range(200):
        mean, gradient = score_gradient(supernet, distribution, loss, 10, rng)
        estimates.append(gradient)
        losses.append(mean)
    stacked = torch.stack(estimates)
    assert torch.isfinite(stacked).all()
    deviation = stacked.std(dim=0) / 200**0.5
    assert ((stacked.mean(dim=0) - exact).abs() <= 4 * deviation + 1e-12).all()
    assert np.mean(losses) == pytest.approx(expected.item(), abs=4 * np.std(losses) / 200**0.5)
    # Not just small: the estimate knows where to go.
    assert (stacked.mean(dim=0) * exact).sum() > 0


@pytest.mark.parametrize("estimator", ["gumbel", "straight-through"])
def test_operations_that_are_left_out_spoil_no_gradient(estimator: str, images: Tensor) -> None:
    supernet = supernet_of(NB201)
    allowed = [False, True, True, True, True]
    for kind in ("simplex", "logits"):
        distribution = LEARNED[kind](supernet, allowed)
        choose(supernet, distribution, estimator, np.random.default_rng(0), 1.0)
        weights = supernet.choice.weights
        assert weights is not None
        assert (weights[:, 0] == 0).all()
        loss = loss_of(supernet, images)
        (gradient,) = torch.autograd.grad(loss, distribution.parameters)
        assert torch.isfinite(gradient).all()
        assert gradient.abs().sum() > 0
        assert (gradient[:, 0] == 0).all()


def test_a_controller_is_no_mixture() -> None:
    supernet = supernet_of(ROW)
    controller = Controller(supernet.edges, [True] * 3, 0.01, seed=0)
    choose(supernet, controller, "path", np.random.default_rng(0), 1.0)
    assert all(len(operations) == 1 for operations in supernet.choice.active)


def test_the_choice_of_an_architecture_is_one_hot() -> None:
    supernet = supernet_of(WIRED)
    code = WIRED.sample(1, np.random.default_rng(0))[0]
    supernet.choose(code)
    expected = one_hot(supernet.edges, code[None])[0]
    expected[:, 0] = 0  # nothing to compute
    active = np.zeros_like(expected)
    for edge, operations in enumerate(supernet.choice.active):
        active[edge, list(operations)] = 1
    assert np.array_equal(active, expected)
    assert isinstance(supernet.network.classifier, nn.Linear)
