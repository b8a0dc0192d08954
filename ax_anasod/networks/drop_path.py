"""Drop path: whole paths of a network left out at random while it is trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ax_anasod.settings import ProperFraction, check_value


class DropPath(nn.Module):
    """Sets each image's features to zero with some probability, and scales up the rest.

    All cells of a network share one, so that its rate is set in one place. Random numbers
    come from torch's generator of the device, as those of any dropout layer.

    Source: Larsson et al., "FractalNet" (ICLR 2017), paper [22]; per image as in DARTS.

    Args:
        rate: Probability, in [0, 1).
    """

    rate: Tensor

    def __init__(self, rate: float = 0.0) -> None:
        super().__init__()
        # A tensor, since a compiled network would be compiled again for each new number. Not
        # stored with the weights: a network in use drops nothing.
        self.register_buffer("rate", torch.zeros(()), persistent=False)
        self.active = False
        self.set_rate(rate)

    def set_rate(self, rate: float) -> None:
        """Change the probability.

        Raises:
            OptionError: If it is not at least 0 and below 1.
        """
        check_value("drop_path", rate, ProperFraction)
        self.active = rate > 0
        self.rate.fill_(rate)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``b x c x h x w`` to the same shape; the identity outside training."""
        if not (self.training and self.active):
            return features
        kept = 1 - self.rate
        mask = torch.rand(len(features), 1, 1, 1, device=features.device) < kept
        return features * (mask / kept).to(features.dtype)
