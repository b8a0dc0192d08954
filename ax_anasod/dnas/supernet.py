"""All architectures of a cell in one network, which share their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from ax_anasod.cells import Cell
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.networks import Network, NetworkConfig, OperationFactory
from ax_anasod.networks.build import build_skeleton
from ax_anasod.networks.layers import Zero
from ax_anasod.networks.operations import resolve_operations
from ax_anasod.networks.plan import Block, CellPlan, plan_cells
from ax_anasod.typing import Codes


class OperationChoice:
    """The current choice of operations of a supernet; all mixed operations share it.

    Attributes:
        active: For each edge, the operations that are computed.
        weights: ``E x k``, their weights in the sum; None where each active operation counts
            once.
        hard: Whether the operations that are not active have a weight of value 0 that carries
            a gradient (GDAS).
        shortcut: Weight of the input itself that is added on every edge that keeps the shape,
            whatever the operations are (DARTS-).
    """

    def __init__(self, edges: CellEdges) -> None:
        num_operations = edges.cell.num_operations
        # An operation that passes nothing on adds nothing: its gradient is 0, too.
        passing = tuple(i for i in range(num_operations) if i not in edges.zeros)
        self._all = (passing,) * edges.num_edges
        self.active: Sequence[Sequence[int]] = self._all
        self.weights: Tensor | None = None
        self.hard = False
        self.shortcut = 0.0

    def mix(self, weights: Tensor) -> None:
        """Weigh the results of all operations with ``E x k`` numbers."""
        self.active, self.weights, self.hard = self._all, weights, False

    def take(self, active: Sequence[Sequence[int]], weights: Tensor | None = None) -> None:
        """Compute these operations only; with weights, those of the others carry gradients."""
        self.active, self.weights, self.hard = active, weights, weights is not None


class MixedOperation(nn.Module):
    """All operations on one edge of one cell.

    Args:
        operations: One module for each operation.
        nothing: What the edge gives where no operation is active.
        edge: The number of the edge.
        usage: Share of the wirings that use the edge.
        choice: What is computed.
    """

    def __init__(
        self,
        operations: Sequence[nn.Module],
        nothing: Zero,
        edge: int,
        usage: float,
        choice: OperationChoice,
    ) -> None:
        super().__init__()
        self.operations = nn.ModuleList(operations)
        self.nothing = nothing
        self._edge, self._choice = edge, choice
        keeps_shape = nothing.stride == 1 and nothing.c_in == nothing.c_out
        self._usage = usage if keeps_shape else 0.0

    def forward(self, images: Tensor) -> Tensor:
        """Map ``b x c_in x h x w`` to the weighted sum of the operations' results."""
        result = self._computed(images)
        shortcut = self._choice.shortcut * self._usage
        return result + shortcut * images if shortcut else result

    def _computed(self, images: Tensor) -> Tensor:
        choice = self._choice
        active = choice.active[self._edge]
        if not active:
            return self.nothing(images)  # type: ignore[no-any-return]
        results = [self.operations[operation](images) for operation in active]
        if choice.weights is None:
            return torch.stack(results).sum(dim=0) if len(results) > 1 else results[0]
        weights = choice.weights[self._edge].to(results[0].dtype)
        total: Tensor = results[0] * weights[active[0]]
        for operation, result in zip(active[1:], results[1:], strict=True):
            total = torch.addcmul(total, weights[operation], result)
        if choice.hard:
            total = total + (weights.sum() - weights[list(active)].sum())
        return total


