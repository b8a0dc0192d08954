"""One architecture of a cell as a module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ax_anasod.networks.drop_path import DropPath
from ax_anasod.networks.layers import OperationFactory
from ax_anasod.networks.plan import CellPlan


class CellModule(nn.Module):
    """The blocks of a cell between its inputs and its concatenated outputs.

    Args:
        plan: Which block reads and writes what.
        channels: Channels of all states, inputs included.
        reduction: Whether the size is halved: blocks that read an input have stride 2.
        factories: The factory of each operation.
        drop_path: What is applied to all results but those of identities.
    """

    def __init__(
        self,
        plan: CellPlan,
        channels: int,
        reduction: bool,
        factories: Mapping[str, OperationFactory],
        drop_path: DropPath,
    ) -> None:
        super().__init__()
        self.plan = plan
        self.drop_path = drop_path
        self.blocks = nn.ModuleList(
            factories[block.operation](
                channels, channels, 2 if reduction and block.source < plan.num_inputs else 1
            )
            for block in plan.blocks
        )
        self.out_channels = channels * len(plan.outputs)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Map inputs of ``b x channels x h x w`` to ``b x out_channels x h' x w'``."""
        states = dict(enumerate(inputs))
        for block, module in zip(self.plan.blocks, self.blocks, strict=True):
            result = module(states[block.source])
            if not isinstance(module, nn.Identity):
                result = self.drop_path(result)
            earlier = states.get(block.target)
            states[block.target] = result if earlier is None else earlier + result
        outputs = [states[state] for state in self.plan.outputs]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)
