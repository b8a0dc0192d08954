"""What the processes of several devices do in tests; they import it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ax_anasod import cells
from ax_anasod.exceptions import AnasodError
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.training import (
    DataConfig,
    Epoch,
    Hardware,
    SequenceConfig,
    Training,
    TrainingTask,
    load_data,
    protocol,
    sequence_protocol,
)


class Narrow(nn.Module):
    """Has memory for a few images only, drops paths, keeps statistics, and has a spare weight."""

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(4, 10)
        self.unused = nn.Linear(2, 2)
        self.most = most

    def forward(self, images: Tensor) -> Tensor:
        if self.training and self.most is not None and len(images) > self.most:
            raise torch.OutOfMemoryError("tried to allocate 1 TiB")
        features = self.body(images).mean(dim=(2, 3))
        return self.head(nn.functional.dropout(features, 0.1, self.training))


def plain() -> nn.Module:
    """Without batch norm, whose statistics depend on the share of a process."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))


def narrow(most: int | None = None) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Narrow(most)


def training(
    network: nn.Module, devices: int, checkpoint: Path | None = None, **options: Any
) -> Training:
    """The training of a network on 160 digits, for three epochs."""
    return Training(
        network,
        load_data(DataConfig("digits", images=200)),
        protocol("search", **{"epochs": 3, "batch_size": 32, **options}),
        hardware=Hardware("cpu", threads=1, devices=devices),
        checkpoint=checkpoint,
    )


def measured(history: list[Epoch]) -> list[tuple[float, ...]]:
    """What a training has measured, but for times."""
    return [(e.epoch, e.train_loss, e.valid_loss, e.valid_error) for e in history]


Learned = tuple[list[tuple[float, ...]], dict[str, Tensor]]


def images(devices: int, batch_size: int) -> Learned:
    """Learn from images; all that differs between numbers of devices is rounding."""
    one = training(plain(), devices, batch_size=batch_size, mix="cutmix", ema_decay=0.9)
    return measured(one.run()), one.network.state_dict()


def sequences(devices: int) -> list[float]:
    """Learn from sequences: shares are uneven, and so are the questions in them."""
    config = SequenceConfig(sequences=48, length=24)
    task = TrainingTask(
        cells.get("hybrid-lm"),
        config,
        DecoderConfig(width=8, heads=1, hidden=8),
        sequence_protocol("search", epochs=2, batch_size=15),
        Hardware("cpu", threads=1, devices=devices),
    )
    return [e.train_loss for e in task.start(task.example(), load_data(config), 3).run()]


def statistics(devices: int, checkpoint: Path | None, epochs: int) -> Learned:
    """Learn with batch norm and dropout; a checkpoint is gone on with."""
    one = training(narrow(), devices, checkpoint, ema_decay=0.9)
    for _ in range(epochs):
        one.train_epoch()
    return measured(one.history), one.network.state_dict()


def refusal(work: Callable[[], object]) -> str:
    """What is said where something cannot be trained."""
    try:
        work()
    except AnasodError as error:
        return str(error)
    return "it was trained"


def all_in_one(folder: Path) -> dict[str, Any]:
    """What two processes do, as each of them sees it; to start them takes longest.

    Args:
        folder: Where checkpoints lie; ``one.pt`` is that of a process alone.
    """
    return {
        # The last batch has 160 - 3 * 51 = 7 images, unequal shares; or 160 - 2 * 79 = 2, which
        # one process takes.
        **{f"images {size}": images(2, size) for size in (51, 79)},
        "sequences": sequences(2),
        "whole": statistics(2, None, 3),
        "begun": statistics(2, folder / "two.pt", 1),
        "from one": measured(training(plain(), 2, folder / "one.pt", batch_size=51).run()),
        "refused": refusal(lambda: training(plain(), 2, batch_size=3)),
        "too few": refusal(lambda: training(plain(), 3)),
        "memory": refusal(lambda: training(narrow(most=8), 2, retry_out_of_memory=True).run()),
        "diverged": refusal(
            lambda: training(plain(), 2, learning_rate=1e30, gradient_clip=None).run()
        ),
    }


def go_on(folder: Path) -> Learned:
    """What two new processes do with a checkpoint that two others have left."""
    return statistics(2, folder / "two.pt", 2)
