"""The base of runners that train."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from ax.api.protocols.runner import IRunner
from ax.api.types import TParameterization
from ax.core.base_trial import BaseTrial
from ax.core.trial_status import TrialStatus

from ax_anasod.core.architectures import ARCHITECTURE, recorded_codes
from ax_anasod.core.ax_objectives import all_limits
from ax_anasod.core.bound_space import TrialKind
from ax_anasod.core.cell_search_space import CellSearchSpace, check_kind, search_space_of
from ax_anasod.core.seeding import architecture_rng, check_seed, network_seed
from ax_anasod.journal import BETWEEN_LAYERS
from ax_anasod.objectives import Limit
from ax_anasod.training import TrainingData, TrainingTask, TrialState, TrialTraining, load_data
from ax_anasod.training.searched import with_values
from ax_anasod.typing import Codes

HYPERPARAMETERS: Final = "hyperparameters"
"""Key of a trial's numbers beside its architecture, in its run metadata."""

LIMITS: Final = "limits"
"""Key of a trial's ``run_metadata`` under which it has the limits of its experiment."""

_STATUS = {
    "running": TrialStatus.RUNNING,
    "completed": TrialStatus.COMPLETED,
    "failed": TrialStatus.FAILED,
    "stopped": TrialStatus.EARLY_STOPPED,
}


