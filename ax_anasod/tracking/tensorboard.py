"""Trials and their epochs in TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ax_anasod.journal import Completed, Failed, Record
from ax_anasod.optional import require
from ax_anasod.tracking.tracker import TrackedRun, Tracker, describe_trial

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoardTracker(Tracker):
    """Writes a log: curves over trials, and each trial with its hyperparameters and epochs.

    The tabs of TensorBoard then are: *Time series*, the values by trial and of each trial by
    epoch; *HParams*, a table of trials that sorts and filters, and parallel coordinates.

    Args:
        folder: Its folder, which ``tensorboard --logdir`` shows; that of several runs has one in
            it for each.
        trials: Folder in which the trials of one run have a log each that their training writes
            (``0000``, ``0001``, ...): the hyperparameters are put there, and epochs are left out.

    Raises:
        OptionalImportError: TensorBoard is not installed.
    """

    name: ClassVar[str] = "tensorboard"

    def __init__(self, folder: Path | str, trials: Path | None = None) -> None:
        require("tensorboard", "train")
        self._folder, self._trials = Path(folder), trials
        self._writers: dict[Path, SummaryWriter] = {}

    def on_epoch_end(
        self, run: TrackedRun, trial: int, epoch: int, values: Mapping[str, float]
    ) -> None:
        """Add an epoch to the log of its trial."""
        if self._trials is None:
            writer = self._writer(self._folder_of(run, trial))
            for name, value in values.items():
                writer.add_scalar(name, value, epoch)
            writer.flush()

    def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
        """Add a trial to the curves, and to the table of hyperparameters."""
        end = record.end
        writer = self._writer(self._folder_of(run))
        if isinstance(end, Completed):
            for name, value in end.values.items():
                writer.add_scalar(f"trial/{name}", value, record.trial)
            writer.add_text("architecture", f"`{end.architecture}`", record.trial)
            of_trial = self._folder_of(run, record.trial)
            values = {f"trial/{name}": value for name, value in end.values.items()}
            if of_trial in self._writers:
                self._writers.pop(of_trial).close()
            # Given a whole path, torch does not look for it in the folder of the writer.
            place = str(of_trial.absolute())
            writer.add_hparams(
                describe_trial(record), values, run_name=place, global_step=record.trial
            )
        elif isinstance(end, Failed):
            writer.add_text("failed", end.reason, record.trial)
        if best is not None:
            for objective in run.objectives:
                value = best.values[objective.name]
                writer.add_scalar(f"best/{objective.name}", value, record.trial)
        writer.flush()

    def on_run_end(
        self, run: TrackedRun, records: Sequence[Record], best: Completed | None, finished: bool
    ) -> None:
        """Close the files."""
        folder = self._folder_of(run)
        for path in [path for path in self._writers if path.is_relative_to(folder)]:
            self._writers.pop(path).close()

    def _folder_of(self, run: TrackedRun, trial: int | None = None) -> Path:
        folder = self._folder / run.folder
        if trial is None:
            return folder
        return (self._trials or folder / "trials") / f"{trial:04d}"

    def _writer(self, folder: Path) -> SummaryWriter:
        from torch.utils.tensorboard import SummaryWriter

        if folder not in self._writers:
            self._writers[folder] = SummaryWriter(str(folder))
        return self._writers[folder]
