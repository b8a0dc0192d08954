"""From the name of an operation to its module: the built-in ones, and a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn

from ax_anasod.cells import Cell
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError, nearest_hint
from ax_anasod.networks.darts_operations import DARTS
from ax_anasod.networks.layers import OperationFactory
from ax_anasod.networks.nasbench201_operations import NAS_BENCH_201
from ax_anasod.networks.sequence_operations import SEQUENCE_OPERATIONS

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
                f"pass operations={{{name!r}: lambda c_in, c_out, stride: ...}}; built in, "
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
