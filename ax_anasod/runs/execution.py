"""How and where a run that trains carries out its trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from ax.early_stopping.strategies import BaseEarlyStoppingStrategy

from ax_anasod.early_stopping import stop_worst
from ax_anasod.exceptions import UnknownNameError
from ax_anasod.generation_strategy import get
from ax_anasod.runners import BaseTrainingRunner, RayRunner, TrainingRunner
from ax_anasod.runs.config import RunConfig
from ax_anasod.training import TrainingTask

RUNNERS: Final = ("local", "ray")
TRIALS_FOLDER: Final = "trials"
"""The folder of the trials in the folder of a run."""


@dataclass(frozen=True)
class Execution:
    """The runner of a run, and when it stops trials early.

    Args:
        runner: ``"local"`` trains one trial after the other in this process; ``"ray"`` as
            many at a time as are proposed together, each in a process of its own.
        address: Address of a Ray cluster, None for this machine.
        cpus: Processors of a trial, for Ray.
        gpus: GPUs of a trial, for Ray.
        retries: How many times a trial goes on after its worker was lost, for Ray.
        early_stopping: A trial that is among this share of the worst after an epoch, in
            percent, is stopped; None stops none.
        min_epochs: Epochs that every trial has.
        min_trials: No trial is stopped before so many others have a curve.
        tensorboard: Whether logs for TensorBoard are written.

    Raises:
        UnknownNameError: There is no such runner.
        OptionError: A number is out of range.
    """

    runner: str = "local"
    address: str | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    retries: int = 3
    early_stopping: float | None = None
    min_epochs: int = 1
    min_trials: int = 5
    tensorboard: bool = True

    def __post_init__(self) -> None:
        if self.runner not in RUNNERS:
            raise UnknownNameError("runner", self.runner, RUNNERS)
        self.make_early_stopping()  # refuses

    def to_dict(self) -> dict[str, Any]:
        """The execution as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """The execution that `to_dict` described."""
        return cls(**description)

    def make_runner(
        self, task: TrainingTask, config: RunConfig, folder: Path
    ) -> BaseTrainingRunner:
        """The runner of a run.

        Args:
            task: What is trained.
            config: What the run is.
            folder: The folder of its trials.

        Raises:
            OptionalImportError: Ray is wanted and not installed.
        """
        space = get(config.strategy).space
        if self.runner == "local":
            return TrainingRunner(task, str(folder), space, config.seed, self.tensorboard)
        return RayRunner(
            task,
            str(folder),
            space,
            config.seed,
            self.tensorboard,
            address=self.address,
            cpus=self.cpus,
            gpus=self.gpus,
            retries=self.retries,
        )

    def make_early_stopping(self) -> BaseEarlyStoppingStrategy | None:
        """Ax's strategy for early stopping, None where no trial is stopped."""
        if self.early_stopping is None:
            return None
        return stop_worst(self.early_stopping, self.min_epochs, self.min_trials)
