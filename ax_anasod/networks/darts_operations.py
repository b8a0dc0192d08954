"""The operations of DARTS, which the paper's open-domain cells have, too.

Source: Liu et al., "DARTS: Differentiable architecture search" (ICLR 2019), whose trained
networks have affine batch normalisation and none after a pool.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from torch import nn

from ax_anasod.networks.layers import OperationFactory, Zero, avg_pool, max_pool, skip


class DepthwiseConv(nn.Sequential):
    """Rectify, convolve each channel, mix the channels, normalise.

    Args:
        c_in: Channels that come in.
        c_out: Channels that go out.
        kernel_size: Odd width of the kernel.
        stride: 1 or 2.
        dilation: Distance between the pixels under the kernel.
    """

    def __init__(
        self, c_in: int, c_out: int, kernel_size: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(
                c_in,
                c_in,
                kernel_size,
                stride=stride,
                padding=dilation * (kernel_size // 2),
                dilation=dilation,
                groups=c_in,
                bias=False,
            ),
            nn.Conv2d(c_in, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
        )


def separable_conv(c_in: int, c_out: int, stride: int, *, kernel_size: int) -> nn.Module:
    """Two depthwise convolutions, of which the first is strided."""
    return nn.Sequential(
        DepthwiseConv(c_in, c_in, kernel_size, stride),
        DepthwiseConv(c_in, c_out, kernel_size),
    )


def dilated_conv(c_in: int, c_out: int, stride: int, *, kernel_size: int) -> nn.Module:
    """One depthwise convolution of every other pixel."""
    return DepthwiseConv(c_in, c_out, kernel_size, stride, dilation=2)


DARTS: Final[dict[str, OperationFactory]] = {
    "none": Zero,
    "max_pool_3x3": max_pool,
    "avg_pool_3x3": avg_pool,
    "skip_connect": skip,
    "sep_conv_3x3": partial(separable_conv, kernel_size=3),
    "sep_conv_5x5": partial(separable_conv, kernel_size=5),
    "dil_conv_3x3": partial(dilated_conv, kernel_size=3),
    "dil_conv_5x5": partial(dilated_conv, kernel_size=5),
}
