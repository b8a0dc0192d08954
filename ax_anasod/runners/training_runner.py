"""A runner that trains in its own process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ax.core.trial_status import TrialStatus

from ax_anasod.core import TrialKind
from ax_anasod.exceptions import DataError, OptionError
from ax_anasod.runners.training_base import BaseTrainingRunner, ax_status
from ax_anasod.training import TrainingTask, TrialTraining


class TrainingRunner(BaseTrainingRunner):
    """Trains in this process, an epoch at each poll.

    A poll that trains instead of only looking needs no thread, so that a search is the same
    each time, and Ax can stop a trial early after any of its epochs. Ax's ``Orchestrator``
    should not wait between polls: ``OrchestratorOptions(init_seconds_between_polls=0,
    min_seconds_before_poll=0.0)``. ``Client.run_trials`` always waits: give it
    ``epochs_per_poll=None``.

    Args:
        task: What is trained, or its ``to_dict()``, which is what Ax stores.
        folder: The folder of all trials.
        space: What a trial's parameters are, ``"encoding"`` or ``"architecture"``; None tells
            by their names.
        seed: The seed of the run.
        tensorboard: True if logs for TensorBoard are written.
        epochs_per_poll: How many epochs a poll trains; None trains to the end at the first.

    Raises:
        OptionError: The seed is none, or ``epochs_per_poll`` is less than 1.
        UnknownNameError: The kind of space is unknown.
    """

    concurrency = 1

    def __init__(
        self,
        task: TrainingTask | Mapping[str, Any],
        folder: str,
        space: TrialKind | None = None,
        seed: int = 0,
        tensorboard: bool = True,
        epochs_per_poll: int | None = 1,
    ) -> None:
        super().__init__(task, folder, space, seed, tensorboard)
        if epochs_per_poll is not None and epochs_per_poll < 1:
            raise OptionError(f"epochs_per_poll must be at least 1, got {epochs_per_poll}")
        self.epochs_per_poll = epochs_per_poll
        self._trainings: dict[int, TrialTraining] = {}

    def poll_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> TrialStatus:
        """Train for ``epochs_per_poll`` more epochs, and say what the trial does then.

        Raises:
            RunError: The folder of the trial cannot be written, or its checkpoint is damaged;
                nothing that was there is lost.
        """
        if trial_index not in self._trainings:
            self._start(trial_index, trial_metadata)
        training = self._trainings[trial_index]
        try:
            training.advance(self.images(), self.epochs_per_poll)
        except DataError as error:
            training.end("failed", str(error))
        if training.state.status != "running":
            del self._trainings[trial_index]
        return ax_status(training.state)

    def stop_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Train the trial no further."""
        if trial_index not in self._trainings:
            self._start(trial_index, trial_metadata)
        self._trainings.pop(trial_index).end("stopped")
        return {}

    def close(self) -> None:
        """Release the networks; trials under way can be continued from their folders."""
        for training in self._trainings.values():
            training.close()
        self._trainings.clear()

    def _start(self, trial_index: int, metadata: Mapping[str, Any]) -> None:
        self._trainings[trial_index] = self._training(metadata)
