"""The distribution of operations that a differentiable search learns, and how it learns."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ax_anasod.dnas.edges import CellEdges, Probabilities
from ax_anasod.typing import Codes

# The clamp of gaea_release: without it, a gradient step leaves the simplex.
_FLOOR: Final = 1e-5
# The sum of some exponentials of it is finite still.
_MOST_EXPONENT: Final = 600.0
# Decay of the running mean of squared gradients, about the last twenty steps.
_MEMORY: Final = 0.95


class Distribution(ABC):
    """Probabilities of k operations: one row for all edges of a cell, or one for each.

    Args:
        rows: 1 where all edges share one distribution (the paper's encoding), else E.
        allowed: ``k`` truth values: operations that are not allowed have probability 0.

    Attributes:
        parameters: ``rows x k`` numbers that are learned, on the CPU in double precision.
    """

    parameters: Tensor

    def __init__(self, rows: int, allowed: Sequence[bool]) -> None:
        self.rows = rows
        self.allowed = torch.tensor(allowed)

    @abstractmethod
    def probabilities(self) -> Tensor:
        """``rows x k`` probabilities, through which gradients reach the parameters."""

    def log_probabilities(self) -> Tensor:
        """The logarithms of `probabilities`, of which those of 0 carry no gradient."""
        # The derivative of log 0 is infinite, and would be times 0 in the gradients of all.
        positive = torch.where(self.allowed, self.probabilities(), 1.0)
        return positive.log().masked_fill(~self.allowed, -torch.inf)

    @abstractmethod
    def step(self, gradient: Tensor, share: float) -> None:
        """Descend along a gradient.

        Args:
            gradient: ``rows x k``, the gradient of the loss with respect to `parameters`.
            share: Which share of the largest step is made, in [0, 1]: its schedule.
        """

    def draw(self, edges: CellEdges, n: int, rng: np.random.Generator) -> Codes:
        """Draw architectures, ``n x d`` codes; see `CellEdges.draw`."""
        return edges.draw(edges.spread(self.probabilities().detach().numpy()), n, rng)

    def entropy(self) -> float:
        """Mean entropy of the rows, in nats."""
        probabilities = self.probabilities().detach()
        return float(torch.special.entr(probabilities).sum(dim=1).mean())

    def state(self) -> dict[str, Any]:
        """The state that a checkpoint keeps."""
        return {"parameters": self.parameters.detach().clone()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave."""
        self._set(state["parameters"])

    def _set(self, values: Tensor) -> None:
        self.parameters = values.detach().clone().requires_grad_()

    def _uniform(self) -> Tensor:
        return (self.allowed / self.allowed.sum()).double().repeat(self.rows, 1)


class SimplexDistribution(Distribution):
    """Probabilities that are learned themselves, and stay on the simplex.

    A projected step is the paper's: ``p - rate * gradient``, clamped at 1e-5 and divided by
    its sum (without the clamp p leaves the simplex). An exponentiated step multiplies by
    ``exp(-rate * gradient)`` instead, as the code does that the paper was built on.

    Normalised steps do not depend on how many cells and blocks add up their gradients, nor on
    how steep the loss is: the gradient is taken along the simplex (its mean is subtracted) and
    divided by the root of the running mean of its squares, and its entries are cut at 3.

    Source: paper, Algorithm 1; Li et al., "Geometry-aware gradient algorithms for neural
    architecture search" (ICLR 2021); the normalisation is ours.

    Args:
        rows: As in `Distribution`.
        allowed: As in `Distribution`.
        exponentiated: Whether steps are exponentiated.
        learning_rate: The largest rate.
        normalised: Whether steps are normalised.
    """

    def __init__(
        self,
        rows: int,
        allowed: Sequence[bool],
        *,
        exponentiated: bool,
        learning_rate: float,
        normalised: bool,
    ) -> None:
        super().__init__(rows, allowed)
        self._exponentiated, self._rate, self._normalised = (
            exponentiated,
            learning_rate,
            normalised,
        )
        self._squares, self._steps = 0.0, 0
        self._set(self._uniform())

    def probabilities(self) -> Tensor:
        """The parameters themselves."""
        return self.parameters

    def set_probabilities(self, values: Probabilities) -> None:
        """Start from ``rows x k`` probabilities."""
        self._set(torch.from_numpy(values.copy()))

    def step(self, gradient: Tensor, share: float) -> None:
        """Make a step on the simplex."""
        rate = self._rate * share
        gradient = torch.where(self.allowed, gradient, 0.0)
        if self._normalised:
            gradient = self._direction(gradient)
        if self._exponentiated:
            moved = self.parameters * torch.exp((-rate * gradient).clamp(max=_MOST_EXPONENT))
        else:
            moved = self.parameters - rate * gradient
        moved = torch.where(self.allowed, moved.clamp(min=_FLOOR), 0.0)
        self._set(moved / moved.sum(dim=1, keepdim=True))

    def _direction(self, gradient: Tensor) -> Tensor:
        tangent = gradient - gradient.sum(dim=1, keepdim=True) / self.allowed.sum()
        tangent = torch.where(self.allowed, tangent, 0.0)
        square = float((tangent**2).sum() / (self.rows * self.allowed.sum()))
        self._squares = _MEMORY * self._squares + (1 - _MEMORY) * square
        self._steps += 1
        mean = self._squares / (1 - _MEMORY**self._steps)
        return (tangent / (math.sqrt(mean) + 1e-12)).clamp(-3, 3)

    def state(self) -> dict[str, Any]:
        """The probabilities, and the running mean of the squared gradients."""
        return {**super().state(), "squares": self._squares, "steps": self._steps}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave."""
        super().restore(state)
        self._squares, self._steps = state["squares"], state["steps"]


class _Adam(Distribution):
    """Parameters without bounds, which Adam learns."""

    def __init__(
        self, rows: int, allowed: Sequence[bool], learning_rate: float, weight_decay: float
    ) -> None:
        super().__init__(rows, allowed)
        self._set(torch.zeros(rows, len(allowed), dtype=torch.float64))
        self._rate = learning_rate
        self._adam = torch.optim.Adam(
            [self.parameters], lr=learning_rate, betas=(0.5, 0.999), weight_decay=weight_decay
        )

    def step(self, gradient: Tensor, share: float) -> None:
        self.parameters.grad = torch.where(self.allowed, gradient, 0.0)
        self._adam.param_groups[0]["lr"] = self._rate * share
        self._adam.step()

    def state(self) -> dict[str, Any]:
        return {**super().state(), "adam": self._adam.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            self.parameters.copy_(state["parameters"])
        self._adam.load_state_dict(state["adam"])


class LogitDistribution(_Adam):
    """The softmax of logits (DARTS, GDAS, SETN).

    Source: Liu et al., "DARTS: Differentiable architecture search" (ICLR 2019): Adam with
    betas 0.5 and 0.999.

    Args:
        rows: As in `Distribution`.
        allowed: As in `Distribution`.
        learning_rate: Of Adam.
        weight_decay: Of Adam, on the logits.
    """

    def probabilities(self) -> Tensor:
        """The softmax over the operations that are allowed."""
        logits = self.parameters.masked_fill(~self.allowed, -torch.inf)
        return torch.softmax(logits, dim=1)


class DirichletDistribution(_Adam):
    """A Dirichlet distribution over the probabilities of each row.

    Source: Chen et al., "DrNAS: Dirichlet neural architecture search" (ICLR 2021): the
    concentrations are ``elu(parameters) + 1``.

    Args:
        rows: As in `Distribution`.
        allowed: As in `Distribution`.
        learning_rate: Of Adam.
        weight_decay: Of Adam, on the parameters.
    """

    def concentration(self) -> Tensor:
        """``rows x k`` concentrations; those of operations that are not allowed are not used."""
        return functional.elu(self.parameters) + 1

    def probabilities(self) -> Tensor:
        """The mean of the Dirichlet distribution."""
        concentration = torch.where(self.allowed, self.concentration(), 0.0)
        return concentration / concentration.sum(dim=1, keepdim=True)

    def draw_probabilities(self) -> Tensor:
        """Probabilities ``rows x k`` drawn with torch's generator; gradients pass the draw."""
        allowed = self.allowed.nonzero().flatten()
        drawn = torch.distributions.Dirichlet(self.concentration()[:, allowed]).rsample()
        return torch.zeros_like(self.parameters).index_copy(1, allowed, drawn)
