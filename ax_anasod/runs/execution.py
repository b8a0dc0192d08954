"""The place and manner in which a run that trains carries out its trials.

The command line reads the fields of :class:`Execution`, so that Ax and torch are imported only
by the methods that need them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from annotated_types import Ge, Le

from ax_anasod import trust
from ax_anasod.settings import Configuration, ProperPercentage, checked

if TYPE_CHECKING:
    from ax.early_stopping.strategies import BaseEarlyStoppingStrategy

    from ax_anasod.runners import BaseTrainingRunner
    from ax_anasod.runs.run_config import RunConfig
    from ax_anasod.training import TrainingTask

_MOST: Final = 1_000_000
_Whole = Annotated[int, Ge(1), Le(_MOST)]
_Amount = Annotated[float, Ge(0), Le(_MOST)]


@checked
@dataclass(frozen=True)
class Execution(Configuration):
    """The runner of a run, and when it stops trials early.

    Args:
        runner: ``local`` trains one trial after the other in this process; ``ray`` as many at a
            time as are proposed together, each in a process of its own.
        address: Address of a Ray cluster; without it Ray runs on this machine.
        cpus: Processors of a trial, for Ray.
        gpus: GPUs of a trial, for Ray; 0.25 lets four share one.
        retries: Number of times that a trial goes on after its worker was lost, for Ray.
        early_stopping: Stop a trial that is among this share of the worst after an epoch, in
            percent.
        min_epochs: Epochs that every trial has.
        min_trials: Trials that must have a curve before any is stopped.
        tensorboard: Write logs for TensorBoard.

    Raises:
        UnknownNameError: There is no such runner.
        OptionError: A value is of another type, or out of its range.
    """

    runner: Literal["local", "ray"] = "local"
    address: str | None = None
    cpus: _Amount = 1.0
    gpus: _Amount = 0.0
    retries: Annotated[int, Ge(0), Le(_MOST)] = 3
    early_stopping: ProperPercentage | None = None
    min_epochs: _Whole = 1
    min_trials: _Whole = 5
    tensorboard: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The execution as JSON-able data.

        One with an address has a seal (see `ax_anasod.trust`), since that is connected to.
        """
        if self.address is None:
            return asdict(self)
        return {**asdict(self), trust.SEAL: trust.seal({"address": self.address})}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """The execution that `to_dict` described.

        Raises:
            UnknownNameError: There is no option of a name.
            OptionError: A value is of another type, or out of its range; or it has an address,
                and was not written by this user on this machine.
        """
        from ax_anasod.runners.ray_runner import check_address

        given = {name: value for name, value in description.items() if name != trust.SEAL}
        execution = super().from_dict(given)
        check_address(execution.address, description.get(trust.SEAL))
        return execution

    def make_runner(
        self, task: TrainingTask, config: RunConfig, folder: Path
    ) -> BaseTrainingRunner:
        """The runner of a run.

        Args:
            task: The training task.
            config: The configuration of the run.
            folder: The folder of its trials.

        Raises:
            OptionalImportError: Ray is wanted and not installed.
        """
        from ax_anasod.generation_strategy import get
        from ax_anasod.runners import RayRunner, TrainingRunner

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
        from ax_anasod.early_stopping import stop_worst

        return stop_worst(self.early_stopping, self.min_epochs, self.min_trials)
