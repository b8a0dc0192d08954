"""Distributions of operations, and the steps by which they move."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod import cells
from ax_anasod.dnas.distribution import (
    DirichletDistribution,
    Distribution,
    LogitDistribution,
    SimplexDistribution,
)
from ax_anasod.dnas.edges import CellEdges

ALL = [True] * 4
SOME = [False, True, True, True]
FLOOR = 1e-5


def simplex(
    rows: int = 2,
    allowed: list[bool] = ALL,
    exponentiated: bool = False,
    learning_rate: float = 0.1,
    normalised: bool = False,
) -> SimplexDistribution:
    return SimplexDistribution(
        rows,
        allowed,
        exponentiated=exponentiated,
        learning_rate=learning_rate,
        normalised=normalised,
    )


MAKERS: dict[str, Callable[[list[bool]], Distribution]] = {
    "projected": lambda allowed: simplex(allowed=allowed),
    "exponentiated": lambda allowed: simplex(allowed=allowed, exponentiated=True),
    "normalised": lambda allowed: simplex(allowed=allowed, normalised=True),
    "logits": lambda allowed: LogitDistribution(2, allowed, 0.1, 1e-3),
    "dirichlet": lambda allowed: DirichletDistribution(2, allowed, 0.1, 1e-3),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("allowed", [ALL, SOME], ids=["all", "some"])
def test_it_starts_uniform_over_what_is_allowed(kind: str, allowed: list[bool]) -> None:
    distribution = MAKERS[kind](allowed)
    expected = np.tile(np.array(allowed) / sum(allowed), (2, 1))
    assert distribution.probabilities().detach().numpy() == pytest.approx(expected)
    assert distribution.entropy() == pytest.approx(math.log(sum(allowed)))
    logarithms = distribution.log_probabilities()
    assert torch.allclose(logarithms.exp(), distribution.probabilities())
    assert torch.isneginf(logarithms[:, ~torch.tensor(allowed)]).all()


@pytest.mark.parametrize("kind", MAKERS)
@given(
    steps=st.lists(st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=8), min_size=1, max_size=6),
    share=st.floats(0, 1),
)
def test_it_stays_a_distribution(kind: str, steps: list[list[float]], share: float) -> None:
    distribution = MAKERS[kind](SOME)
    for gradient in steps:
        distribution.step(torch.tensor(gradient, dtype=torch.float64).view(2, 4), share)
        p = distribution.probabilities()
        assert torch.isfinite(p).all()
        assert (p >= 0).all()
        assert (p[:, 0] == 0).all()
        assert p.sum(dim=1).tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize("kind", MAKERS)
def test_it_moves_away_from_what_raises_the_loss(kind: str) -> None:
    distribution = MAKERS[kind](ALL)
    before = distribution.probabilities().detach()
    gradient = torch.tensor([[1.0, 0.0, 0.0, -1.0], [0.0, 0.0, 2.0, 0.0]], dtype=torch.float64)
    distribution.step(gradient, 1.0)
    moved = distribution.probabilities().detach() - before
    assert moved[0, 0] < 0 < moved[0, 3]
    assert moved[1, 2] < 0


@pytest.mark.parametrize("kind", MAKERS)
def test_a_share_of_zero_makes_no_step(kind: str) -> None:
    distribution = MAKERS[kind](ALL)
    distribution.step(torch.randn(2, 4, dtype=torch.float64), 0.0)
    assert torch.allclose(distribution.probabilities(), torch.full((2, 4), 0.25).double())


@pytest.mark.parametrize("kind", MAKERS)
def test_it_goes_on_from_its_state(kind: str) -> None:
    torch.manual_seed(0)
    gradients = torch.randn(6, 2, 4, dtype=torch.float64)
    whole, first, second = (MAKERS[kind](SOME) for _ in range(3))
    for gradient in gradients:
        whole.step(gradient, 0.7)
    for gradient in gradients[:3]:
        first.step(gradient, 0.7)
    second.restore(first.state())
    for gradient in gradients[3:]:
        second.step(gradient, 0.7)
    assert torch.equal(second.probabilities(), whole.probabilities())


def test_a_projected_step_is_that_of_the_paper_with_the_clamp() -> None:
    distribution = simplex(rows=1, learning_rate=0.5)
    p = np.full(4, 0.25)
    for gradient in ([0.3, -0.1, 0.0, 0.2], [2.0, -1.0, 0.1, 0.0], [0.0, 0.4, -0.4, 0.1]):
        distribution.step(torch.tensor([gradient], dtype=torch.float64), 0.8)
        p = np.maximum(p - 0.8 * 0.5 * np.array(gradient), FLOOR)
        p /= p.sum()
        assert distribution.probabilities()[0].tolist() == pytest.approx(p)
    # Without the clamp, the second step leaves the simplex.
    assert p.min() < 2 * FLOOR


def test_an_exponentiated_step_is_that_of_gaea() -> None:
    distribution = simplex(rows=1, exponentiated=True, learning_rate=0.5)
    p = np.full(4, 0.25)
    for gradient in ([0.3, -0.1, 0.0, 0.2], [20.0, -10.0, 0.1, 0.0], [0.0, 0.4, -0.4, 0.1]):
        distribution.step(torch.tensor([gradient], dtype=torch.float64), 1.0)
        p = np.maximum(p * np.exp(-0.5 * np.array(gradient)), FLOOR)
        p /= p.sum()
        assert distribution.probabilities()[0].tolist() == pytest.approx(p)


def test_normalised_steps_do_not_depend_on_the_scale_of_the_gradient() -> None:
    torch.manual_seed(0)
    gradients = torch.randn(20, 2, 4, dtype=torch.float64)
    ends = []
    for factor, offset in ((1.0, 0.0), (1e3, 0.0), (1e-3, 0.0), (1.0, 50.0)):
        distribution = simplex(allowed=SOME, normalised=True, learning_rate=0.01)
        for gradient in gradients:
            # What all allowed operations share moves nothing along the simplex.
            distribution.step(factor * gradient + offset, 1.0)
        ends.append(distribution.probabilities().detach().numpy())
    for end in ends[1:]:
        assert end == pytest.approx(ends[0], rel=1e-6)


def test_a_normalised_step_is_cut_where_the_gradient_is_unusual() -> None:
    distribution = simplex(rows=1, normalised=True, learning_rate=0.01)
    gradients = [[1e-3, -1e-3, 1e-3, -1e-3]] * 10 + [[900.0, -300.0, -300.0, 0.0]]
    p, squares = np.full(4, 0.25), 0.0
    for step, gradient in enumerate(gradients, start=1):
        distribution.step(torch.tensor([gradient], dtype=torch.float64), 1.0)
        tangent = np.array(gradient) - np.mean(gradient)
        squares = 0.95 * squares + 0.05 * np.mean(tangent**2)
        direction = tangent / math.sqrt(squares / (1 - 0.95**step))
        p = np.maximum(p - 0.01 * direction.clip(-3, 3), FLOOR)
        p /= p.sum()
        assert distribution.probabilities()[0].tolist() == pytest.approx(p)
    assert direction.max() > 3


def test_probabilities_may_start_anywhere() -> None:
    distribution = simplex(rows=1)
    given_rows = np.array([[0.1, 0.2, 0.3, 0.4]])
    distribution.set_probabilities(given_rows)
    given_rows[:] = 0
    assert distribution.probabilities().tolist() == [[0.1, 0.2, 0.3, 0.4]]


def adam(start: float, gradients: list[float], rate: float, decay: float) -> float:
    """Adam with the betas of DARTS, written out (Kingma and Ba, Algorithm 1)."""
    value, mean, square = start, 0.0, 0.0
    for step, gradient in enumerate(gradients, start=1):
        gradient += decay * value
        mean, square = 0.5 * mean + 0.5 * gradient, 0.999 * square + 0.001 * gradient**2
        change = (mean / (1 - 0.5**step)) / (math.sqrt(square / (1 - 0.999**step)) + 1e-8)
        value -= rate * change
    return value


def test_logits_learn_by_adam() -> None:
    torch.manual_seed(0)
    gradients = torch.randn(5, 1, 4, dtype=torch.float64)
    distribution = LogitDistribution(1, SOME, learning_rate=0.1, weight_decay=0.01)
    for gradient in gradients:
        distribution.step(gradient, 0.5)
    logits = [adam(0.0, gradients[:, 0, i].tolist(), 0.05, 0.01) for i in (1, 2, 3)]
    softmax = np.exp(logits) / np.exp(logits).sum()
    assert distribution.probabilities()[0].tolist() == pytest.approx([0.0, *softmax])


def test_the_probabilities_of_a_dirichlet_distribution_are_its_mean() -> None:
    torch.manual_seed(0)
    distribution = DirichletDistribution(2, SOME, learning_rate=0.5, weight_decay=0.0)
    for _ in range(4):
        distribution.step(torch.randn(2, 4, dtype=torch.float64), 1.0)
    concentration = distribution.concentration()
    raised = torch.where(
        distribution.parameters > 0,
        distribution.parameters + 1,
        distribution.parameters.exp(),
    )
    assert torch.allclose(concentration, raised)
    drawn = torch.stack([distribution.draw_probabilities() for _ in range(4000)]).detach()
    assert (drawn[:, :, 0] == 0).all()
    assert torch.allclose(drawn.sum(dim=2), torch.ones(4000, 2, dtype=torch.float64))
    p = distribution.probabilities().detach()
    alpha = concentration[:, 1:].detach()
    total = alpha.sum(dim=1, keepdim=True)
    variance = (p[:, 1:] * (1 - p[:, 1:])) / (total + 1)
    error = (drawn.mean(dim=0)[:, 1:] - p[:, 1:]).abs()
    assert (error < 5 * (variance / 4000).sqrt()).all()
    assert drawn.var(dim=0)[:, 1:].numpy() == pytest.approx(variance.numpy(), rel=0.2)


def test_gradients_pass_a_draw_of_probabilities() -> None:
    distribution = DirichletDistribution(1, SOME, learning_rate=0.1, weight_decay=0.0)
    torch.manual_seed(0)
    means = []
    for _ in range(4000):
        (gradient,) = torch.autograd.grad(
            distribution.draw_probabilities()[0, 1], distribution.parameters
        )
        means.append(gradient[0])
    estimated = torch.stack(means).mean(dim=0)
    (exact,) = torch.autograd.grad(distribution.probabilities()[0, 1], distribution.parameters)
    assert estimated.tolist() == pytest.approx(exact[0].tolist(), abs=0.02)


def test_architectures_are_drawn_from_the_probabilities() -> None:
    edges = CellEdges(cells.get("nas-bench-201"))
    distribution = simplex(rows=1, allowed=[True] * 5)
    distribution.set_probabilities(np.array([[0.0, 0.2, 0.0, 0.8, 0.0]]))
    codes = distribution.draw(edges, 500, np.random.default_rng(0))
    assert np.bincount(codes.ravel(), minlength=5) / codes.size == pytest.approx(
        [0, 0.2, 0, 0.8, 0], abs=0.04
    )
