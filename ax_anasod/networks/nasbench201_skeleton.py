"""The skeleton of NAS-Bench-201: three stages of cells with residual blocks between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ax_anasod.networks.cell_module import CellModule
from ax_anasod.networks.layers import OperationFactory, ReLUConvBN
from ax_anasod.networks.network import Network
from ax_anasod.networks.network_config import NetworkConfig
from ax_anasod.networks.plan import CellPlan

_STAGES = 3


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
