"""Images per second of a training, beside a plain torch loop of the same network.

The plain loop has the same images, augmentation and optimiser, and nothing else: no Fabric,
no checkpoints, no measuring. Both take turns, so that a busy machine slows both; what counts is
the ratio. Compiling and storing images pixel by pixel can be switched on and off.

    python benchmarks/training.py --data FOLDER_OF_CIFAR10
    python benchmarks/training.py                              (on the digits)
"""

from __future__ import annotations

import argparse
import math
import statistics
import time

import torch
from torch import nn

from ax_anasod import cells
from ax_anasod.networks import NetworkConfig
from ax_anasod.training import (
    DataConfig,
    Hardware,
    ImageData,
    TrainingConfig,
    TrainingTask,
    load_data,
    protocol,
)


def crop_and_flip(images: torch.Tensor, padding: int, mirror: bool) -> torch.Tensor:
    """Move each image by up to ``padding`` pixels and mirror half of them."""
    n, channels, height, width = images.shape
    padded = nn.functional.pad(images, (padding, padding, padding, padding))
    down = torch.randint(2 * padding + 1, (n, 1, 1, 1), device=images.device)
    right = torch.randint(2 * padding + 1, (n, 1, 1, 1), device=images.device)
    rows = (down + torch.arange(height, device=images.device)[:, None]).expand(n, channels, -1, 1)
    columns = (right + torch.arange(width, device=images.device)).expand(n, channels, height, -1)
    moved = padded.gather(2, rows.expand(-1, -1, -1, padded.shape[3])).gather(3, columns)
    if mirror:
        which = torch.rand(n, 1, 1, 1, device=images.device) < 0.5
        moved = torch.where(which, moved.flip(3), moved)
    return moved


class PlainLoop:
    """The same training as a few lines of torch."""

    def __init__(
        self, network: nn.Module, data: ImageData, config: TrainingConfig, hardware: Hardware
    ) -> None:
        self.device = torch.device(hardware.fabric().device)
        self.config, self.data = config, data
        self.layout = torch.channels_last if hardware.channels_last else torch.contiguous_format
        self.network = network.to(self.device).to(memory_format=self.layout)
        if hardware.compile:
            self.network.compile()
        self.images, self.labels = (
            tensor.to(self.device) for tensor in (data.train.pixels, data.train.labels)
        )
        mean, std = data.statistics()
        self.mean, self.std = (x.to(self.device)[:, None, None] for x in (mean, std))
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=config.learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
        )

    def epoch(self) -> float:
        """Train for an epoch; its wall time in seconds."""
        started = time.perf_counter()
        total = 0.0
        order = torch.randperm(len(self.labels), device=self.device)
        batches = order.split(self.config.batch_size)
        for step, rows in enumerate(batches):
            progress = step / len(batches)
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * (1 + math.cos(math.pi * progress)) / 2
            images = crop_and_flip(
                self.images[rows], min(self.data.image_size) // 8, self.data.mirror_images
            )
            images = ((images / 255 - self.mean) / self.std).contiguous(memory_format=self.layout)
            loss = nn.functional.cross_entropy(self.network(images), self.labels[rows])
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_clip or 1e9)
            self.optimizer.step()
            total = loss.detach()
        float(total)  # waits for the device
        return time.perf_counter() - started


def compare(task: TrainingTask, data: ImageData, epochs: int) -> None:
    """Print images per second of both loops, and the ratio."""
    codes = task.example()
    training = task.start(codes, data, seed=0)
    plain = PlainLoop(task.build(codes, 0), data, task.training, task.hardware)
    plain.epoch()
    training.train_epoch()
    ours, theirs = [], []
    for _ in range(epochs):
        theirs.append(len(data.train) / plain.epoch())
        ours.append(training.train_epoch().images_per_second)
    waiting = statistics.median(epoch.waiting_for_data for epoch in training.history)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"channels_last {task.hardware.channels_last!s:5}  compile {task.hardware.compile!s:5}  "
        f"plain {statistics.median(theirs):8.1f}  ours {statistics.median(ours):8.1f} images/s  "
        f"ratio {ratio:.3f}  waiting for data {waiting:.2%}",
        flush=True,
    )


def main() -> None:
    """Read the command line and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of CIFAR-10; without it, the digits")
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--cells", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=5, help="measured, after one that is not")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true", help="compare with compiling, too")
    options = parser.parse_args()

    config = DataConfig("cifar10" if options.data else "digits", options.data, options.images)
    data = load_data(config)
    for compiled in (False, True) if options.compile else (False,):
        for channels_last in (False, True):
            task = TrainingTask(
                cells.get("nasnet"),
                config,
                NetworkConfig(channels=options.channels, cells=options.cells),
                protocol("search", epochs=options.epochs + 1, batch_size=options.batch_size),
                Hardware(options.device, channels_last=channels_last, compile=compiled),
            )
            compare(task.fitted(data), data, options.epochs)


if __name__ == "__main__":
    main()