class SuperNetwork(nn.Module):
    """A network whose blocks are mixed operations.

    Batch norm takes the statistics of the batch, in evaluation, too: running ones would mix
    those of all architectures (AutoDL-Projects, issue 115). What the network says of an image
    therefore depends on the others of its batch.

    Args:
        network: The skeleton around the mixed operations.
        edges: The edges of the cell.
        choice: What the mixed operations share.
    """

    def __init__(self, network: Network, edges: CellEdges, choice: OperationChoice) -> None:
        super().__init__()
        self.network, self.edges, self.choice = network, edges, choice

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``b x num_classes`` of images ``b x c x h x w``, as the last choice says."""
        return self.network(images)  # type: ignore[no-any-return]

    @cached_property
    def weighted(self) -> frozenset[int]:
        """The operations that have weights to learn wherever they stand."""
        return frozenset.intersection(
            *(
                frozenset(i for i, o in enumerate(module.operations) if [*o.parameters()])
                for module in self.modules()
                if isinstance(module, MixedOperation)
            )
        )

    def mix(self, weights: Tensor) -> None:
        """Compute the mixture of all operations.

        Args:
            weights: ``E x k``, the probability of each operation on each edge. Where the wiring
                decides, an edge counts with the share of the wirings that use it, so that the
                sum is the expectation over architectures.
        """
        usage = torch.as_tensor(self.edges.usage, device=weights.device, dtype=weights.dtype)
        self.choice.mix(weights * usage[:, None])

    def choose(self, code: Codes, weights: Tensor | None = None) -> None:
        """Compute one architecture.

        Args:
            code: ``d``, the architecture.
            weights: ``E x k`` numbers that are 1 for its operations and 0 for the others, and
                carry gradients; None where there are none to carry.
        """
        edges = self.edges
        active: list[list[int]] = [[] for _ in range(edges.num_edges)]
        blocks = code[: edges.cell.num_blocks].tolist()
        for edge, operation in zip(edges.of(code[None])[0].tolist(), blocks, strict=True):
            if operation not in edges.zeros:
                active[edge].append(operation)
        self.choice.take(active, weights)


def build_supernet(
    cell: Cell,
    config: NetworkConfig,
    operations: Mapping[str, OperationFactory] | None = None,
    *,
    affine: bool = False,
    seed: int,
) -> SuperNetwork:
    """Build the network that holds all architectures of a cell.

    With the same weights, a supernet that has chosen an architecture computes what
    `ax_anasod.networks.build_network` builds of it.

    Args:
        cell: The cell.
        config: Skeleton and sizes, as in `build_network`; there is no auxiliary tower.
        operations: Modules for operations of the user's own, as in `build_network`.
        affine: Whether batch norm inside the operations has weights of its own.
        seed: What the initial weights are drawn from.

    Returns:
        The network on the CPU, in training mode; it has chosen the uniform mixture.

    Raises:
        AnasodError: See `build_network`; or the outputs of the cell depend on its wiring.

    Example:
        >>> from ax_anasod.cells import Cell
        >>> cell = Cell("mine", operations=["sep_conv_3x3", "skip_connect"], num_blocks=2)
        >>> supernet = build_supernet(cell, NetworkConfig(channels=4, cells=3), seed=0)
        >>> supernet(torch.zeros(2, 3, 8, 8)).shape
        torch.Size([2, 10])
    """
    # Refuses cells that are no networks of images.
    example = plan_cells(cell, np.zeros((1, len(cell.code_sizes)), dtype=np.int64))[0]
    edges = CellEdges(cell)
    factories = resolve_operations(cell, operations)
    choice = OperationChoice(edges)
    plans = tuple(
        CellPlan(
            part.num_inputs,
            tuple(
                Block(str(number), edge.source, edge.target)
                for number, edge in enumerate(edges.edges)
                if edge.part == index
            ),
            part.outputs,
        )
        for index, part in enumerate(example)
    )

    def mixed(edge: int) -> OperationFactory:
        def make(c_in: int, c_out: int, stride: int) -> nn.Module:
            modules = [factories[name](c_in, c_out, stride) for name in cell.operations]
            for module in modules:
                _use_batch_statistics(module, affine)
            nothing = Zero(c_in, c_out, stride)
            return MixedOperation(modules, nothing, edge, float(edges.usage[edge]), choice)

        return make

    mixtures = {str(edge): mixed(edge) for edge in range(edges.num_edges)}
    network = build_skeleton(cell, [plans] * config.cells, config, mixtures, seed=seed)
    for module in network.modules():
        if not isinstance(module, MixedOperation):
            _use_batch_statistics(module, affine=True)
    supernet = SuperNetwork(network, edges, choice)
    k = cell.num_operations
    supernet.mix(torch.full((edges.num_edges, k), 1 / k))
    return supernet


def _use_batch_statistics(module: nn.Module, affine: bool) -> None:
    for norm in module.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            norm.track_running_stats = False
            norm.running_mean = norm.running_var = norm.num_batches_tracked = None
            if not affine:
                norm.affine = False
                norm.weight = norm.bias = None  # type: ignore[assignment]
