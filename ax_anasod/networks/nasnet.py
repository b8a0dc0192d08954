"""The NASNet-style skeleton: a stack of cells that each read the two cells before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ax_anasod.networks.cell_module import CellModule
from ax_anasod.networks.drop_path import DropPath
from ax_anasod.networks.layers import FactorizedReduction, OperationFactory, ReLUConvBN
from ax_anasod.networks.network import Network
from ax_anasod.networks.network_config import NetworkConfig
from ax_anasod.networks.plan import CellPlan

_STEM_MULTIPLIER = 3


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
