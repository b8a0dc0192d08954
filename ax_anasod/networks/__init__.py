"""Cells as networks: images in, logits out; needs torch only.

`build_network` turns architectures of a cell into a `torch.nn.Module`, in the skeleton that a
`NetworkConfig` describes.
"""

from ax_anasod.networks.build import build_network, codes_of_layers
from ax_anasod.networks.config import SKELETONS, NetworkConfig, published_config
from ax_anasod.networks.layers import OperationFactory
from ax_anasod.networks.measure import count_flops, num_parameters
from ax_anasod.networks.network import Network
from ax_anasod.networks.operations import OPERATIONS

__all__ = [
    "OPERATIONS",
    "SKELETONS",
    "Network",
    "NetworkConfig",
    "OperationFactory",
    "build_network",
    "codes_of_layers",
    "count_flops",
    "num_parameters",
    "published_config",
]
