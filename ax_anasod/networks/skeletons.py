"""The skeletons, and the module of the cells in them.

NASNet's is a stack of cells that each read the two cells before; that of NAS-Bench-201 has three
stages of cells, with residual blocks between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ax_anasod.networks.layers import DropPath, FactorizedReduction, OperationFactory, ReLUConvBN
from ax_anasod.networks.network import Network
from ax_anasod.networks.network_config import NetworkConfig
from ax_anasod.networks.plan import CellPlan

_STEM_MULTIPLIER = 3
_STAGES = 3


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


class NASNetLayer(nn.Module):
    """A cell, and what brings its inputs to its number of channels.

    Args:
        plan: The cell.
        before: Channels of the two previous layers, the older one first.
        channels: Channels of the operations.
        reduction: Whether this layer halves the size.
        reduced: Whether the previous layer did, so that the older one is twice as large.
        factories: The factory of each operation.
        drop_path: The network's drop path.
    """

    def __init__(
        self,
        plan: CellPlan,
        before: tuple[int, int],
        channels: int,
        reduction: bool,
        reduced: bool,
        factories: Mapping[str, OperationFactory],
        drop_path: DropPath,
    ) -> None:
        super().__init__()
        older = FactorizedReduction if reduced else _conv_1x1
        makers = (older, _conv_1x1)
        # A cell with one input reads the previous layer.
        self.preprocess = nn.ModuleList(
            maker(c_in, channels)
            for maker, c_in in list(zip(makers, before, strict=True))[-plan.num_inputs :]
        )
        self.cell = CellModule(plan, channels, reduction, factories, drop_path)

    def forward(self, older: Tensor, previous: Tensor) -> Tensor:
        """Map the features of the two previous layers to this one's."""
        inputs = (older, previous)[-len(self.preprocess) :]
        return self.cell(  # type: ignore[no-any-return]
            [module(features) for module, features in zip(self.preprocess, inputs, strict=True)]
        )


class NASNetNetwork(Network):
    """Stem, normal cells, and reduction cells at one third and two thirds of the depth.

    Source: Zoph et al., "Learning transferable architectures for scalable image
    recognition" (CVPR 2018), in the form of DARTS (Liu et al., ICLR 2019).

    Args:
        plans: For each layer, the plan of its cell.
        config: The configuration.
        factories: The factory of each operation.
    """

    def __init__(
        self,
        plans: Sequence[CellPlan],
        config: NetworkConfig,
        factories: Mapping[str, OperationFactory],
    ) -> None:
        super().__init__(config)
        channels = config.channels
        stem = _STEM_MULTIPLIER * channels
        self.stem = nn.Sequential(
            nn.Conv2d(config.in_channels, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem)
        )
        reductions = reduction_layers(config.cells)
        self.middle = reductions[-1]
        self.layers = nn.ModuleList()
        older, previous, middle = stem, stem, stem
        for index, plan in enumerate(plans):
            channels *= 2 if index in reductions else 1
            layer = NASNetLayer(
                plan,
                (older, previous),
                channels,
                index in reductions,
                index - 1 in reductions,
                factories,
                self.drop_path,
            )
            self.layers.append(layer)
            older, previous = previous, layer.cell.out_channels
            if index == self.middle:
                middle = previous
        self._add_heads(previous, middle)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The last features, and those after the second reduction."""
        older = previous = middle = self.stem(images)
        for index, layer in enumerate(self.layers):
            older, previous = previous, layer(older, previous)
            if index == self.middle:
                middle = previous
        return previous, middle


def reduction_layers(cells: int) -> tuple[int, int]:
    """The layers that halve the size.

    Example:
        >>> reduction_layers(20)
        (6, 13)
    """
    return cells // 3, 2 * cells // 3


def _conv_1x1(c_in: int, c_out: int) -> nn.Module:
    return ReLUConvBN(c_in, c_out, 1)


class ResidualReduction(nn.Module):
    """Two 3x3 convolutions, the first strided, and a pooled shortcut.

    Source: Dong and Yang, "NAS-Bench-201" (ICLR 2020), Section 2.1.

    Args:
        c_in: Channels that come in.
        c_out: Channels that go out.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            ReLUConvBN(c_in, c_out, 3, stride=2), ReLUConvBN(c_out, c_out, 3)
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(c_in, c_out, 1, bias=False)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map ``b x c_in x h x w`` to ``b x c_out`` and half the size."""
        return self.shortcut(images) + self.residual(images)  # type: ignore[no-any-return]


class NASBench201Network(Network):
    """Stem, three stages of equally many cells, normalisation and ReLU before the pooling.

    Source: Dong and Yang, "NAS-Bench-201" (ICLR 2020), Section 2.1 and Figure 1. The
    auxiliary tower and drop path are not part of the benchmark.

    Args:
        plans: For each layer, the plan of its cell, with one input and one output.
        config: The configuration.
        factories: The factory of each operation.
    """

    def __init__(
        self,
        plans: Sequence[CellPlan],
        config: NetworkConfig,
        factories: Mapping[str, OperationFactory],
    ) -> None:
        super().__init__(config)
        channels = config.channels
        self.stem = nn.Sequential(
            nn.Conv2d(config.in_channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.stage_length = config.cells // _STAGES
        self.reductions = nn.ModuleList()
        self.layers = nn.ModuleList()
        for index, plan in enumerate(plans):
            if index and index % self.stage_length == 0:
                self.reductions.append(ResidualReduction(channels, 2 * channels))
                channels *= 2
            self.layers.append(CellModule(plan, channels, False, factories, self.drop_path))
        self.last = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self._add_heads(channels, channels)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The last features, and those after the second reduction."""
        features = middle = self.stem(images)
        for index, layer in enumerate(self.layers):
            if index and index % self.stage_length == 0:
                features = middle = self.reductions[index // self.stage_length - 1](features)
            features = layer([features])
        return self.last(features), middle
