"""The operations of networks for images: the built-in ones by their names, and a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn

from ax_anasod.cells import Cell
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError, nearest_hint
from ax_anasod.networks.layers import OperationFactory, ReLUConvBN, Zero, avg_pool, max_pool, skip
from ax_anasod.networks.sequence_operations import SEQUENCE_OPERATIONS


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
"""The operations of DARTS, which the paper's open-domain cells have, too.

Source: Liu et al., "DARTS: Differentiable architecture search" (ICLR 2019), whose trained
networks have affine batch normalisation and none after a pool.
"""


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
"""The operations of NAS-Bench-201; those that DARTS has, too, are the same modules.

Source: Dong and Yang, "NAS-Bench-201: Extending the scope of reproducible neural
architecture search" (ICLR 2020).
"""

OPERATIONS: Final[Mapping[str, OperationFactory]] = MappingProxyType({**DARTS, **NAS_BENCH_201})
"""The built-in operations; a name means the same module in every cell and skeleton."""

# Sizes of the images that a user's operation is tried on: odd ones tell padding apart.
_TRIED: Final = (4, 7)


def resolve_operations(
    cell: Cell, own: Mapping[str, OperationFactory] | None
) -> dict[str, OperationFactory]:
    """The factory of each operation of a cell.

    Args:
        cell: The cell.
        own: A user's operations, by name; they come before the built-in ones.

    Raises:
        UnknownNameError: If a name of ``own`` is no operation of the cell.
        CellError: If an operation has no module.
        OptionError: If an own operation cannot be called, or its module changes the shape in
            another way than asked for.
    """
    own = own or {}
    for name in own:
        if name not in cell.operations:
            raise UnknownNameError(f"operation of cell {cell.name!r}:", name, cell.operations)
    factories: dict[str, OperationFactory] = {}
    for name in cell.operations:
        if name in own:
            factories[name] = _Tried(name, own[name])
        elif name in OPERATIONS:
            factories[name] = OPERATIONS[name]
        elif name in SEQUENCE_OPERATIONS:
            raise CellError(
                f"operation {name!r} of cell {cell.name!r} works on sequences, not on images",
                "networks.decoder.build_decoder makes networks of it",
            )
        else:
            raise CellError(
                f"operation {name!r} of cell {cell.name!r} has no module",
                f"pass operations={{{name!r}: lambda c_in, c_out, stride: ...}}, in "
                "ax-anasod train --operations MODULE:NAME; built in, "
                + nearest_hint(name, OPERATIONS),
            )
    return factories


class _Tried:
    """A user's factory whose modules are tried once for each size before they are used."""

    def __init__(self, name: str, factory: OperationFactory) -> None:
        self._name, self._factory = name, factory
        self._seen: set[tuple[int, int, int]] = set()

    def __call__(self, c_in: int, c_out: int, stride: int) -> nn.Module:
        try:
            module = self._factory(c_in, c_out, stride)
        except Exception as error:  # A user's code may raise anything.
            raise OptionError(
                f"operation {self._name!r} gave no module for c_in={c_in}, c_out={c_out}, "
                f"stride={stride}: {type(error).__name__}: {error}",
                "an operation is called as operation(c_in, c_out, stride)",
            ) from error
        if not isinstance(module, nn.Module):
            raise OptionError(
                f"operation {self._name!r} must give a torch.nn.Module, got {module!r}"
            )
        if (c_in, c_out, stride) not in self._seen:
            self._try(module, c_in, c_out, stride)
            self._seen.add((c_in, c_out, stride))
        return module

    def _try(self, module: nn.Module, c_in: int, c_out: int, stride: int) -> None:
        module.eval()
        for size in _TRIED:
            expected = (2, c_out, -(-size // stride), -(-size // stride))
            case = f"{(2, c_in, size, size)} (c_out={c_out}, stride={stride})"
            try:
                with torch.no_grad():
                    result = module(torch.zeros(2, c_in, size, size))
            except (TypeError, ValueError, RuntimeError) as error:
                raise OptionError(
                    f"operation {self._name!r} fails on images of shape {case}: {error}"
                ) from error
            if not isinstance(result, Tensor) or tuple(result.shape) != expected:
                got = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
                raise OptionError(
                    f"operation {self._name!r} maps images of shape {case} to {got} instead of "
                    f"{expected}"
                )
        module.train()
