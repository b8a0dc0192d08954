"""How good architectures are in a supernet: all of them on the same images."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ax_anasod.dnas.edges import Codes
from ax_anasod.dnas.supernet import SuperNetwork
from ax_anasod.training import Hardware, Images
from ax_anasod.training.augment import Augmentation
from ax_anasod.training.images import limited
from ax_anasod.training.predict import loss_and_error

Values = npt.NDArray[np.float64]

# Always in the same batches: with batch statistics, the value of an image depends on the others
# of its batch.
_IMAGES: Final = 2048
_BATCH: Final = 512


class Judge:
    """Measures what a supernet computes, on at most 2,048 images that never change.

    Args:
        supernet: The supernet, on its device.
        module: What computes it: the supernet itself, or Fabric's wrapper of it.
        augmentation: How images are normalised.
        images: Images that the weights do not learn from.
        hardware: The layout of the images, and how is computed.
    """

    def __init__(
        self,
        supernet: SuperNetwork,
        module: nn.Module,
        augmentation: Augmentation,
        images: Images,
        hardware: Hardware,
    ) -> None:
        self._supernet, self._module = supernet, module
        self._augmentation, self._hardware = augmentation, hardware
        rows = limited(images.labels, _IMAGES, seed=0)
        # Images may be sorted by class, and a batch of few classes has other statistics.
        rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))]
        self._images = images.subset(rows).to(next(supernet.parameters()).device)

    def __call__(self, codes: Codes) -> tuple[Values, Values]:
        """Losses (nats) and errors (percent) of architectures.

        Args:
            codes: ``n x d``.

        Returns:
            ``n`` losses and ``n`` errors.
        """
        measured = []
        for code in codes:
            self._supernet.choose(code)
            measured.append(self.chosen())
        losses, errors = np.array(measured, dtype=np.float64).reshape(-1, 2).T
        return losses, errors

    def chosen(self) -> tuple[float, float]:
        """Loss (nats) and error (percent) of what the supernet has chosen."""
        return loss_and_error(self._logits(), self._images)

    def _logits(self) -> Tensor:
        layout = self._hardware.memory_format
        with torch.no_grad(), self._hardware.settings():
            logits = [
                self._module(self._augmentation.normalise(pixels).contiguous(memory_format=layout))
                for pixels in torch.split(self._images.pixels, _BATCH)
            ]
        return torch.cat(logits).float()
