"""The computation of a supernet in a step, and the gradient of its distribution by draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ax_anasod.dnas.distribution import DirichletDistribution, Distribution
from ax_anasod.dnas.edges import CellEdges, Probabilities
from ax_anasod.dnas.supernet import SuperNetwork

SINGLE_PATH: Final = ("straight-through", "path", "uniform-path")
"""The estimators that compute one operation on each edge."""


def uniform_probabilities(distribution: Distribution, edges: CellEdges) -> Probabilities:
    """The same probability for all operations that are allowed, ``E x k``."""
    allowed = distribution.allowed.double().numpy()
    return np.tile(allowed / allowed.sum(), (edges.num_edges, 1))


def choose(
    supernet: SuperNetwork,
    distribution: Distribution,
    kind: str,
    rng: np.random.Generator,
    temperature: float,
) -> None:
    """Draw what has to be drawn, and let the supernet compute it.

    Gradients reach the parameters of the distribution, but for paths.

    Args:
        supernet: The supernet.
        distribution: The distribution of the operations.
        kind: One of `ax_anasod.dnas.methods.Estimator`.
        rng: Where architectures and Gumbel noise are drawn from; a Dirichlet distribution is
            drawn from with torch's global generator.
        temperature: Of Gumbel noise.
    """
    edges = supernet.edges
    if kind == "path":
        supernet.choose(distribution.draw(edges, 1, rng)[0])
    elif kind == "uniform-path":
        supernet.choose(edges.draw(uniform_probabilities(distribution, edges), 1, rng)[0])
    elif kind == "mixture":
        supernet.mix(_on_edges(distribution.probabilities(), supernet))
    elif kind == "dirichlet":
        if not isinstance(distribution, DirichletDistribution):
            raise TypeError(f"{type(distribution).__name__} has no Dirichlet distribution")
        supernet.mix(_on_edges(distribution.draw_probabilities(), supernet))
    else:
        logarithms = _on_edges(distribution.log_probabilities(), supernet)
        noise = torch.from_numpy(rng.gumbel(size=logarithms.shape)).to(logarithms)
        relaxed = torch.softmax((logarithms + noise) / temperature, dim=1)
        if kind == "gumbel":
            supernet.mix(relaxed)
        else:
            _choose_hard(supernet, relaxed, rng)


def _choose_hard(supernet: SuperNetwork, relaxed: Tensor, rng: np.random.Generator) -> None:
    """The likeliest operation of each edge, with the gradient of the relaxed weights.

    Source: Dong and Yang, "Searching for a robust neural architecture in four GPU hours"
    (CVPR 2019).
    """
    edges = supernet.edges
    operations = relaxed.detach().argmax(dim=1)
    # Any architecture has a wiring, drawn uniformly.
    code = edges.cell.sample(1, rng)[0]
    blocks = edges.of(code[None])[0]
    code[: edges.cell.num_blocks] = operations.cpu().numpy()[blocks]
    one = functional.one_hot(operations, relaxed.shape[1]).to(relaxed.dtype)
    supernet.choose(code, one - relaxed.detach() + relaxed)


def _on_edges(rows: Tensor, supernet: SuperNetwork) -> Tensor:
    """``rows x k`` numbers as ``E x k`` single-precision ones on the supernet's device."""
    device = next(supernet.parameters()).device
    return rows.float().to(device).expand(supernet.edges.num_edges, -1)


def score_gradient(
    supernet: SuperNetwork,
    distribution: Distribution,
    loss: Callable[[], float],
    draws: int,
    rng: np.random.Generator,
) -> tuple[float, Tensor]:
    """The gradient of the expected loss, from the losses of a few drawn architectures.

    Each is compared with the mean of the others (leave-one-out baseline).

    Source: Williams, "Simple statistical gradient-following algorithms for connectionist
    reinforcement learning" (1992).

    Args:
        supernet: The supernet.
        distribution: A distribution that is learned by gradients.
        loss: The loss of what the supernet has chosen.
        draws: How many architectures, at least 2.
        rng: Where they are drawn from.

    Returns:
        The mean loss, and the gradient ``rows x k`` for the parameters.
    """
    edges = supernet.edges
    codes = distribution.draw(edges, draws, rng)
    losses = np.empty(draws)
    for i, code in enumerate(codes):
        supernet.choose(code)
        losses[i] = loss()
    advantages = (losses - losses.mean()) * draws / (draws - 1)
    logarithms = distribution.log_probabilities().expand(edges.num_edges, -1)
    blocks = torch.from_numpy(codes[:, : edges.cell.num_blocks])
    scores = logarithms[torch.from_numpy(edges.of(codes)), blocks].sum(dim=1)
    expected = (scores * torch.from_numpy(advantages)).mean()
    return float(losses.mean()), torch.autograd.grad(expected, distribution.parameters)[0]
