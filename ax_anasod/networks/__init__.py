"""Cells as networks: images in, logits out; needs torch only.

`build_network` turns architectures of a cell into a `torch.nn.Module`, in the skeleton that a
`NetworkConfig` describes. The names are loaded on first use: the command line reads the fields
of a `NetworkConfig` without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ax_anasod.lazy import lazy_names

if TYPE_CHECKING:
    from ax_anasod.networks.build import build_network as build_network
    from ax_anasod.networks.build import codes_of_layers as codes_of_layers
    from ax_anasod.networks.layers import OperationFactory as OperationFactory
    from ax_anasod.networks.network import Network as Network
    from ax_anasod.networks.network_config import SKELETONS as SKELETONS
    from ax_anasod.networks.network_config import NetworkConfig as NetworkConfig
    from ax_anasod.networks.network_config import published_config as published_config
    from ax_anasod.networks.operations import OPERATIONS as OPERATIONS
    from ax_anasod.networks.size import count_flops as count_flops
    from ax_anasod.networks.size import num_parameters as num_parameters

_MODULES: Final = {
    "Network": "network",
    "NetworkConfig": "network_config",
    "OPERATIONS": "operations",
    "OperationFactory": "layers",
    "SKELETONS": "network_config",
    "build_network": "build",
    "codes_of_layers": "build",
    "count_flops": "size",
    "num_parameters": "size",
    "published_config": "network_config",
}

__all__ = sorted(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
