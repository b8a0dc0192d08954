"""The common base of all skeletons."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn import functional

from ax_anasod.exceptions import OptionError
from ax_anasod.networks.layers import DropPath
from ax_anasod.networks.network_config import NetworkConfig


class AuxiliaryTower(nn.Module):
    """A second classifier inside the network, which only training uses.

    Source: DARTS, ``AuxiliaryHeadCIFAR``; Szegedy et al., "Going deeper with convolutions"
    (CVPR 2015).

    Args:
        channels: Channels of the features that it reads.
        num_classes: Number of logits.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``b x channels x h x w`` to logits ``b x num_classes``."""
        features = functional.relu(features)
        if features.shape[-2:] == (8, 8):
            # The pooling for 32x32 images, for which the published tower was made.
            pooled = functional.avg_pool2d(features, 5, stride=3)
        else:
            pooled = functional.adaptive_avg_pool2d(features, 2)
        return self.classifier(self.features(pooled).flatten(1))  # type: ignore[no-any-return]


class Network(nn.Module, ABC):
    """A stack of cells between a stem and a classifier.

    A subclass builds its layers and sets `classifier` and, where the configuration asks for
    one, `auxiliary`.

    Args:
        config: The configuration.

    Attributes:
        config: The configuration.
    """

    classifier: nn.Module

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.drop_path = DropPath(config.drop_path)
        self.auxiliary: AuxiliaryTower | None = None

    def set_drop_path(self, rate: float) -> None:
        """Change the probability with which a path is dropped in training.

        Raises:
            OptionError: The probability is not at least 0 and below 1.
        """
        self.drop_path.set_rate(rate)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Classify images.

        Args:
            images: ``b x in_channels x h x w``.

        Returns:
            Logits ``b x num_classes``; in training mode with an auxiliary tower, these and
            the tower's.

        Raises:
            OptionError: If the images have other channels than the network.
        """
        if images.ndim != 4 or images.shape[1] != self.config.in_channels:
            raise OptionError(
                f"the network takes images b x {self.config.in_channels} x h x w, got "
                f"{tuple(images.shape)}"
            )
        features, middle = self.features(images)
        pooled = functional.adaptive_avg_pool2d(features, 1).flatten(1)
        logits: Tensor = self.classifier(pooled)
        if self.training and self.auxiliary is not None:
            return logits, self.auxiliary(middle)
        return logits

    @abstractmethod
    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The last features, and those after the second reduction for the auxiliary tower."""

    def _add_heads(self, last: int, middle: int) -> None:
        """Build classifier and tower.

        Args:
            last: Channels of the last features.
            middle: Channels of those after the second reduction.
        """
        self.classifier = nn.Linear(last, self.config.num_classes)
        if self.config.auxiliary:
            self.auxiliary = AuxiliaryTower(middle, self.config.num_classes)
