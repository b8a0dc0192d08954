"""What a step of a differentiable search costs, beside a plain torch loop of the same steps.

Both loops train the same supernet on the same images: a step of p (the gradient of the
validation loss) and a step of the weights. The plain loop has the same augmentation and
optimiser, and nothing else: no Fabric, no checkpoints, no measuring. They take turns, so that a
busy machine slows both; what counts is the ratio. On a machine that others use, ``--cpu-time``
counts the seconds of the processor, not those of the wall. The mixture of all operations is then
compared with a single path.

    python benchmarks/dnas.py --data FOLDER_OF_CIFAR10
    python benchmarks/dnas.py                              (on the digits)
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from unittest.mock import patch

import torch
from torch import nn

from ax_anasod import cells
from ax_anasod.dnas import DistributionSearch, build_supernet, method
from ax_anasod.dnas.distribution import SimplexDistribution
from ax_anasod.networks import published_config
from ax_anasod.training import (
    DataConfig,
    Hardware,
    ImageData,
    TrainingConfig,
    TrainingTask,
    load_data,
)
from ax_anasod.training.augment import Augmentation


class PlainLoop:
    """The two steps of ``anasod-dnas`` as a few lines of torch."""

    def __init__(self, task: TrainingTask, data: ImageData) -> None:
        self.config, self.data = task.training, data
        self.layout = task.hardware.memory_format
        self.device = torch.device(task.hardware.fabric().device)
        self.supernet = build_supernet(task.cell, task.network, seed=0)
        self.supernet.choice.shortcut = 1.0
        self.supernet.to(self.device).to(memory_format=self.layout)
        mean, std = (values.to(self.device) for values in data.statistics())
        self.augment = Augmentation(
            self.config, mean, std, data.num_classes, min(data.image_size), data.mirror_images
        )
        self.parts = [part.to(self.device) for part in (data.train, data.valid)]
        allowed = [name != "none" for name in task.cell.operations]
        self.p = SimplexDistribution(
            1, allowed, exponentiated=False, learning_rate=0.1, normalised=True
        )
        self.optimizer = torch.optim.SGD(
            self.supernet.parameters(),
            lr=self.config.learning_rate,
            momentum=self.config.momentum,
            weight_decay=self.config.weight_decay,
        )
        self.generator = torch.Generator().manual_seed(0)

    def epoch(self) -> tuple[float, float]:
        """Seconds of a step of p, and of the weights, over one epoch."""
        size, edges = self.config.batch_size, self.supernet.edges.num_edges
        steps = len(self.data.train) // size
        orders = [torch.randperm(len(part), generator=self.generator) for part in self.parts]
        seconds = [0.0, 0.0]
        for step in range(steps):
            batches = [
                part.subset(order[step * size : (step + 1) * size].to(self.device))
                for part, order in zip(self.parts, orders, strict=True)
            ]
            (images, labels), (shown, targets) = (
                self.augment(batch.pixels, batch.labels, self.generator) for batch in batches
            )
            started = time.perf_counter()
            probabilities = self.p.probabilities().float().to(self.device)
            self.supernet.mix(probabilities.expand(edges, -1))
            loss = nn.functional.cross_entropy(
                self.supernet(shown.contiguous(memory_format=self.layout)), targets
            )
            (gradient,) = torch.autograd.grad(loss, self.p.parameters)
            self.p.step(gradient, 1.0)
            middle = time.perf_counter()
            progress = step / steps
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * (1 + math.cos(math.pi * progress)) / 2
            self.supernet.mix(self.p.probabilities().detach().float().expand(edges, -1))
            loss = nn.functional.cross_entropy(
                self.supernet(images.contiguous(memory_format=self.layout)), labels
            )
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.supernet.parameters(), self.config.gradient_clip or 1e9)
            self.optimizer.step()
            ended = time.perf_counter()
            seconds[0] += middle - started
            seconds[1] += ended - middle
        return seconds[0] / steps, seconds[1] / steps


def main() -> None:
    """Read the command line and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of CIFAR-10; without it, the digits")
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--cells", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=5, help="measured, after one that is not")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cpu-time", action="store_true", help="with OMP_NUM_THREADS=1")
    options = parser.parse_args()

    config = DataConfig(
        "cifar10" if options.data else "digits",
        options.data,
        options.images,
        validation=0.5,
        image_size=options.image_size,
    )
    data, cell = load_data(config), cells.get("nas-bench-201")
    task = TrainingTask(
        cell,
        config,
        published_config(cell, channels=options.channels, cells=options.cells),
        TrainingConfig(epochs=options.epochs + 1, batch_size=options.batch_size),
        Hardware(options.device).with_threads(),
    ).fitted(data)
    names = ("anasod-dnas", "gdas")
    mixture, single = (DistributionSearch(task, method(name), data) for name in names)
    plain = PlainLoop(task, data)
    clock = time.process_time if options.cpu_time else time.perf_counter
    # Both loops ask this clock.
    with task.hardware.settings(), patch("time.perf_counter", clock):
        plain.epoch()
        rows = []
        for _ in range(options.epochs + 1):
            theirs = sum(plain.epoch())
            ours = [
                (epoch.distribution_seconds + epoch.weights_seconds) / epoch.steps
                for epoch in (mixture.search_epoch(), single.search_epoch())
            ]
            rows.append((theirs, *ours))
    theirs, ours, path = (statistics.median(column) for column in zip(*rows[1:], strict=True))
    ratio = statistics.median(row[1] / row[0] for row in rows[1:])
    print(
        f"{cell.name}, {options.channels} channels, {options.cells} cells, "
        f"{data.image_size[0]} pixels a side, batches of {options.batch_size}; ms for both steps: "
        f"plain loop {1000 * theirs:.1f}, ours {1000 * ours:.1f}, ratio {ratio:.3f}; "
        f"single path {1000 * path:.1f}, mixture / single path {ours / path:.2f}; "
        f"memory {mixture.history[-1].memory:.0f} MiB; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
