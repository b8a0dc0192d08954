"""One step of stochastic gradient descent, on one device or on several, and its optimiser."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ax_anasod.exceptions import TrainingError
from ax_anasod.training.training_config import TrainingConfig

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_PARTS_AFTER_OUT_OF_MEMORY: Final = 4

# The state that an optimiser keeps of each parameter, in the parameter's shape.
_KEPT: Final = ("momentum_buffer", "exp_avg", "exp_avg_sq")


class BatchLoss(Protocol):
    """The loss of a batch, which may be put together from those of its parts."""

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a part."""
        ...

    def weight(self, targets: Tensor) -> int | Tensor:
        """The weight of a part in the mean over the batch, such as its number of images."""
        ...


class ImageLoss:
    """The mean cross-entropy in nats over images.

    Args:
        label_smoothing: Share of the target that is spread over all classes.
    """

    def __init__(self, label_smoothing: float) -> None:
        self._mean = nn.CrossEntropyLoss(label_smoothing=label_smoothing)

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss of logits ``n x num_classes`` and classes ``n`` or shares of the same shape."""
        loss: Tensor = self._mean(logits, targets)
        return loss

    def weight(self, targets: Tensor) -> int:
        """The number of images."""
        return len(targets)


class Step:
    """Makes a step with a batch, of which each process takes its share.

    Args:
        fabric: Lightning Fabric for the device.
        module: The network as Fabric has set it up.
        optimizer: The optimiser as Fabric has set it up.
        config: How the network is trained.
        loss: The loss of a batch; that of images by default.
        examples: What examples are called.

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
        loss: BatchLoss | None = None,
        examples: str = "images",
    ) -> None:
        self.parts = 1
        self.fabric, self.module, self.optimizer = fabric, module, optimizer
        self.config = config
        self._loss = loss or ImageLoss(config.label_smoothing)
        self._examples = examples

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Make a step; the part of this process in the mean loss over the whole batch.

        Args:
            inputs: ``n x ...``, such as images ``n x c x h x w``; the same in all processes.
            targets: ``n x ...``, such as ``n`` class numbers, or ``n x num_classes`` shares.

        Raises:
            TrainingError: The share of this process does not fit the memory of its device.
        """
        loss, error = self._tried(inputs, targets)
        if error is not None:
            self.take_smaller_parts(len(inputs), error)
            loss, error = self._tried(inputs, targets)
            if error is not None:
                raise self._too_large(len(inputs)) from error
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
            whole: How many examples the batch has that did not fit the memory.
            error: The error that said so.

        Raises:
            TrainingError: The configuration does not allow it, it is so already, or there are
                several processes: the others wait for this one's gradients by now.
        """
        several = self.fabric.world_size > 1
        if not self.config.retry_out_of_memory or self.parts > 1 or several:
            raise self._too_large(whole) from error
        self.parts = _PARTS_AFTER_OUT_OF_MEMORY
        device = self.fabric.device
        if device.type != "cpu":
            torch.get_device_module(device).empty_cache()

    def _too_large(self, whole: int) -> TrainingError:
        return TrainingError(
            f"a batch of {whole} {self._examples} in {self.parts * self.fabric.world_size} parts "
            f"does not fit the memory of {str(self.fabric.device)!r}",
            "make batches or the network smaller, or set retry_out_of_memory on one device",
        )

    def _tried(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, RuntimeError | None]:
        """The loss, and the error where the memory was not enough."""
        try:
            return self._gradients(inputs, targets), None
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return torch.zeros(()), error

    def _gradients(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Leave the gradients of a batch, and return this process's part of its mean loss."""
        self.optimizer.zero_grad()
        whole = self._loss.weight(targets)
        processes, rank = self.fabric.world_size, self.fabric.global_rank
        # Batch norm cannot learn from a single image. In a small batch the last processes take
        # the share of another one, which then counts nothing, since all must take part.
        shares = max(1, min(processes, len(inputs) // 2))
        counts = float(rank < shares)
        mine, mine_asked = (each.tensor_split(shares)[rank % shares] for each in (inputs, targets))
        size = math.ceil(len(mine) / self.parts)
        parts = list(zip(torch.split(mine, size), torch.split(mine_asked, size), strict=True))
        total = torch.zeros((), device=self.fabric.device)
        for number, (part, asked) in enumerate(parts, start=1):
            last = number == len(parts)
            # Fabric's class of modules that it has set up is private.
            with self.fabric.no_backward_sync(self.module, enabled=not last):  # type: ignore[arg-type]
                output = self.module(part)
                logits, auxiliary = output if isinstance(output, tuple) else (output, None)
                weight = counts * self._loss.weight(asked)
                loss = self._loss(logits, asked) * (weight / whole)
                total += loss.detach()
                if auxiliary is not None:
                    share = self.config.auxiliary_weight * weight / whole
                    loss = loss + share * self._loss(auxiliary, asked)
                # The strategy averages gradients over the processes; here they add up.
                self.fabric.backward(loss * processes)
        return total


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return True if an error says that the memory of a device is not enough."""
    # The allocator of the CPU has no class of its own.
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def make_optimizer(network: nn.Module, config: TrainingConfig) -> Optimizer:
    """The optimiser of a network.

    AdamW decays matrices only: a norm's scale or a bias has no reason to be small.

    Args:
        network: The network.
        config: How it is trained.
    """
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(),
            lr=config.learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
        )
    weights = list(network.parameters())
    return torch.optim.AdamW(
        [
            {"params": [w for w in weights if w.dim() > 1], "weight_decay": config.weight_decay},
            {"params": [w for w in weights if w.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=(config.momentum, config.squared_momentum),
    )


def load_momentum(optimizer: Optimizer, kept: dict[int, Any]) -> None:
    """Give an optimiser its momentum back; its other numbers follow from the configuration.

    Args:
        optimizer: The optimiser.
        kept: Place of a parameter -> its entries in ``state_dict()["state"]``.

    Raises:
        ValueError: The momentum is that of other parameters, or of another optimiser.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    adam = "betas" in optimizer.param_groups[0]
    for place, parameter in enumerate(parameters):
        entries = kept.get(place, {})
        for name in _KEPT:
            buffer = entries.get(name)
            if buffer is not None and buffer.shape != parameter.shape:
                raise ValueError(f"the momentum of parameter {place} has the shape {buffer.shape}")
        if adam and entries:
            lacking = [n for n in ("step", *_KEPT[1:]) if not isinstance(entries.get(n), Tensor)]
            if lacking or entries["step"].numel() != 1:
                raise ValueError(f"the momentum of parameter {place} lacks {', '.join(lacking)}")
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": kept, "param_groups": groups})
