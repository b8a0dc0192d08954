"""The files in the folder of a differentiable search, and the record of an epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

CONFIG: Final = "dnas.json"
CHECKPOINT: Final = "checkpoint.pt"
EPOCHS: Final = "epochs.csv"
FOUND: Final = "found.json"
"""The result; a search starts from it, and ``evaluate`` trains it."""
RESULTS: Final = "search.json"
TRAINED: Final = "trained.json"
"""Losses of cells that were trained alone for a few epochs."""
LOCK: Final = "dnas.lock"
FILES: Final = (CHECKPOINT, EPOCHS, FOUND, RESULTS, TRAINED)
"""The files that a search writes after its configuration."""
RANKED: Final = {
    "nothing": "taken from p",
    "supernet": "ranked by the supernet",
    "training": "the first ones ranked by short trainings, draws behind them by the supernet",
}
"""The judge that cells were ranked by -> the same in words."""


@dataclass(frozen=True)
class SearchEpoch:
    """The measurements of one epoch of a search.

    Args:
        epoch: Its number, from 1.
        weights_loss: Mean loss of the steps of the weights, in nats.
        distribution_loss: Mean loss of the steps of p, in nats.
        mixture_loss: Loss of the mixture on fixed validation images, in nats.
        draw_loss: Mean loss of a few architectures drawn from p on these, in nats.
        draw_error: Their mean error on these, in percent.
        probabilities: ``rows x k``, p.
        entropy: Mean entropy of the rows, in nats.
        drawn: An architecture drawn from p.
        likeliest: The one that takes the likeliest operation of each edge.
        weights_seconds: Wall time of the steps of the weights, in seconds.
        distribution_seconds: Wall time of the steps of p, in seconds.
        data_seconds: Wall time of waiting for batches, in seconds.
        steps: Steps of the weights, and of p.
        memory: Most memory of the device that was in use, in MiB; of the process on a CPU.
    """

    epoch: int
    weights_loss: float
    distribution_loss: float
    mixture_loss: float
    draw_loss: float
    draw_error: float
    probabilities: list[list[float]]
    entropy: float
    drawn: str
    likeliest: str
    weights_seconds: float
    distribution_seconds: float
    data_seconds: float
    steps: int
    memory: float

    def to_dict(self) -> dict[str, Any]:
        """The measurements as JSON-able data."""
        return asdict(self)

    def scalars(self) -> dict[str, float]:
        """The measurements that TensorBoard shows."""
        shown = {
            "loss/weights": self.weights_loss,
            "loss/distribution": self.distribution_loss,
            "loss/mixture": self.mixture_loss,
            "loss/draws": self.draw_loss,
            "error/draws": self.draw_error,
            "entropy": self.entropy,
        }
        means = [sum(column) / len(column) for column in zip(*self.probabilities, strict=True)]
        return shown | {f"p/{i}": mean for i, mean in enumerate(means)}
