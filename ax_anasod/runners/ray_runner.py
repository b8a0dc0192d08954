"""A runner that trains on the machines of a Ray cluster."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ax.core.trial_status import TrialStatus
from ax.utils.common.serialization import SerializationMixin

from ax_anasod import trust
from ax_anasod.core import TrialKind
from ax_anasod.exceptions import AnasodError, DataError, OptionError, RunError
from ax_anasod.optional import require
from ax_anasod.runners.training_base import LIMITS, BaseTrainingRunner, ax_status
from ax_anasod.training import TrainingTask, train_trial

# For a worker that is interrupted; one that does not answer is killed.
_SECONDS_TO_END: Final = 30.0
_SECONDS_TO_ANSWER: Final = 10.0


class RayRunner(BaseTrainingRunner):
    """Trains each trial as a Ray task, with its share of processors and GPUs.

    On one machine nothing has to be set up; on a cluster, name its address. The images are
    read once and sent to the workers by Ray; ``folder`` must be one that all machines see,
    since a trial whose worker or machine is lost goes on from its last epoch on another one.

    Args:
        task: What is trained, or its ``to_dict()``, which is what Ax stores.
        folder: The folder of all trials.
        space: What a trial's parameters are, ``"encoding"`` or ``"architecture"``; None tells
            by their names.
        seed: The seed of the run.
        tensorboard: True if logs for TensorBoard are written.
        address: Address of the cluster; None uses this machine, or the cluster that
            ``RAY_ADDRESS`` names.
        cpus: Processors of a trial.
        gpus: GPUs of a trial; 0.25 lets four trials share one.
        retries: How many times a trial goes on after its worker was lost; then it has failed.

    Raises:
        OptionError: The seed is none, or a number is out of range.
        UnknownNameError: The kind of space is unknown.
        OptionalImportError: Ray is not installed.
    """

    seconds_between_polls = 0.2

    def __init__(
        self,
        task: TrainingTask | Mapping[str, Any],
        folder: str,
        space: TrialKind | None = None,
        seed: int = 0,
        tensorboard: bool = True,
        address: str | None = None,
        cpus: float = 1.0,
        gpus: float = 0.0,
        retries: int = 3,
    ) -> None:
        super().__init__(task, folder, space, seed, tensorboard)
        require("ray", "ray")
        if not cpus > 0 or not gpus >= 0 or retries < 0:
            raise OptionError(
                "a trial needs more than 0 processors, at least 0 GPUs and at least 0 retries, "
                f"got {cpus}, {gpus} and {retries}"
            )
        self.address, self.cpus, self.gpus, self.retries = address, cpus, gpus, retries
        self._tasks: dict[int, Any] = {}
        self._shared: Any = None
        self._owns_cluster = False

    @classmethod
    def serialize_init_args(cls, obj: SerializationMixin) -> dict[str, Any]:
        """The arguments that Ax stores; an address has a seal (see `ax_anasod.trust`)."""
        stored = super().serialize_init_args(obj)
        if stored["address"] is None:
            return stored
        return {**stored, trust.SEAL: trust.seal({"address": stored["address"]})}

    @classmethod
    def deserialize_init_args(
        cls,
        args: dict[str, Any],
        decoder_registry: dict[str, Any] | None = None,
        class_decoder_registry: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The arguments of a runner that Ax has stored.

        Raises:
            OptionError: An address is given that this user did not store on this machine.
        """
        check_address(args.get("address"), args.get(trust.SEAL))
        return super().deserialize_init_args(args, decoder_registry, class_decoder_registry)

    def poll_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> TrialStatus:
        """The status of a trial; a trial that this process has not started is continued.

        Raises:
            RunError: The worker could not write the folder of the trial, or its checkpoint is
                damaged; nothing that was there is lost.
        """
        state = self.state(trial_metadata)
        if state is not None and state.status != "running":
            self._tasks.pop(trial_index, None)
            return ax_status(state)
        if trial_index not in self._tasks:
            self._start(trial_index, trial_metadata)
            return TrialStatus.RUNNING
        import ray

        task = self._tasks[trial_index]
        if not ray.wait([task], timeout=0)[0]:
            return TrialStatus.RUNNING
        del self._tasks[trial_index]
        try:
            ray.get(task)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, AnasodError):
                raise error.cause from error
            raise
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[0]
            self._fail(
                trial_metadata,
                f"its worker was lost{f' {self.retries + 1} times' if self.retries else ''}: "
                f"{type(error).__name__}: {reason}",
            )
        ended = self.state(trial_metadata)
        if ended is None or ended.status == "running":
            raise RunError(
                f"a worker has trained trial {trial_index}, but {trial_metadata['folder']} does "
                "not say so",
                "name a folder that all machines of the cluster see",
            )
        return ax_status(ended)

    def stop_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Cancel the trial: nothing is trained any more when this returns."""
        self._cancel(trial_index)
        self._training(trial_metadata).end("stopped")
        return {}

    def close(self) -> None:
        """Cancel what runs, and end the cluster where this runner has started it."""
        for trial_index in list(self._tasks):
            self._cancel(trial_index)
        if self._owns_cluster:
            import ray

            ray.shutdown()
            self._owns_cluster, self._shared = False, None

    def _start(self, trial_index: int, metadata: Mapping[str, Any]) -> None:
        self._training(metadata)  # refuses a folder with the trial of another search
        try:
            data = self.images()
        except DataError as error:
            self._fail(metadata, str(error))
            return
        self.prepare()
        import ray

        if self._shared is None:
            self._shared = ray.put(data)
        # Ray runs a task again whose worker or machine was lost, not one that raised.
        remote: Callable[..., Any] = (
            ray.remote(train_trial)
            .options(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=self.retries)
            .remote
        )
        self._tasks[trial_index] = remote(
            self._task_of(metadata).to_dict(),
            metadata["codes"],
            metadata["seed"],
            str(Path(metadata["folder"]).resolve()),
            self.tensorboard,
            self._shared,
            metadata.get(LIMITS, ()),
        )

    def prepare(self) -> None:
        """Connect to the cluster, or start one on this machine.

        Raises:
            RunError: No cluster answers, or this machine has not what a trial needs.
        """
        self._owns_cluster |= connect(self.address, self.cpus, self.gpus)

    def _cancel(self, trial_index: int) -> None:
        task = self._tasks.pop(trial_index, None)
        if task is not None:
            import ray

            # Two processes must not write into the folder of the trial. A task that is
            # interrupted has ended once Ray says so; a worker that is killed lives a little on.
            ray.cancel(task, force=False)
            if not ray.wait([task], timeout=_SECONDS_TO_END)[0]:
                ray.cancel(task, force=True)

    def _fail(self, metadata: Mapping[str, Any], reason: str) -> None:
        self._training(metadata).end("failed", reason)


def connect(address: str | None, cpus: float = 1.0, gpus: float = 0.0) -> bool:
    """Connect to a cluster, or start one on this machine; a connection that is there stays.

    Args:
        address: Address of the cluster; None uses this machine, or the cluster that
            ``RAY_ADDRESS`` names.
        cpus: Processors of a training.
        gpus: GPUs of a training.

    Returns:
        Whether this call has connected: then it is for the caller to ``ray.shutdown()``.

    Raises:
        OptionalImportError: Ray is not installed.
        RunError: No cluster answers, or this machine has not what a training needs.
    """
    require("ray", "ray")
    import ray

    if ray.is_initialized():
        return False
    if named := address or os.environ.get("RAY_ADDRESS"):
        _check_answers(named)
    # Otherwise a task without a GPU could use all of them, and Ray says that it will change.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        ray.init(
            address=address,
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise RunError(
            f"no Ray cluster answers at {address or 'this machine'}: {error}",
            "start one with: ray start --head",
        ) from error
    if not named:
        _check_resources(cpus, gpus)
    return True


def _check_resources(cpus: float, gpus: float) -> None:
    """Check that this machine can ever run the trainings; a cluster may still grow."""
    import ray

    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for name, needed, words in (("CPU", cpus, "processors"), ("GPU", gpus, "GPUs")):
        if needed > there.get(name, 0):
            ray.shutdown()
            raise RunError(
                f"Ray finds {there.get(name, 0):g} {words} on this machine, fewer than the "
                f"{needed:g} that a training needs",
                f"--{name.lower()}s says how many one gets",
            )


def check_address(address: str | None, sealed: object) -> None:
    """Check that this user wrote the address to which a file asks to connect.

    Args:
        address: The address; None is this machine.
        sealed: The seal that stands beside it.

    Raises:
        OptionError: The address was not written by this user on this machine.
    """
    if address is not None and not trust.is_trusted({"address": address}, sealed):
        raise OptionError(
            f"the run asks to connect to {address!r}, and was not started by you on this machine",
            "if you trust it, name the address yourself with --address ADDRESS",
        )


def _check_answers(address: str) -> None:
    """Check that a process listens at an address, which Ray would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # "auto" and the like
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise RunError(
            f"no Ray cluster answers at {address}: {error}", "start one with: ray start --head"
        ) from error
