"""Learning curves for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ax_anasod.optional import require
from ax_anasod.training.epoch import Epoch


class TensorBoardLog:
    """A log in a folder, which ``tensorboard --logdir`` shows.

    Args:
        folder: The folder.
        epochs: How many epochs are in it; what a killed process wrote after them is hidden.

    Raises:
        OptionalImportError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, epochs: int = 0) -> None:
        require("tensorboard", "train")
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=epochs + 1 if epochs else None)

    def write(self, epoch: Epoch) -> None:
        """Add one epoch."""
        self.write_scalars(epoch.scalars, epoch.epoch)

    def write_scalars(self, scalars: Mapping[str, float], epoch: int) -> None:
        """Add named values of an epoch."""
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
