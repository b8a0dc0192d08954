"""The outputs of a network for images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ax_anasod.training.images import Images


@torch.no_grad()
def predict_logits(
    network: nn.Module,
    pixels: Tensor,
    normalise: Callable[[Tensor], Tensor],
    device: torch.device,
    batch_size: int = 500,
    channels_last: bool = False,
) -> Tensor:
    """The logits of images, ``n x num_classes``, on the network's device.

    The network is left in the mode (training or evaluation) that it was in.

    Args:
        network: The network.
        pixels: ``n x c x h x w``, uint8.
        normalise: Makes ``m x c x h x w`` network inputs of pixels on the device.
        device: The device of the network.
        batch_size: Images at a time.
        channels_last: Whether images are stored pixel by pixel.
    """
    was_training = network.training
    network.eval()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    try:
        logits = [
            network(normalise(batch.to(device)).contiguous(memory_format=layout))
            for batch in torch.split(pixels, batch_size)
        ]
    finally:
        network.train(was_training)
    return torch.cat(logits).float()


def loss_and_error(logits: Tensor, images: Images) -> tuple[float, float]:
    """Mean cross-entropy in nats, and the share of wrong classifications in percent.

    Args:
        logits: ``n x num_classes``.
        images: The images that they are of.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [1.0, 0.0]])
        >>> images = Images(torch.zeros(2, 1, 1, 1, dtype=torch.uint8), torch.tensor([0, 1]))
        >>> loss_and_error(logits, images)[1]
        50.0
    """
    labels = images.labels.to(logits.device)
    loss = functional.cross_entropy(logits, labels).item()
    wrong = (logits.argmax(dim=1) != labels).double().mean().item()
    return loss, 100 * wrong
