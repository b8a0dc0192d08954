"""A table of a cell and its hyperparameters: MLPs on scikit-learn's digits, all settings trained.

Every one of 81 cells is trained with each of 7 learning rates, 4 weight decays and 3 widths,
from 3 seeds each: 6,804 settings, 20,412 trainings. All trainings of a cell and a width are one
batch of networks, so that one takes about a hundredth of a second of a processor:

    python benchmarks/joint_table.py --out joint_digits.csv.gz

A run that was stopped goes on where it was: whole cells are kept in ``joint_digits.part.csv``.
The command that made the table in ``tests/data`` is the one above.

The network: 64 pixels, a linear layer to ``width``, two copies of the cell, a linear layer to 10
classes. A cell has nodes 0..3, of which each is the sum of the blocks that lead to it: blocks
0..3 are the edges 0-1, 1-2, 0-2 and 2-3, and node 3 is the output. ``relu`` and ``tanh`` are the
activation and then a linear layer, ``skip`` passes its input on. Trained are 400 images for 20
epochs in batches of 40, by stochastic gradient descent with momentum 0.9, a cosine schedule and
decoupled weight decay (Loshchilov and Hutter 2019); 700 images are the validation, 697 the test
set. A training that diverges has the error of a constant answer.

Columns: ``arch``; ``learning_rate``, ``weight_decay``, ``width``; the validation accuracy in
percent (mean of the seeds) ``accuracy``, its standard deviation over the seeds ``deviation``, and
the mean ``test_accuracy``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import itertools
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ax_anasod.cells import Cell

OPERATIONS = ("skip", "relu", "tanh")
EDGES = ((0, 1), (1, 2), (0, 2), (2, 3))
LEARNING_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
WEIGHT_DECAYS = (0.0001, 0.001, 0.01, 0.1)
WIDTHS = (8, 16, 32)
SEEDS = (0, 1, 2)
COLUMNS = (
    *("arch", "learning_rate", "weight_decay", "width"),
    *("accuracy", "deviation", "test_accuracy"),
)

_EPOCHS, _BATCH, _CELLS = 20, 40, 2
_TRAIN, _VALID = 400, 700
_RATES = list(itertools.product(LEARNING_RATES, WEIGHT_DECAYS))
_NETWORKS = len(SEEDS) * len(_RATES)

CELL = Cell("digits-mlp", operations=OPERATIONS, num_blocks=len(EDGES))


class Digits:
    """The images, standardised, and how they are split."""

    def __init__(self) -> None:
        from sklearn.datasets import load_digits

        loaded = load_digits()
        images = torch.tensor(loaded.data, dtype=torch.float32)
        self.images = (images - images.mean()) / images.std()
        self.labels = torch.tensor(loaded.target)
        order = np.random.default_rng(0).permutation(len(self.labels))
        self.train, self.valid = order[:_TRAIN], order[_TRAIN : _TRAIN + _VALID]
        self.test = order[_TRAIN + _VALID :]


class Networks:
    """All networks of one cell and one width, side by side: parameters ``m x in + 1 x out``."""

    def __init__(self, code: list[int], width: int) -> None:
        self._operations = [OPERATIONS[c] for c in code]
        self._width = width
        self.parameters: list[Tensor] = []
        self._stem = self._linear(64, width, 0)
        self._blocks = {
            (copy, block): self._linear(width, width, 1 + len(EDGES) * copy + block)
            for copy in range(_CELLS)
            for block, operation in enumerate(self._operations)
            if operation in ("relu", "tanh")
        }
        self._head = self._linear(width, 10, 100)

    def _linear(self, inputs: int, outputs: int, key: int) -> Tensor:
        """A layer of each network; networks of a seed start alike."""
        drawn = []
        for seed in SEEDS:
            generator = torch.Generator().manual_seed(1000 * seed + key)
            uniform = 2 * torch.rand(inputs + 1, outputs, generator=generator) - 1
            drawn.append(uniform / math.sqrt(inputs))
        weights = torch.stack(drawn).repeat_interleave(len(_RATES), dim=0)
        self.parameters.append(weights.requires_grad_())
        return weights

    def __call__(self, x: Tensor) -> Tensor:
        """Logits ``m x b x 10`` of images ``m x b x 64``."""
        state = _apply(self._stem, x)
        for copy in range(_CELLS):
            nodes: dict[int, Tensor] = {0: state}
            for block, (source, target) in enumerate(EDGES):
                value = self._block(copy, block, nodes[source])
                nodes[target] = nodes[target] + value if target in nodes else value
            state = nodes[len(nodes) - 1]
        return _apply(self._head, state)

    def _block(self, copy: int, block: int, x: Tensor) -> Tensor:
        operation = self._operations[block]
        if operation == "skip":
            return x
        activation: Callable[[Tensor], Tensor] = torch.relu if operation == "relu" else torch.tanh
        return _apply(self._blocks[copy, block], activation(x))


def _apply(layer: Tensor, x: Tensor) -> Tensor:
    return torch.baddbmm(layer[:, -1:], x, layer[:, :-1])


def train(code: list[int], width: int, digits: Digits) -> tuple[np.ndarray, np.ndarray]:
    """Train all settings of a cell and a width.

    Returns:
        Validation and test accuracies in percent, ``seeds x settings`` each.
    """
    networks = Networks(code, width)
    rates = torch.tensor([rate for _ in SEEDS for rate, _ in _RATES])[:, None, None]
    decays = torch.tensor([decay for _ in SEEDS for _, decay in _RATES])[:, None, None]
    momenta = [torch.zeros_like(p) for p in networks.parameters]
    generators = [np.random.default_rng(seed) for seed in SEEDS]
    steps, step = _EPOCHS * (_TRAIN // _BATCH), 0
    for _ in range(_EPOCHS):
        orders = np.stack([digits.train[rng.permutation(_TRAIN)] for rng in generators])
        for start in range(0, _TRAIN, _BATCH):
            rows = np.repeat(orders[:, start : start + _BATCH], len(_RATES), axis=0)
            logits = networks(digits.images[rows])
            loss = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), digits.labels[rows].flatten(), reduction="sum"
            )
            slopes = torch.autograd.grad(loss / _BATCH, networks.parameters)
            rate = rates * (0.5 + 0.5 * math.cos(math.pi * step / steps))
            step += 1
            with torch.no_grad():
                for p, momentum, slope in zip(networks.parameters, momenta, slopes, strict=True):
                    momentum.mul_(0.9).add_(slope)
                    p.mul_(1 - rate * decays).sub_(rate * momentum)
    valid, test = (_accuracies(networks, digits, rows) for rows in (digits.valid, digits.test))
    return valid, test


def _accuracies(networks: Networks, digits: Digits, rows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        logits = networks(digits.images[rows].expand(_NETWORKS, -1, -1))
    # NaN answers the first class.
    right = logits.nan_to_num(0.0).argmax(dim=-1) == digits.labels[rows]
    accuracies: np.ndarray = (100 * right.float().mean(dim=1)).reshape(len(SEEDS), -1).numpy()
    return accuracies


def rows_of(architecture: str, code: list[int], width: int, digits: Digits) -> list[list[str]]:
    """The rows of the table of one cell and one width."""
    valid, test = train(code, width, digits)
    columns = valid.mean(axis=0), valid.std(axis=0, ddof=1), test.mean(axis=0)
    return [
        [architecture, f"{rate:g}", f"{decay:g}", str(width), *(f"{c[i]:.2f}" for c in columns)]
        for i, (rate, decay) in enumerate(_RATES)
    ]


def main() -> None:
    """Train what is missing, and write the table once all of it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the table, a .csv.gz file")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    part = arguments.out.with_name(arguments.out.name.removesuffix(".csv.gz") + ".part.csv")
    table = part.read_text() if part.exists() else ""
    done = [line.split(",") for line in table.splitlines()]
    blocks = [done[i : i + len(_RATES)] for i in range(0, len(done), len(_RATES))]
    known = {(b[0][0], int(b[0][3])) for b in blocks if len(b) == len(_RATES)}
    codes = CELL.enumerate()
    tasks = [*itertools.product(zip(CELL.to_strings(codes), codes.tolist(), strict=True), WIDTHS)]
    digits, begin = Digits(), time.monotonic()
    with part.open("w") as file:
        # What a kill cut off is trained again.
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows(itertools.chain(*(b for b in blocks if len(b) == len(_RATES))))
        for number, ((architecture, code), width) in enumerate(tasks):
            if (architecture, width) in known:
                continue
            if time.monotonic() - begin > 60 * arguments.minutes:
                print(f"{number} of {len(tasks)} cells and widths are done; run it again")
                return
            writer.writerows(rows_of(architecture, code, width, digits))
            file.flush()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(COLUMNS)
    text.write(part.read_text())
    # Without a name and time, so that the same table is the same file.
    arguments.out.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))
    part.unlink()
    print(f"{arguments.out}: {len(tasks) * len(_RATES):,} settings")


if __name__ == "__main__":
    main()
