"""One trial's training in a folder of its own, where any process finds how far it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np

from ax_anasod import trust
from ax_anasod.exceptions import AnasodError, RunError
from ax_anasod.files import read_bytes, refuse_link, remove_unfinished, write_whole
from ax_anasod.objectives import Limit
from ax_anasod.schema import parse_json
from ax_anasod.training.checkpoint import ROOM_HINT
from ax_anasod.training.costs import latency_of, measure_costs
from ax_anasod.training.epoch import Epoch, TensorBoardLog
from ax_anasod.training.latency import LATENCY, Latency
from ax_anasod.training.supervision import TrainingData
from ax_anasod.training.task import TrainingTask
from ax_anasod.training.training import Training
from ax_anasod.typing import Codes

Status = Literal["running", "completed", "failed", "stopped"]

_FILE: Final = "trial.json"
_CHECKPOINT: Final = "checkpoint.pt"


@dataclass(frozen=True)
class TrialState:
    """The progress of a trial: the content of ``trial.json``, written after every epoch.

    Args:
        codes: ``n x d`` codes of its network, one a layer or a single one, as lists.
        seed: The seed of its training.
        task: Part -> digest of what is trained, by which the trial of another task is known.
        costs: What its network costs (:data:`ax_anasod.training.costs.COSTS`); empty before
            there is one.
        epochs: Its epochs so far.
        status: What it does.
        reason: Why it failed or was stopped.
        latency: How its latency was measured, where that is one of the costs.
    """

    codes: list[list[int]]
    seed: int
    task: dict[str, str]
    costs: dict[str, float] = field(default_factory=dict)
    epochs: tuple[Epoch, ...] = ()
    status: Status = "running"
    reason: str | None = None
    latency: Latency | None = None

    @property
    def values(self) -> dict[str, float]:
        """Objective or reported quantity -> value after the last epoch; empty before it."""
        return self.values_after(self.epochs[-1]) if self.epochs else {}

    def values_after(self, epoch: Epoch) -> dict[str, float]:
        """Objective or reported quantity -> value after an epoch."""
        return {**epoch.values, **self.costs}

    def differs_from(self, other: TrialState) -> list[str]:
        """The names of what differs between two trainings; empty if they are the same training."""
        mine, others = (
            {"codes": state.codes, "seed": state.seed, **state.task} for state in (self, other)
        )
        return [name for name in others if mine.get(name) != others[name]]

    def write(self, folder: Path) -> None:
        """Write the state into the folder of the trial.

        Raises:
            RunError: The file cannot be written, as on a full disk.
        """
        content = {
            **vars(self),
            "epochs": [epoch.to_dict() for epoch in self.epochs],
            "latency": None if self.latency is None else self.latency.to_dict(),
        }
        write_whole(folder / _FILE, json.dumps(content, indent=1).encode(), ROOM_HINT)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the state of a trial; None where it has not begun.

        Raises:
            RunError: The file cannot be read, or is damaged.
        """
        path = folder / _FILE
        try:
            return parse_json(cls, read_bytes(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise RunError(
                f"{path} is damaged: it {error}",
                "delete it: it is made again after the next epoch",
            ) from error


class TrialTraining:
    """The training of one trial; it goes on from the last epoch that its folder has.

    Args:
        task: What is trained; its network takes the classes and channels of the images.
        codes: ``n x d`` codes of the network.
        seed: The seed of the training.
        folder: The folder of the trial; it is made.
        tensorboard: Whether a log for TensorBoard is written there.
        limits: What the network must keep; one on a cost that is broken ends the trial before its
            first epoch.

    Raises:
        RunError: The folder cannot be made, or has the trial of another search.
    """

    def __init__(
        self,
        task: TrainingTask,
        codes: Codes,
        seed: int,
        folder: Path,
        *,
        tensorboard: bool = True,
        limits: Sequence[Limit] = (),
    ) -> None:
        self._task, self._codes, self._seed, self._folder = task, codes, seed, folder
        self._tensorboard, self._limits = tensorboard, limits
        self._training: Training | None = None
        self._log: TensorBoardLog | None = None
        try:
            refuse_link(folder)
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"the folder {folder} cannot be made: {error.strerror}") from error
        remove_unfinished(folder)
        begun = TrialState.read(folder)
        new = TrialState(codes.tolist(), seed, task.digests())
        if begun is not None and (different := begun.differs_from(new)):
            raise RunError(
                f"the folder {folder} holds the trial of another search; what differs: "
                f"{', '.join(different)}",
                "name another folder",
            )
        self.state = begun or new
        if self.state.status != "running":
            # A process may have been killed between the end of the trial and this.
            (folder / _CHECKPOINT).unlink(missing_ok=True)

    def advance(self, data: TrainingData, epochs: int | None = 1) -> TrialState:
        """Train for some more epochs.

        Divergence, a network that does not fit the device, or images that do not fit the
        network fail the trial, which the state says; so that the search goes on.

        Args:
            data: The images or sequences.
            epochs: How many; None trains to the end.

        Raises:
            RunError: The folder cannot be written, or the checkpoint is damaged or of
                another network. Nothing that was there is lost.
        """
        done = 0
        while self.state.status == "running" and (epochs is None or done < epochs):
            try:
                self._train(data)
            except RunError:
                raise
            except AnasodError as error:
                self.end("failed", str(error))
            done += 1
        return self.state

    def end(self, status: Status, reason: str | None = None) -> None:
        """Note that the trial has ended, and let go of the network.

        Raises:
            RunError: The folder cannot be written.
        """
        self.state = replace(self.state, status=status, reason=reason)
        self.state.write(self._folder)
        # The state says all about a trial that has ended; weights are large.
        (self._folder / _CHECKPOINT).unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Release the network; the training can be continued from its folder."""
        if self._log is not None:
            self._log.close()
        self._training = self._log = None

    def _train(self, data: TrainingData) -> None:
        training = self._training
        if training is None:
            checkpoint = self._folder / _CHECKPOINT
            task = self._task.fitted(data)
            if not self.state.costs:
                self._measure(task)
            if self.state.status != "running":
                return
            training = task.start(self._codes, data, self._seed, checkpoint)
            self._training = training
            if self._tensorboard:
                self._log = TensorBoardLog(self._folder, len(training.history))
        # A process may have been killed between the checkpoint of an epoch and the state of the
        # trial: that epoch is the next one then.
        if len(training.history) <= len(self.state.epochs) and not training.finished:
            epoch = training.train_epoch()
            if self._log is not None:
                self._log.write(epoch)
        self.state = replace(self.state, epochs=tuple(training.history))
        if training.finished:
            self.end("completed")
        else:
            self.state.write(self._folder)

    def _measure(self, task: TrainingTask) -> None:
        """Measure what the network costs, once; a limit that is broken ends the trial."""
        latency = latency_of(task, self._codes) if LATENCY in task.cost_names else None
        counted = [name for name in task.cost_names if name != LATENCY]
        costs = measure_costs(task, self._codes, counted)
        if latency is not None:
            costs[LATENCY] = latency.median
        self.state = replace(self.state, costs=costs, latency=latency)
        broken = [x for x in self._limits if x.name in costs and not x.keeps(costs[x.name])]
        if broken:
            self.end(
                "failed",
                "its network was not trained: "
                + ", ".join(f"{x.name} is {costs[x.name]:.6g}, not {x}" for x in broken),
            )
        elif latency is not None:
            # Another measurement would be another value.
            self.state.write(self._folder)


def train_trial(
    task: Mapping[str, Any],
    codes: list[list[int]],
    seed: int,
    folder: str,
    tensorboard: bool,
    data: TrainingData,
    limits: Sequence[str] = (),
) -> None:
    """Train one trial to its end: what the worker of a cluster does, which knows nothing of Ax.

    Args:
        task: ``TrainingTask.to_dict()``.
        codes: ``n x d`` codes of the network, as lists.
        seed: The seed of the training.
        folder: The folder of the trial.
        tensorboard: Whether a log for TensorBoard is written there.
        data: The images or sequences.
        limits: What the network must keep, such as ``"latency <= 5"``.

    Raises:
        RunError: The folder of the trial cannot be written, or its checkpoint is damaged.
    """
    with trust.own_description():  # sent by the process that has started this one
        described = TrainingTask.from_dict(task)
    training = TrialTraining(
        described,
        np.array(codes, dtype=np.int64),
        seed,
        Path(folder),
        tensorboard=tensorboard,
        limits=list(map(Limit.parse, limits)),
    )
    training.advance(data, epochs=None)
