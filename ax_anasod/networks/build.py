"""Architectures of a cell as a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ax_anasod.cells import Cell
from ax_anasod.exceptions import ArchitectureError, CellError
from ax_anasod.networks.layers import OperationFactory
from ax_anasod.networks.network import Network
from ax_anasod.networks.network_config import NASNET, NetworkConfig
from ax_anasod.networks.operations import resolve_operations
from ax_anasod.networks.plan import CellPlan, plan_cells
from ax_anasod.networks.skeletons import NASBench201Network, NASNetNetwork, reduction_layers
from ax_anasod.typing import ArrayLike, Codes


def build_network(
    cell: Cell,
    codes: ArrayLike,
    config: NetworkConfig,
    operations: Mapping[str, OperationFactory] | None = None,
    *,
    seed: int,
    device: str = "cpu",
) -> Network:
    """Build the network of one architecture, or of one for every layer.

    In the skeleton ``"nasnet"`` a cell of two parts is a normal and a reduction cell, and one
    of one part is both; it has one input (the previous layer) or two (the previous two), and
    its outputs are concatenated. In the skeleton ``"nas-bench-201"`` a cell has one part, one
    input and one output. What a block reads and writes is up to the cell's `block_graph`,
    `sources` and `outputs`; a plain `Cell` of the user's is a row of blocks.

    Source: paper, Section 4.2 and Appendix A.2, where each of 24 layers is another cell drawn
    from one encoding.

    Args:
        cell: The cell.
        codes: ``n x d`` codes: ``n = 1`` repeats one architecture, ``n = config.cells`` gives
            each layer its own.
        config: Skeleton and sizes.
        operations: Modules for operations of the user's own, or other ones for built-in names:
            name -> factory, called as ``factory(c_in, c_out, stride)``.
        seed: What the initial weights are drawn from; torch's global generator is left alone.
        device: ``"meta"`` gives a network that knows the shapes of its weights and has none.

    Returns:
        The network on the CPU, in training mode.

    Raises:
        ArchitectureError: If a code is malformed or invalid, or ``n`` fits neither case.
        CellError: If the cell does not fit the skeleton, is no network of images, or an
            operation has no module.
        UnknownNameError: If a name of ``operations`` is no operation of the cell.
        OptionError: If an operation of the user's own gives no module, or wrong shapes.

    Example:
        >>> from ax_anasod.cells import Cell
        >>> from torch import nn
        >>> cell = Cell("mine", operations=["conv", "skip_connect"], num_blocks=2)
        >>> network = build_network(
        ...     cell,
        ...     cell.from_strings(["conv|skip_connect"]),
        ...     NetworkConfig(channels=4, cells=3, in_channels=1),
        ...     {"conv": lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 3, stride, 1)},
        ...     seed=0,
        ... )
        >>> network(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """
    layers = plan_cells(cell, codes_of_layers(cell, codes, config))
    factories = resolve_operations(cell, operations)
    return build_skeleton(cell, layers, config, factories, seed=seed, device=device)


def build_skeleton(
    cell: Cell,
    layers: Sequence[Sequence[CellPlan]],
    config: NetworkConfig,
    factories: Mapping[str, OperationFactory],
    *,
    seed: int,
    device: str = "cpu",
) -> Network:
    """Build the network of planned cells.

    Args:
        cell: The cell.
        layers: For each layer, the plan of each part of its cell.
        config: Skeleton and sizes.
        factories: The factory of each operation that the plans name.
        seed: What the initial weights are drawn from; torch's global generator is left alone.
        device: As in `build_network`.

    Raises:
        CellError: If the cell does not fit the skeleton.
    """
    plans = _parts_of_layers(cell, layers, config)
    kind = NASNetNetwork if config.skeleton == NASNET else NASBench201Network
    with torch.random.fork_rng(devices=[]), torch.device(device):
        # Not torch.manual_seed, which would set the generators of all GPUs, too.
        torch.default_generator.manual_seed(seed)
        return kind(plans, config, factories)


def codes_of_layers(cell: Cell, codes: ArrayLike, config: NetworkConfig) -> Codes:
    """The code of each layer, ``config.cells x d``.

    Args:
        cell: The cell.
        codes: ``n x d`` codes, one or as many as there are layers.
        config: The configuration.

    Raises:
        ArchitectureError: If a code is malformed or invalid, or ``n`` fits neither case.
    """
    array = cell.validate_codes(codes)
    if len(array) not in (1, config.cells):
        raise ArchitectureError(
            f"a network of {config.cells} cells is built from 1 or {config.cells} "
            f"architectures, got {len(array)}"
        )
    valid = cell.is_valid(array)
    if not valid.all():
        row = int(np.argmin(valid))
        raise ArchitectureError(
            f"code {array[row].tolist()} (row {row}) is no valid architecture of cell {cell.name!r}"
        )
    return np.repeat(array, config.cells, axis=0) if len(array) == 1 else array


def _parts_of_layers(
    cell: Cell, layers: Sequence[Sequence[CellPlan]], config: NetworkConfig
) -> Sequence[CellPlan]:
    """For each layer, the plan of the part that it is."""
    parts, inputs = len(layers[0]), layers[0][0].num_inputs
    if config.skeleton == NASNET:
        if parts > 2 or not 1 <= inputs <= 2:
            raise CellError(
                f"cell {cell.name!r} has {parts} parts and {inputs} inputs; the skeleton "
                "'nasnet' has room for 1 or 2 parts (normal, reduction) and 1 or 2 inputs"
            )
        reductions = reduction_layers(config.cells)
        return [plans[-1 if i in reductions else 0] for i, plans in enumerate(layers)]
    outputs = {len(plan.outputs) for plans in layers for plan in plans}
    if parts > 1 or inputs != 1 or outputs != {1}:
        raise CellError(
            f"cell {cell.name!r} has {parts} parts, {inputs} inputs and {max(outputs)} outputs; "
            f"the skeleton {config.skeleton!r} has room for one of each",
            "take the skeleton 'nasnet'",
        )
    return [plans[0] for plans in layers]
