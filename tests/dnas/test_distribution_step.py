"""One step of the distribution."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from ax_anasod.cells import Cell
from ax_anasod.dnas import MethodConfig, SuperNetwork, build_supernet, method
from ax_anasod.dnas.distribution import LogitDistribution, SimplexDistribution
from ax_anasod.dnas.distribution_step import DistributionStep
from ax_anasod.exceptions import TrainingError
from ax_anasod.networks import NetworkConfig
from ax_anasod.training import Hardware, TrainingConfig
from ax_anasod.training.step import Step
from tests.dnas.conftest import ROW, random_rows

SMOOTH = Cell("smooth", ["wide", "narrow", "skip_connect"], num_blocks=2)
OWN = {
    name: (
        lambda c_in, c_out, stride, size=size: nn.Sequential(
            nn.Conv2d(c_in, c_out, size, stride, size // 2), nn.Tanh()
        )
    )
    for name, size in (("wide", 3), ("narrow", 1))
}


def smooth_supernet() -> SuperNetwork:
    """A small supernet in double precision that has derivatives everywhere."""
    config = NetworkConfig("nas-bench-201", channels=2, cells=3, in_channels=1, num_classes=3)
    supernet = build_supernet(SMOOTH, config, OWN, seed=0)
    for module in list(supernet.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.Softplus())
    return supernet.double()


def batch(seed: int, size: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(size, 1, 8, 8, generator=generator, dtype=torch.float64)
    return images, torch.randint(0, 3, (size,), generator=generator)


def step_of(
    supernet: SuperNetwork,
    chosen: MethodConfig,
    distribution: LogitDistribution | SimplexDistribution,
    **training: float | int | bool,
) -> DistributionStep:
    config = TrainingConfig(**{"batch_size": 6, **training})  # type: ignore[arg-type]
    optimizer = torch.optim.SGD(
        supernet.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
    )
    fabric = Hardware("cpu").fabric()
    step = Step(fabric, *fabric.setup(supernet, optimizer), config)
    return DistributionStep(supernet, distribution, chosen, step)


def logits(supernet: SuperNetwork) -> LogitDistribution:
    k = supernet.edges.cell.num_operations
    return LogitDistribution(supernet.edges.num_edges, [True] * k, 0.1, 0.0)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_second_order_is_the_derivative_through_a_step_of_the_weights(
    momentum: float,
) -> None:
    supernet = smooth_supernet()
    rate, decay = 0.05, 0.01
    teach = step_of(
        supernet,
        method("darts-2"),
        logits(supernet),
        learning_rate=rate,
        momentum=momentum,
        weight_decay=decay,
    )
    shown, learned = batch(0), batch(1)
    optimizer = teach._step.optimizer
    if momentum:
        supernet.mix(torch.from_numpy(random_rows(supernet.edges, 5)))
        teach._step(*batch(2))
    rows = torch.from_numpy(random_rows(supernet.edges, 3))

    p = rows.clone().requires_grad_()
    supernet.mix(p)
    names = [name for name, _ in supernet.named_parameters()]
    weights = dict(supernet.named_parameters())
    loss = functional.cross_entropy(supernet(learned[0]), learned[1])
    gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
    moved = {}
    for name, gradient in zip(names, gradients, strict=True):
        weight = weights[name]
        kept = optimizer.state[weight].get("momentum_buffer", torch.zeros_like(weight))
        moved[name] = weight - rate * (gradient + decay * weight + momentum * kept)
    unrolled = functional.cross_entropy(functional_call(supernet, moved, shown[0]), shown[1])
    (exact,) = torch.autograd.grad(unrolled, p)

    before = {name: weight.detach().clone() for name, weight in weights.items()}
    supernet.mix(rows)
    value, gradient = teach._unrolled(shown, learned, supernet.choice.weights)  # type: ignore[arg-type]
    assert float(value) == pytest.approx(unrolled.item(), rel=1e-5)
    first_order = _first_order(supernet, moved, rows, shown)
    # The second term is seen, and right.
    assert (exact - first_order).abs().max() > 1e-4
    error = (gradient - exact).abs().max()
    assert error < 0.02 * (exact - first_order).abs().max()
    for name, weight in supernet.named_parameters():
        assert torch.equal(weight, before[name])


def _first_order(
    supernet: SuperNetwork, weights: dict[str, Tensor], rows: Tensor, shown: tuple[Tensor, Tensor]
) -> Tensor:
    p = rows.clone().requires_grad_()
    supernet.mix(p)
    fixed = {name: weight.detach() for name, weight in weights.items()}
    loss = functional.cross_entropy(functional_call(supernet, fixed, shown[0]), shown[1])
    return torch.autograd.grad(loss, p)[0]


def test_a_step_follows_the_gradient_of_the_loss() -> None:
    supernet = smooth_supernet()
    distribution = SimplexDistribution(
        1, [True] * 3, exponentiated=False, learning_rate=0.5, normalised=False
    )
    teach = step_of(supernet, replace(method("gaea"), shared=True, selection="draw"), distribution)
    shown = batch(0)
    uniform = torch.full((2, 3), 1 / 3, dtype=torch.float64, requires_grad=True)
    supernet.mix(uniform)
    loss = functional.cross_entropy(supernet(shown[0]), shown[1])
    gradient = torch.autograd.grad(loss, uniform)[0].sum(dim=0)
    value = teach(shown, batch(1), np.random.default_rng(0), 1.0, 0.5)
    assert float(value) == pytest.approx(loss.item(), rel=1e-5)
    p = (1 / 3 - 0.5 * gradient).clamp(min=1e-5)
    assert torch.allclose(distribution.probabilities()[0], p / p.sum(), atol=1e-5)


def test_steps_decay_along_a_cosine_where_the_method_says_so() -> None:
    lengths = {}
    for decay in (False, True):
        supernet = smooth_supernet()
        distribution = SimplexDistribution(
            1, [True] * 3, exponentiated=False, learning_rate=0.1, normalised=False
        )
        chosen = replace(method("anasod-dnas"), decay=decay)
        teach = step_of(supernet, chosen, distribution)
        teach(batch(0), batch(1), np.random.default_rng(0), 1.0, 2 / 3)
        lengths[decay] = (distribution.probabilities().detach() - 1 / 3).abs().sum().item()
    assert lengths[True] == pytest.approx(0.25 * lengths[False], rel=0.02)


def test_the_penalty_of_beta_darts_grows_with_the_epochs() -> None:
    supernet = smooth_supernet()
    shown, epochs = batch(0), 4
    moves = []
    for progress in (0.0, 0.3, 0.99):
        distribution = LogitDistribution(2, [False, True, True], 0.1, 0.0)
        distribution.step(torch.tensor([[0.0, 1.0, -1.0], [0.0, 0.5, 0.0]]).double(), 1.0)
        start = distribution.parameters.detach().clone()
        seen: list[Tensor] = []
        distribution.step = lambda gradient, share, seen=seen: seen.append(gradient)  # type: ignore[method-assign,misc]
        teach = step_of(supernet, method("beta-darts"), distribution, epochs=epochs)
        teach(shown, batch(1), np.random.default_rng(0), 1.0, progress)
        moves.append(seen[0])
    share = torch.softmax(start[:, 1:], dim=1) / 2  # of the mean over two edges
    for epoch, gradient in ((1, moves[1]), (3, moves[2])):
        penalty = (gradient - moves[0])[:, 1:]
        assert torch.allclose(penalty, 50.0 * epoch / epochs * share, atol=1e-4)


def test_without_any_operation_there_is_no_gradient_and_no_error() -> None:
    config = NetworkConfig(channels=2, cells=3, in_channels=1, num_classes=3)
    supernet = build_supernet(ROW, config, seed=0)
    distribution = logits(supernet)
    for _ in range(200):
        distribution.step(torch.tensor([[-1.0, 1.0, 1.0]] * 2).double(), 1.0)
    assert (distribution.probabilities()[:, 0] > 0.999).all()
    before = distribution.parameters.detach().clone()
    teach = step_of(supernet, method("gdas"), distribution)
    images, labels = batch(0)
    value = teach(
        (images.float(), labels), (images.float(), labels), np.random.default_rng(0), 0.1, 0
    )
    assert not any(supernet.choice.active)
    assert math.isfinite(float(value))
    assert torch.isfinite(distribution.parameters).all()
    # Adam's momentum goes on.
    assert (distribution.parameters - before).abs().max() < 0.2


@pytest.mark.parametrize("name", ["gaea", "darts-2", "score-function", "gdas"])
def test_a_batch_that_does_not_fit_the_memory_is_parted_once(name: str) -> None:
    chosen = (
        replace(method("darts"), weights_by="path", learned_by="path")
        if name == "score-function"
        else method(name)
    )
    sizes: list[int] = []

    def limited(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        sizes.append(len(inputs[0]))
        if len(inputs[0]) > 2:
            raise torch.OutOfMemoryError("tried to allocate 1 TiB")

    for retry in (False, True):
        supernet = smooth_supernet()
        supernet.mix(torch.full((2, 3), 1 / 3, dtype=torch.float64))
        supernet.network.stem.register_forward_pre_hook(limited)  # type: ignore[union-attr]
        distribution = logits(supernet)
        before = {name: weight.detach().clone() for name, weight in supernet.named_parameters()}
        teach = step_of(supernet, chosen, distribution, retry_out_of_memory=retry)
        sizes.clear()
        arguments = (batch(0), batch(1), np.random.default_rng(0), 1.0, 0.0)
        if retry:
            teach(*arguments)
            assert sizes[0] == 6
            assert set(sizes[1:]) == {2}
            assert (distribution.parameters != 0).any()
        else:
            with pytest.raises(TrainingError):
                teach(*arguments)
            assert (distribution.parameters == 0).all()
        for weight_name, weight in supernet.named_parameters():
            assert torch.equal(weight, before[weight_name])
