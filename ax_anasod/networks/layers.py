"""Layers that the operations and the skeletons are made of.

Every layer takes images ``b x c_in x h x w`` of any size and gives
``b x c_out x ceil(h / stride) x ceil(w / stride)``, so that odd sizes fit together, too.

Source: the networks of Liu et al., "DARTS" (ICLR 2019), and of Dong and Yang,
"NAS-Bench-201" (ICLR 2020), which agree in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from ax_anasod.settings import ProperFraction, check_value

OperationFactory: TypeAlias = Callable[[int, int, int], nn.Module]
"""A function from incoming channels, outgoing channels and stride (1 or 2) to a module.

The module maps images ``b x c_in x h x w`` to
``b x c_out x ceil(h / stride) x ceil(w / stride)``.
"""


class PointwiseConv(nn.Conv2d):
    """A 1x1 convolution of every ``stride``-th pixel, without a bias.

    Args:
        c_in: Channels that come in.
        c_out: Channels that go out.
        stride: 1 or 2.
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__(c_in, c_out, 1, bias=False)
        self.step = stride

    def forward(self, images: Tensor) -> Tensor:
        """Map ``b x c_in x h x w`` to ``b x c_out x ceil(h / stride) x ceil(w / stride)``."""
        # With the stride left to oneDNN, the gradient of the weights is written past its memory
        # on CPUs with AVX2 where fewer than 8 channels come in, stored pixel by pixel: wrong
        # weights, or an abort (uxlfoundation/oneDNN#6035).
        return super().forward(images[:, :, :: self.step, :: self.step])


class ReLUConvBN(nn.Sequential):
    """Rectify, convolve, normalise.

    Args:
        c_in: Channels that come in.
        c_out: Channels that go out.
        kernel_size: Odd width of the kernel.
        stride: 1 or 2.
    """

    def __init__(self, c_in: int, c_out: int, kernel_size: int, stride: int = 1) -> None:
        conv = (
            PointwiseConv(c_in, c_out, stride)
            if kernel_size == 1
            else nn.Conv2d(c_in, c_out, kernel_size, stride, kernel_size // 2, bias=False)
        )
        super().__init__(nn.ReLU(), conv, nn.BatchNorm2d(c_out))


class FactorizedReduction(nn.Module):
    """Halve the size: two strided 1x1 convolutions, of the even and of the odd pixels.

    Args:
        c_in: Channels that come in.
        c_out: Channels that go out, half of them (rounded down) from the even pixels.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.even = PointwiseConv(c_in, c_out // 2, stride=2)
        self.odd = PointwiseConv(c_in, c_out - c_out // 2, stride=2)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, images: Tensor) -> Tensor:
        """Map ``b x c_in x h x w`` to half the size."""
        images = functional.relu(images)
        # Images of an odd size have fewer odd pixels than even ones: a row of zeros is added.
        shifted = functional.pad(images, (0, 1, 0, 1))[:, :, 1:, 1:]
        halves = torch.cat([self.even(images), self.odd(shifted)], dim=1)
        return self.norm(halves)  # type: ignore[no-any-return]


class Zero(nn.Module):
    """An operation that passes nothing on: its output is zero.

    Args:
        c_in: Channels that come in.
        c_out: Channels that go out.
        stride: 1 or 2.
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.c_in, self.c_out, self.stride = c_in, c_out, stride

    def forward(self, images: Tensor) -> Tensor:
        """Zeros of the size that other operations would give."""
        # A product, not new zeros: what comes before still gets a gradient, of zero, which
        # weight decay and distributed training count on.
        zeros = images[:, :, :: self.stride, :: self.stride] * 0
        if self.c_in != self.c_out:
            zeros = zeros[:, :1].expand(-1, self.c_out, -1, -1)
        return zeros


class Pool(nn.Sequential):
    """Pool over 3x3 pixels; of other channels, after a 1x1 convolution.

    Args:
        pool: The pooling layer.
        c_in: Channels that come in.
        c_out: Channels that go out.
    """

    def __init__(self, pool: nn.Module, c_in: int, c_out: int) -> None:
        change = [] if c_in == c_out else [ReLUConvBN(c_in, c_out, 1)]
        super().__init__(*change, pool)


def avg_pool(c_in: int, c_out: int, stride: int) -> nn.Module:
    """Average over those of 3x3 pixels that lie in the image."""
    pool = nn.AvgPool2d(3, stride=stride, padding=1, count_include_pad=False)
    return Pool(pool, c_in, c_out)


def max_pool(c_in: int, c_out: int, stride: int) -> nn.Module:
    """The greatest of 3x3 pixels."""
    return Pool(nn.MaxPool2d(3, stride=stride, padding=1), c_in, c_out)


def skip(c_in: int, c_out: int, stride: int) -> nn.Module:
    """The input itself; strided a factorised reduction, of other channels a convolution."""
    if stride > 1:
        return FactorizedReduction(c_in, c_out)
    return nn.Identity() if c_in == c_out else ReLUConvBN(c_in, c_out, 1)


class DropPath(nn.Module):
    """Sets each image's features to zero with some probability, and scales up the rest.

    All cells of a network share one, so that its rate is set in one place. Random numbers
    come from torch's generator of the device, as those of any dropout layer.

    Source: Larsson et al., "FractalNet" (ICLR 2017), paper [22]; per image as in DARTS.

    Args:
        rate: Probability, in [0, 1).
    """

    rate: Tensor

    def __init__(self, rate: float = 0.0) -> None:
        super().__init__()
        # A tensor, since a compiled network would be compiled again for each new number. Not
        # stored with the weights: a network in use drops nothing.
        self.register_buffer("rate", torch.zeros(()), persistent=False)
        self.active = False
        self.set_rate(rate)

    def set_rate(self, rate: float) -> None:
        """Change the probability.

        Raises:
            OptionError: The probability is not at least 0 and below 1.
        """
        check_value("drop_path", rate, ProperFraction)
        self.active = rate > 0
        self.rate.fill_(rate)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``b x c x h x w`` to the same shape; the identity outside training."""
        if not (self.training and self.active):
            return features
        kept = 1 - self.rate
        mask = torch.rand(len(features), 1, 1, 1, device=features.device) < kept
        return features * (mask / kept).to(features.dtype)
