"""The optimiser of a training, and its state in a checkpoint."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ax_anasod.training.training_config import TrainingConfig

# What an optimiser keeps of each parameter, in the parameter's shape.
_KEPT: Final = ("momentum_buffer", "exp_avg", "exp_avg_sq")


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