class BaseTrainingRunner(IRunner):
    """Runs a trial by training the network of its encoding, or of its architecture.

    Each trial has a folder ``folder/0007`` (its index) with a checkpoint, its curve
    (``trial.json``) and a TensorBoard log, from which any process goes on with it. The layers'
    architectures and the seed of the training follow from the seed of the run and the index of
    the trial. Nothing of a trial is lost with the process: a poll for a trial that this
    runner has not started goes on with it.

    Args:
        task: What is trained, or its ``to_dict()``, which is what Ax stores.
        folder: The folder of all trials.
        space: What a trial's parameters are, ``"encoding"`` or ``"architecture"``; None tells
            by their names.
        seed: The seed of the run.
        tensorboard: True if logs for TensorBoard are written.

    Attributes:
        concurrency: How many trials it trains at a time; None for as many as it is given.
        seconds_between_polls: How long to wait where a poll has shown nothing new.

    Raises:
        OptionError: The seed is none, or a trial is to have several devices.
        UnknownNameError: The kind of space is unknown.
    """

    concurrency: int | None = None
    seconds_between_polls: float = 0.0

    def __init__(
        self,
        task: TrainingTask | Mapping[str, Any],
        folder: str | Path,
        space: TrialKind | None = None,
        seed: int = 0,
        tensorboard: bool = True,
    ) -> None:
        self._task = task if isinstance(task, TrainingTask) else TrainingTask.from_dict(task)
        self._task.hardware.check_single("a trial of a search")
        # What Ax has stored may come from anybody, who could name any folder.
        self._may_download = isinstance(task, TrainingTask)
        # Ax stores the arguments under the names of the attributes.
        self.task = self._task.to_dict()
        self.folder = str(folder)
        if space is not None:
            check_kind(space)
        self.space: TrialKind | None = space
        self.seed = check_seed(seed)
        self.tensorboard = tensorboard
        self._data: TrainingData | None = None

    def use_data(self, data: TrainingData) -> None:
        """Train on data that are in memory already, instead of reading them."""
        self._data = data

    def images(self) -> TrainingData:
        """The images or sequences that it trains on, read at the first call.

        Raises:
            DataError: The data are missing, damaged, or do not fit together.
        """
        if self._data is None:
            self._data = load_data(self._task.data, download=self._may_download)
        return self._data

    def prepare(self) -> None:
        """Make ready for the first trial, which otherwise does so itself.

        Raises:
            RunError: Nothing can be trained, see the runner.
        """

    def run(self, trial: BaseTrial) -> dict[str, Any]:
        """Start the training of a trial's network.

        A network that breaks a limit of the experiment on a cost
        (:data:`ax_anasod.training.costs.COSTS`) is not trained: its trial fails.

        Returns:
            As :meth:`run_trial`, and ``limits``, as texts.

        Raises:
            AnasodError: As :meth:`codes_of`.
            RunError: The folder of the trial cannot be written.
        """
        config = trial.experiment.optimization_config
        limits = [] if config is None else all_limits(config)
        (arm,) = trial.arms
        return self._begin(trial.index, self.codes_of(trial), self._beside(arm.parameters), limits)

    def codes_of(self, trial: BaseTrial) -> Codes:
        """The codes of a trial's network, ``n x d``: one a layer, or a single one.

        All layers are the architecture that was attached, or, where they are not drawn one by
        one, the one that was proposed.

        Raises:
            EncodingError: The parameters are no encoding of the cell.
            ArchitectureError: The parameters are no architecture of the cell.
        """
        (arm,) = trial.arms
        repeated = self._task.layers == "repeated"
        codes = recorded_codes(trial, arm, self._task.cell, with_proposed=repeated)
        return self.codes(trial.index, arm.parameters) if codes is None else codes

    def run_trial(self, trial_index: int, parameterization: TParameterization) -> dict[str, Any]:
        """Draw the network of parameters and start its training, without an experiment.

        Returns:
            The trial's ``run_metadata``: ``folder``, ``codes`` (one a layer, or one),
            ``seed`` of the training, and ``architecture`` (strings joined by ``" ; "``).

        Raises:
            EncodingError: The parameters are no encoding of the cell.
            ArchitectureError: The parameters are no architecture of the cell.
            RunError: The folder of the trial cannot be written.
        """
        codes = self.codes(trial_index, parameterization)
        return self._begin(trial_index, codes, self._beside(parameterization))

    def _beside(self, parameterization: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a trial that are numbers of its training or network."""
        space = search_space_of(self._task.cell, parameterization, self.space)
        return space.split(parameterization)[1]

    def _begin(
        self,
        trial_index: int,
        codes: Codes,
        beside: Mapping[str, Any],
        limits: Sequence[Limit] = (),
    ) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "folder": str(self.folder_of(trial_index)),
            "codes": codes.tolist(),
            "seed": network_seed(self.seed, trial_index),
            ARCHITECTURE: BETWEEN_LAYERS.join(self._task.cell.to_strings(codes)),
            **({LIMITS: list(map(str, limits))} if limits else {}),
        }
        if beside:
            metadata[HYPERPARAMETERS] = dict(beside)
        self._start(trial_index, metadata)
        return metadata

    def folder_of(self, trial_index: int) -> Path:
        """The folder of a trial."""
        return Path(self.folder) / f"{trial_index:04d}"

    def codes(self, trial_index: int, parameterization: Mapping[str, Any]) -> Codes:
        """The codes of a trial's network, ``n x d``: one a layer, or a single one.

        Raises:
            EncodingError: The parameters are no encoding of the cell.
            ArchitectureError: The parameters are no architecture of the cell.
            OptionError: A parameter beside the cell is no number that can be searched.
        """
        space = search_space_of(self._task.cell, parameterization, self.space)
        own, beside = space.split(parameterization)
        if isinstance(space, CellSearchSpace):
            return space.draw(own, self.seed, trial_index)
        counts = space.counts(own)
        task = with_values(self._task, beside)
        return task.draw(counts, architecture_rng(self.seed, trial_index, counts))

    def poll_exception(self, trial: BaseTrial) -> str:
        """The reason why a trial failed."""
        state = self.state(trial.run_metadata)
        return (state.reason if state is not None else None) or "its training was lost"

    def state(self, trial_metadata: Mapping[str, Any]) -> TrialState | None:
        """The progress of a trial, from its folder; None if it has not begun.

        Raises:
            RunError: The folder cannot be read, or is damaged.
        """
        return TrialState.read(Path(trial_metadata["folder"]))

    def close(self) -> None:
        """Release all resources; trials under way can be continued from their folders."""

    @abstractmethod
    def _start(self, trial_index: int, metadata: Mapping[str, Any]) -> None:
        """Start or go on with a trial."""

    def _task_of(self, metadata: Mapping[str, Any]) -> TrainingTask:
        """The task that a trial trains, with the trial's own numbers."""
        return with_values(self._task, metadata.get(HYPERPARAMETERS, {}))

    def _training(self, metadata: Mapping[str, Any]) -> TrialTraining:
        return TrialTraining(
            self._task_of(metadata),
            np.array(metadata["codes"], dtype=np.int64),
            metadata["seed"],
            Path(metadata["folder"]),
            tensorboard=self.tensorboard,
            limits=list(map(Limit.parse, metadata.get(LIMITS, ()))),
        )


def ax_status(state: TrialState) -> TrialStatus:
    """A trial's status in Ax's words."""
    return _STATUS[state.status]
