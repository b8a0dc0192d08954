"""Proxies of one network: what its first weights say of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ax_anasod.networks import Network

# The constant published with jacov; it bounds the cost of images with equal gradients.
_FLOOR: Final = 1e-5


@dataclass(frozen=True)
class Scores:
    """The proxies of a network that has its first weights, computed when they are asked for.

    Patterns of activation are those of `torch.nn.ReLU` modules.

    Args:
        network: The network, in training mode; its parameters stay as they are.
        images: ``b x c x h x w`` images.
        labels: ``b`` classes.
    """

    network: Network
    images: Tensor
    labels: Tensor

    @cached_property
    def synflow(self) -> float:
        """The logarithm of 1 + the synaptic flow, which spans orders of magnitude.

        The sum of ``|w dR/dw|`` over the weights of convolutions and linear layers, where R is
        the sum of the logits of an image of ones in a network with the absolute values of its
        weights, and without normalisation (batch normalisation of a new network in evaluation
        mode).
        """
        network = self.network
        absolute: dict[Tensor, Tensor] = {
            w: w.detach().double().abs().requires_grad_() for w in network.parameters()
        }
        named = {name: absolute[weight] for name, weight in network.named_parameters()}
        state = {
            n: b.to(torch.double, copy=True)
            for n, b in network.named_buffers()
            if b.is_floating_point()
        }
        for name, module in network.named_modules():
            if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
                state[f"{name}.running_mean"].zero_()
                state[f"{name}.running_var"].fill_(1.0)
        image = torch.ones_like(self.images[:1], dtype=torch.double)
        network.eval()
        try:
            # Not on a copy, which would take twice as long as the flow itself.
            logits = torch.func.functional_call(network, {**named, **state}, (image,))
        finally:
            network.train()
        weights = [absolute[weight] for weight in _weights(network)]
        flows = torch.autograd.grad(logits.sum(), weights, allow_unused=True)
        parts = [w * g for w, g in zip(weights, flows, strict=True) if g is not None]
        return math.log1p(sum(float(part.detach().sum()) for part in parts))

    @cached_property
    def naswot(self) -> float:
        """The log determinant of 1 + the kernel of activation patterns.

        The kernel of two images is the number of rectified units that are on for both, or off
        for both. The 1 is what networks need whose images have equal patterns.
        """
        signs = self._signs
        on, off = signs.double(), (~signs).double()
        kernel = on @ on.T + off @ off.T
        return float(torch.linalg.slogdet(kernel + torch.eye(len(kernel)))[1])

    @cached_property
    def swap(self) -> float:
        """The number of different patterns over the images that the rectified units have."""
        bits = 2 ** torch.arange(len(self.images))
        return float(len(torch.unique(bits @ self._signs.long())))

    @cached_property
    def jacov(self) -> float:
        """Minus the sum of ``log v + 1 / v`` over the eigenvalues v of a correlation matrix.

        That of the gradients of the sum of logits by each image; an image without gradient
        correlates with none, not even itself. 1e-5 is added to each eigenvalue.
        """
        gradients = self._input_gradients
        if not gradients.isfinite().all():
            return math.nan
        centred = gradients - gradients.mean(dim=1, keepdim=True)
        norms = centred.norm(dim=1, keepdim=True)
        rows = torch.where(norms > 0, centred / norms, 0.0)
        values = torch.linalg.eigvalsh(rows @ rows.T).clamp(min=0) + _FLOOR
        return float(-(values.log() + 1 / values).sum())

    @cached_property
    def zico(self) -> float:
        """The sum over layers of the log of summed mean absolute gradients over their deviation.

        Over two halves of the images, for each weight of a convolution or linear layer.
        """
        weights = _weights(self.network)
        halves = []
        for images, labels in zip(self.images.chunk(2), self.labels.chunk(2), strict=True):
            loss = functional.cross_entropy(_logits(self.network, images), labels)
            halves.append(torch.autograd.grad(loss, weights, allow_unused=True))
        total = 0.0
        for first, second in zip(*halves, strict=True):
            if first is None or second is None:
                continue
            deviation = (first - second).abs().double() / 2
            moves = deviation != 0
            ratio = ((first.abs() + second.abs()).double() / 2)[moves] / deviation[moves]
            if len(ratio):
                total += float(ratio.sum().log())
        return total

    @cached_property
    def _forward(self) -> tuple[Tensor, Tensor]:
        """Signs ``b x u`` of all rectified units, and the gradients ``b x p`` by the images."""
        images = self.images.clone().requires_grad_()
        with _recorded(self.network) as signs:
            total = _logits(self.network, images).sum()
        (gradient,) = torch.autograd.grad(total, images)
        none = torch.zeros((len(images), 0), dtype=torch.bool)
        return torch.cat([none, *signs], dim=1), gradient.flatten(1).double()

    @property
    def _signs(self) -> Tensor:
        return self._forward[0]

    @property
    def _input_gradients(self) -> Tensor:
        return self._forward[1]


def _weights(network: Network) -> list[Tensor]:
    return [m.weight for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def _logits(network: Network, images: Tensor) -> Tensor:
    logits: Tensor = network(images)
    return logits


@contextmanager
def _recorded(network: Network) -> Iterator[list[Tensor]]:
    """Record which units of each ReLU are on."""
    signs: list[Tensor] = []

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        signs.append((output.detach() > 0).flatten(1))

    handles = [
        module.register_forward_hook(record)
        for module in network.modules()
        if isinstance(module, nn.ReLU)
    ]
    try:
        yield signs
    finally:
        for handle in handles:
            handle.remove()
