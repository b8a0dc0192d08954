"""The operations of NAS-Bench-201; those that DARTS has, too, are the same modules.

Source: Dong and Yang, "NAS-Bench-201: Extending the scope of reproducible neural
architecture search" (ICLR 2020).
"""

from __future__ import annotations

from typing import Final

from torch import nn

from ax_anasod.networks.layers import OperationFactory, ReLUConvBN, Zero, avg_pool, skip


def conv_1x1(c_in: int, c_out: int, stride: int) -> nn.Module:
    """Rectify, mix the channels, normalise."""
    return ReLUConvBN(c_in, c_out, 1, stride)


def conv_3x3(c_in: int, c_out: int, stride: int) -> nn.Module:
    """Rectify, convolve 3x3 pixels, normalise."""
    return ReLUConvBN(c_in, c_out, 3, stride)


NAS_BENCH_201: Final[dict[str, OperationFactory]] = {
    "none": Zero,
    "skip_connect": skip,
    "nor_conv_1x1": conv_1x1,
    "nor_conv_3x3": conv_3x3,
    "avg_pool_3x3": avg_pool,
}
