"""The size of networks: of one that is built, or of every network of a cell from a few of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ax_anasod.cells import Cell
from ax_anasod.exceptions import CellError, UnknownNameError
from ax_anasod.networks.build import build_network
from ax_anasod.networks.layers import OperationFactory
from ax_anasod.networks.network import Network
from ax_anasod.networks.network_config import NetworkConfig
from ax_anasod.typing import Codes, Values

Size = Literal["parameters", "flops"]

# Built beyond those that the costs are solved from, to see whether they hold.
_CHECKED: Final = 8
_MOST_DRAWS: Final = 4096


def num_parameters(module: nn.Module, auxiliary: bool = False) -> int:
    """Number of weights of a module.

    Args:
        module: Any module.
        auxiliary: Whether to count the auxiliary tower, too, which the published numbers
            leave out.

    Example:
        >>> num_parameters(nn.Linear(3, 2))
        8
    """
    return sum(
        parameter.numel()
        for name, parameter in module.named_parameters()
        if auxiliary or "auxiliary" not in name.split(".")
    )


def count_flops(network: Network, image_size: int | tuple[int, int]) -> int:
    """Floating-point operations that one image takes, counted by torch.

    Convolutions and linear layers only, a multiplication and an addition as two: half of it
    are the multiply-adds that are often published as "FLOPs". The auxiliary tower, which only
    training uses, is not counted.

    Args:
        network: The network; it is copied, and nothing is computed.
        image_size: Height and width in pixels.
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    # On the meta device there are shapes, but no numbers.
    shadow = copy.deepcopy(network).to("meta").eval()
    images = torch.empty(1, network.config.in_channels, height, width, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(images)
    return int(counter.get_total_flops())


class AdditiveSize:
    """The size of the network of each architecture, without building it.

    All layers have the same plan, so that a network is a fixed part and, for each block, a
    cost that depends on its operation, its part of the cell, and whether it reads an input of
    the cell (where a reduction cell strides). These costs are solved from a few networks that
    are built without weights, and hold exactly: others are built to see that.

    Args:
        cell: The cell.
        config: Skeleton and sizes.
        size: ``"parameters"`` or ``"flops"``
            (:func:`ax_anasod.networks.size.num_parameters`, :func:`count_flops`).
        image_size: Height and width in pixels, for FLOPs.
        operations: Modules for operations of the user's own, as for
            :func:`ax_anasod.networks.build_network`.

    Raises:
        UnknownNameError: The size is unknown.
        CellError: The cell does not describe networks of images, or a network is more than the
            sum of its blocks (such as where outputs that no block reads are concatenated).
    """

    def __init__(
        self,
        cell: Cell,
        config: NetworkConfig,
        size: Size,
        image_size: tuple[int, int],
        operations: Mapping[str, OperationFactory] | None = None,
    ) -> None:
        if size not in get_args(Size):
            raise UnknownNameError("size of a network", size, get_args(Size))
        self._cell, self._config = cell, config
        self._size, self._image_size, self._operations = size, image_size, operations
        rng = np.random.default_rng(0)
        codes = cell.sample(_MOST_DRAWS, rng)
        used = codes[_independent(self._features(codes))]
        self._costs = np.linalg.pinv(self._features(used)) @ self._built(used)
        others = codes[:_CHECKED]
        if not np.array_equal(self(others), self._built(others)):
            raise CellError(
                f"the {size} of networks of cell {cell.name!r} are no sum over their blocks",
                f"report {size} as a metric of its own",
            )

    def __call__(self, codes: Codes) -> Values:
        """The sizes of ``n x d`` codes, ``n`` whole numbers."""
        return np.rint(self._features(codes) @ self._costs)

    def _features(self, codes: Codes) -> Values:
        """The features of a size, ``n x f``: 1, and the number of blocks of each kind."""
        cell = self._cell
        k, parts = cell.num_operations, cell.parts
        operations = codes[:, : cell.num_blocks]
        reads_input = cell.sources(codes) < cell.block_graph.num_inputs
        part = np.repeat(np.arange(parts), cell.num_blocks // parts)
        kinds = (part * 2 + reads_input) * k + operations
        counts = np.stack([(kinds == kind).sum(axis=1) for kind in range(2 * parts * k)], axis=1)
        return np.concatenate([np.ones((len(codes), 1)), counts], axis=1)

    def _built(self, codes: Codes) -> Values:
        """The sizes of networks that are built for it, ``n``."""
        sizes = []
        for code in codes:
            network = build_network(
                self._cell, code[None], self._config, self._operations, seed=0, device="meta"
            )
            sizes.append(
                num_parameters(network)
                if self._size == "parameters"
                else count_flops(network, self._image_size)
            )
        return np.array(sizes, dtype=np.float64)


def _independent(features: Values) -> list[int]:
    """Rows of ``n x f`` features that span what all of them span."""
    chosen: list[int] = []
    rest = features.copy()
    for _ in range(features.shape[1]):
        norms = np.einsum("ij,ij->i", rest, rest)
        row = int(norms.argmax())
        if norms[row] < 1e-9:
            break
        chosen.append(row)
        direction = rest[row] / np.sqrt(norms[row])
        rest -= np.outer(rest @ direction, direction)
    return chosen
