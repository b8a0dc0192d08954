"""Seconds of a training on sequences beside a plain torch loop, in turns.

    python benchmarks/sequence_training.py --architectures MMMMMM MMAMMM ALMALM

Both train the same language model on the same batches with the same optimiser, one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from ax_anasod import cells
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.training import (
    Hardware,
    SequenceConfig,
    SequenceData,
    Training,
    TrainingConfig,
    TrainingTask,
    load_data,
    sequence_protocol,
)
from ax_anasod.training.sequences import NOT_ASKED


class PlainLoop:
    """What one would write: batches, rate, loss, gradient, step."""

    def __init__(self, network: nn.Module, data: SequenceData, config: TrainingConfig) -> None:
        self.network, self.data, self.config = network, data, config
        matrices = [p for p in network.parameters() if p.dim() > 1]
        others = [p for p in network.parameters() if p.dim() <= 1]
        groups = [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        betas = (config.momentum, config.squared_momentum)
        self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=betas)

    def epoch(self) -> float:
        """Processor seconds of a pass over the sequences."""
        started = time.process_time()
        train, loss = self.data.train, torch.zeros(())
        for rows in torch.randperm(len(train)).split(self.config.batch_size):
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate
            loss = self._step(train.tokens[rows], train.targets[rows])
        float(loss)
        return time.process_time() - started

    def _step(self, tokens: Tensor, targets: Tensor) -> Tensor:
        logits = self.network(tokens)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=NOT_ASKED)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_clip or 1e9)
        self.optimizer.step()
        return loss.detach()


def of_ours(training: Training, number: int) -> float:
    """Processor seconds of the same with the package's loop, without measuring."""
    started = time.process_time()
    training.learn(number)
    return time.process_time() - started


def compare(architecture: str, task: TrainingTask, data: SequenceData, epochs: int) -> None:
    """Print milliseconds a step of both loops, and the median of their ratios."""
    codes = task.cell.from_strings([architecture])
    training = task.start(codes, data, seed=0)
    plain = PlainLoop(task.build(codes, 0), data, task.training)
    plain.epoch(), of_ours(training, 1)
    theirs, ours = [], []
    for number in range(epochs):
        theirs.append(plain.epoch())
        ours.append(of_ours(training, number + 2))
    steps = len(data.train) // task.training.batch_size
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    of_both = (1e3 * statistics.median(seconds) / steps for seconds in (theirs, ours))
    print(architecture, "plain {:.2f}  ours {:.2f} ms a step".format(*of_both), f"{ratio:.3f}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=["MMMMMM", "MMAMMM", "ALMALM"])
    parser.add_argument("--sequences", type=int, default=800)
    parser.add_argument("--epochs", type=int, default=7, help="measured, after one that is not")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    config = SequenceConfig(sequences=options.sequences)
    data = load_data(config)
    task = TrainingTask(
        cells.get("hybrid-lm"),
        config,
        DecoderConfig(),
        sequence_protocol("search"),
        Hardware("cpu", threads=1),
    ).fitted(data)
    task = replace(task, training=replace(task.training, epochs=options.epochs + 1))
    for architecture in options.architectures:
        compare(architecture, task, data, options.epochs)


if __name__ == "__main__":
    main()
