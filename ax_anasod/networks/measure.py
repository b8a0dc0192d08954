"""How large a network is, and how much it computes."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ax_anasod.networks.network import Network


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
