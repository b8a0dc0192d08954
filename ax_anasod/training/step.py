"""One step of stochastic gradient descent, on one device or on several."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from ax_anasod.exceptions import TrainingError
from ax_anasod.training.process_group import Rank
from ax_anasod.training.training_config import TrainingConfig

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_PARTS_AFTER_OUT_OF_MEMORY: Final = 4


class Step:
    """Makes a step with a batch, of which each process takes its share.

    Args:
        fabric: Lightning Fabric for the device.
        module: The network as Fabric has set it up.
        optimizer: The optimiser, likewise.
        config: How the network is trained.
        place: The place of this process.

    Attributes:
        fabric: Lightning Fabric.
        module: The network as Fabric has set it up.
        optimizer: The optimiser.
        config: How the network is trained.
        parts: In how many parts a share is learned from, whose gradients are added up.
    """

    def __init__(
        self,
        fabric: Fabric,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        config: TrainingConfig,
        place: Rank,
    ) -> None:
        self.parts = 1
        self.fabric, self.module, self.optimizer = fabric, module, optimizer
        self.config, self._place = config, place
        self._weights = [weight for weight in module.parameters() if weight.requires_grad]
        self._loss = nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Make a step; the mean loss over the whole batch.

        Args:
            images: ``n x c x h x w``, the same in all processes.
            labels: ``n`` class numbers, or ``n x num_classes`` shares.

        Raises:
            TrainingError: The share of some process does not fit the memory of its device; all
                of them raise it.
        """
        mine = self._place.share(len(images))
        loss, error = self._tried(images[mine], labels[mine], len(images))
        if self._place.any(error is not None):
            loss = self._smaller_parts(images[mine], labels[mine], len(images), error)
        if self._place.size > 1:
            for weight in self._weights:
                if weight.grad is None:
                    weight.grad = torch.zeros_like(weight)
            gradients = [weight.grad for weight in self._weights if weight.grad is not None]
            self._place.add_up([*gradients, loss])
        if self.config.gradient_clip is not None:
            self.fabric.clip_gradients(
                self.module,
                self.optimizer,
                max_norm=self.config.gradient_clip,
                error_if_nonfinite=False,
            )
        self.optimizer.step()
        return loss

    def take_smaller_parts(self, whole: int, error: RuntimeError | None = None) -> None:
        """From now on, learn from a batch in four parts.

        Args:
            whole: How many images the batch has that did not fit the memory.
            error: The error that said so.

        Raises:
            TrainingError: The configuration does not allow it, or it is so already.
        """
        if not self.config.retry_out_of_memory or self.parts > 1:
            raise self._too_large(whole) from error
        self.parts = _PARTS_AFTER_OUT_OF_MEMORY
        device = self.fabric.device
        if device.type != "cpu":
            torch.get_device_module(device).empty_cache()

    def _smaller_parts(
        self, images: Tensor, labels: Tensor, whole: int, error: RuntimeError | None
    ) -> Tensor:
        self.take_smaller_parts(whole, error)
        loss, error = self._tried(images, labels, whole)
        if self._place.any(error is not None):
            raise self._too_large(whole) from error
        return loss

    def _too_large(self, whole: int) -> TrainingError:
        return TrainingError(
            f"a batch of {whole} images in {self.parts * self._place.size} parts does not fit the "
            f"memory of {str(self.fabric.device)!r}",
            "make batches or the network smaller, or set retry_out_of_memory",
        )

    def _tried(
        self, images: Tensor, labels: Tensor, whole: int
    ) -> tuple[Tensor, RuntimeError | None]:
        """The loss, and the error where the memory was not enough."""
        try:
            return self._gradients(images, labels, whole), None
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return torch.zeros(()), error

    def _gradients(self, images: Tensor, labels: Tensor, whole: int) -> Tensor:
        """Leave the gradients of a share; its part of the mean loss of ``whole`` images."""
        self.optimizer.zero_grad()
        total = torch.zeros((), device=self.fabric.device)
        if not len(images):
            return total
        size = math.ceil(len(images) / self.parts)
        for part, targets in zip(torch.split(images, size), torch.split(labels, size), strict=True):
            output = self.module(part)
            logits, auxiliary = output if isinstance(output, tuple) else (output, None)
            loss = self._loss(logits, targets) * (len(part) / whole)
            total += loss.detach()
            if auxiliary is not None:
                share = self.config.auxiliary_weight * len(part) / whole
                loss = loss + share * self._loss(auxiliary, targets)
            self.fabric.backward(loss)
        return total


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device said that its memory is not enough."""
    # The allocator of the CPU has no class of its own.
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
