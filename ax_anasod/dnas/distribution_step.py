"""The distribution of a method, and its step: the gradient of the validation loss, the move."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ax_anasod.dnas.controller import Controller
from ax_anasod.dnas.distribution import (
    DirichletDistribution,
    Distribution,
    LogitDistribution,
    SimplexDistribution,
)
from ax_anasod.dnas.edges import CellEdges, Probabilities
from ax_anasod.dnas.estimators import choose, score_gradient
from ax_anasod.dnas.methods import MethodConfig
from ax_anasod.dnas.supernet import SuperNetwork
from ax_anasod.training.step import Step, is_out_of_memory

Result = TypeVar("Result")

# Share of the search over which the steps of p grow from 0, where they decay.
_WARM_UP: Final = 0.1
# A normalised step, in probability, where a search has few steps to travel in.
_LARGEST_STEP: Final = 0.2


def make_distribution(
    method: MethodConfig, edges: CellEdges, steps: int, start: Probabilities | None, seed: int
) -> Distribution:
    """The distribution that a method learns, before its first step.

    Args:
        method: The method.
        edges: The edges of the cell.
        steps: Steps of the whole search.
        start: ``1 x k`` or ``E x k``, p of methods whose p lies on the simplex; uniform by
            default.
        seed: What the weights of a controller are drawn from.
    """
    rows = 1 if method.shared else edges.num_edges
    closed = edges.zeros if method.without_zero else ()
    allowed = [i not in closed for i in range(edges.cell.num_operations)]
    if method.update == "controller":
        return Controller(edges, allowed, method.learning_rate, seed)
    if method.update == "adam":
        return LogitDistribution(rows, allowed, method.learning_rate, method.weight_decay)
    if method.update == "dirichlet":
        return DirichletDistribution(rows, allowed, method.learning_rate, method.weight_decay)
    rate = method.learning_rate
    if method.travel is not None:
        mean_share = 0.5 if method.decay else 1.0
        rate = min(method.travel / steps / mean_share, _LARGEST_STEP)
    distribution = SimplexDistribution(
        rows,
        allowed,
        exponentiated=method.update == "exponentiated",
        learning_rate=rate,
        normalised=method.travel is not None,
    )
    if start is not None:
        distribution.set_probabilities(start)
    return distribution


class DistributionStep:
    """Moves p by what one batch of validation images says.

    Args:
        supernet: The supernet.
        distribution: The distribution.
        method: How it learns.
        weights_step: The step of the weights, which says in how many parts a batch fits the
            memory.
    """

    def __init__(
        self,
        supernet: SuperNetwork,
        distribution: Distribution,
        method: MethodConfig,
        weights_step: Step,
    ) -> None:
        self._supernet, self._distribution, self._method = supernet, distribution, method
        self._step, self._config = weights_step, weights_step.config
        self._device = weights_step.fabric.device
        self._loss = nn.CrossEntropyLoss(label_smoothing=self._config.label_smoothing)
        # The gradient passes activations in half precision, which would lose small ones.
        half = weights_step.fabric.strategy.precision.precision == "16-mixed"
        self._scale = 1024.0 if half else 1.0

    def __call__(
        self,
        shown: tuple[Tensor, Tensor],
        batch: tuple[Tensor, Tensor],
        rng: np.random.Generator,
        temperature: float,
        progress: float,
    ) -> float | Tensor:
        """One step of p; the mean loss.

        Args:
            shown: Images and labels that p learns from.
            batch: Those of the next step of the weights (second order).
            rng: Where draws come from.
            temperature: Of Gumbel noise.
            progress: Which share of the search is done.
        """
        method, distribution = self._method, self._distribution
        loss: float | Tensor
        number = len(shown[0])
        if method.learned_by in ("path", "uniform-path"):
            loss, gradient = score_gradient(
                self._supernet,
                distribution,
                lambda: self._retried(lambda: self._loss_of(*shown), number),
                method.draws,
                rng,
            )
        else:
            choose(self._supernet, distribution, method.learned_by, rng, temperature)
            weights = self._supernet.choice.weights
            if weights is None:
                raise TypeError(f"{method.learned_by} carries no gradient")
            if method.second_order:
                loss, of_weights = self._retried(
                    lambda: self._unrolled(shown, batch, weights), number
                )
            else:
                loss, of_weights = self._retried(lambda: self._gradient(*shown), number)
            (gradient,) = torch.autograd.grad(
                weights, distribution.parameters, grad_outputs=of_weights
            )
        if method.logsumexp:
            strength = method.logsumexp * (progress * self._config.epochs // 1)
            strength /= self._config.epochs
            logits = distribution.parameters[:, distribution.allowed]
            penalty = strength * torch.logsumexp(logits, dim=1).mean()
            gradient = gradient + torch.autograd.grad(penalty, distribution.parameters)[0]
        if torch.isfinite(gradient).all():
            # In half precision a gradient may overflow: that step is left out.
            # At first the weights have learned nothing, and the gradient is noise.
            warm = min(progress / _WARM_UP, 1.0)
            share = warm * (1 + math.cos(math.pi * progress)) / 2 if method.decay else 1.0
            distribution.step(gradient, share)
        return loss

    def _gradient(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss, and its gradient for the weights of the choice, ``E x k``."""
        choice = self._supernet.choice
        kept = choice.weights
        leaf = choice.weights = kept.detach().requires_grad_()  # type: ignore[union-attr]
        try:
            total, gradient = torch.zeros((), device=self._device), torch.zeros_like(leaf)
            for part, targets, share in self._parts(images, labels):
                loss = self._loss(self._logits(part), targets) * share
                # An architecture without any operation has no gradient.
                (of_part,) = torch.autograd.grad(loss * self._scale, leaf, allow_unused=True)
                total += loss.detach()
                if of_part is not None:
                    gradient += of_part / self._scale
            return total, gradient
        finally:
            choice.weights = kept

    def _parts(self, images: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor, float]]:
        """The parts of a batch that fit the memory, and their shares of it."""
        size = math.ceil(len(images) / self._step.parts)
        parts = zip(torch.split(images, size), torch.split(labels, size), strict=True)
        return ((part, targets, len(part) / len(images)) for part, targets in parts)

    def _retried(self, compute: Callable[[], Result], images: int) -> Result:
        """A computation, in smaller parts where it does not fit the memory of the device."""
        try:
            return compute()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            self._step.take_smaller_parts(images, error)
        try:
            return compute()
        except RuntimeError as error:
            if is_out_of_memory(error):
                self._step.take_smaller_parts(images, error)
            raise

    def _unrolled(
        self, shown: tuple[Tensor, Tensor], batch: tuple[Tensor, Tensor], weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The `_gradient` at the weights one step on, with the step's own dependence on p.

        The second derivatives are differences of first ones.

        Source: Liu et al., "DARTS" (ICLR 2019), Eqs. 7 and 8.
        """
        config, optimizer = self._config, self._step.optimizer
        learned = [w for w in self._supernet.parameters() if w.requires_grad]
        rate = optimizer.param_groups[0]["lr"]
        before = [w.detach().clone() for w in learned]

        def shift(directions: Sequence[Tensor | None], by: float) -> None:
            with torch.no_grad():
                for weight, start, direction in zip(learned, before, directions, strict=True):
                    weight.copy_(start if direction is None else start + by * direction)

        def gradients(of: tuple[Tensor, Tensor]) -> list[Tensor | None]:
            total: list[Tensor | None] = [None] * len(learned)
            for part, targets, share in self._parts(*of):
                loss = self._loss(self._logits(part), targets) * share
                new = torch.autograd.grad(loss, learned, allow_unused=True)
                total = [
                    b if a is None else a if b is None else a + b
                    for a, b in zip(total, new, strict=True)
                ]
            return total

        self._supernet.choice.weights = weights.detach()
        step = [
            None if g is None else g + config.weight_decay * w.detach()
            for g, w in zip(gradients(batch), learned, strict=True)
        ]
        states = [optimizer.state[w].get("momentum_buffer") for w in learned]
        moves = [
            g if g is None or m is None else g + config.momentum * m
            for g, m in zip(step, states, strict=True)
        ]
        try:
            shift(moves, -rate)
            loss, gradient = self._gradient(*shown)
            of_weights = gradients(shown)
            norm = math.sqrt(sum(float((g**2).sum()) for g in of_weights if g is not None))
            if norm == 0:
                return loss, gradient
            width = 0.01 / norm
            ends = []
            for sign in (1.0, -1.0):
                shift(of_weights, sign * width)
                ends.append(self._gradient(*batch)[1])
        finally:
            shift([None] * len(learned), 0.0)
        return loss, gradient - rate * (ends[0] - ends[1]) / (2 * width)

    def teach_controller(
        self, batches: Iterator[tuple[Tensor, Tensor]], rng: np.random.Generator
    ) -> float:
        """The steps of an epoch of the controller; the mean loss of its draws.

        Args:
            batches: Endless batches of images that it learns from, one for each draw.
            rng: Where draws come from.
        """
        method, edges = self._method, self._supernet.edges
        controller: Controller = self._distribution  # type: ignore[assignment]
        total = 0.0
        for _ in range(method.controller_steps):
            codes, scores, entropies = controller.propose(edges, method.draws, rng)
            rewards = []
            for code, (images, labels) in zip(codes, batches, strict=False):
                self._supernet.choose(code)
                logits = self._retried(partial(self._classified, images, labels), len(images))
                total += float(functional.cross_entropy(logits.float(), labels))
                rewards.append(float((logits.argmax(dim=1) == labels).double().mean()))
            controller.learn(torch.tensor(rewards, dtype=torch.float64), scores, entropies)
        return total / (method.controller_steps * method.draws)

    @torch.no_grad()
    def _loss_of(self, images: Tensor, labels: Tensor) -> float:
        parts = self._parts(images, labels)
        return sum(
            share * float(self._loss(self._logits(part), targets)) for part, targets, share in parts
        )

    @torch.no_grad()
    def _classified(self, images: Tensor, labels: Tensor) -> Tensor:
        return torch.cat([self._logits(part) for part, _, _ in self._parts(images, labels)])

    def _logits(self, images: Tensor) -> Tensor:
        # Fabric's own module, in mixed precision, allows no gradients but those that it asks for.
        fabric = self._step.fabric
        with fabric.autocast():
            logits = self._supernet(images)
        converted: Tensor = fabric.strategy.precision.convert_output(logits)
        return converted
