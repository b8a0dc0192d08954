"""One network on several devices of a machine, a process for each.

Each process has the whole network, and takes its share of every batch; gradients are added up
before each step. Lightning Fabric gives each process its device and precision. Its own
strategies for several devices are not used, for two reasons. Their launchers run the command
line again, or come back only when all is done, where Ax wants to be asked after each epoch.
And they exchange gradients in the middle of the backward pass, where a process that is out of
memory would leave the others waiting for it; networks of a search are so small that an exchange
at the end costs little.
"""

from __future__ import annotations

import atexit
import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pickle import PicklingError
from typing import Any, Final

from torch import distributed
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from ax_anasod.exceptions import AnasodError, OptionError, RunError, TrainingError
from ax_anasod.training.hardware import Hardware
from ax_anasod.training.helper import IMPORTABLE, join, packed, serve
from ax_anasod.training.process_group import ProcessGroup, Rank
from ax_anasod.training.supervision import TrainingData
from ax_anasod.training.training_config import TrainingConfig

# How long to wait for a process that has nothing left to do, in seconds.
_PATIENCE: Final = 300.0
# How long the end of a process may take after its connection has closed.
_SECONDS_TO_END: Final = 10.0


class WorkerGroup:
    """The processes that train with this one, which has the rank 0 and alone writes files.

    They wait for orders between epochs, serve any number of trainings in turns, and end with
    this process however it ends.

    Args:
        hardware: The devices.

    Raises:
        TrainingError: This process is in a group of others already.
        RunError: The processes cannot be started.
    """

    def __init__(self, hardware: Hardware) -> None:
        if distributed.is_initialized():
            raise TrainingError(
                "this process is in a group of torch.distributed already",
                "start it by itself; --devices starts the others",
            )
        self.hardware, self.place = hardware, Rank(0, hardware.devices)
        self.broken = False
        self._data: TrainingData | None = None
        self._keys = 0
        self._unheard = 0
        store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for rank in range(1, hardware.devices):
            here, there = context.Pipe()
            place = Rank(rank, hardware.devices)
            process = context.Process(
                target=serve, args=(there, place, store.port, hardware.kind), daemon=True
            )
            process.start()
            there.close()
            self._pipes.append(here)
            self._processes.append(process)
        # A process that has said that it is there does nothing else before it joins.
        self._unheard = 1
        try:
            self._hear(0)
        except RunError as error:
            raise RunError(
                error.message, "a script needs: if __name__ == '__main__', for they import it"
            ) from error
        join(store, self.place, hardware.kind)

    def start(self, data: TrainingData, arguments: Mapping[str, Any]) -> int:
        """Have the others make a training; returns the key that it has from now on.

        Args:
            data: The data, which are sent once for several trainings.
            arguments: The others of :class:`ax_anasod.training.Training`.

        Raises:
            OptionError: They cannot be sent to another process.
            RunError: A process was lost.
        """
        try:
            content = packed(dict(arguments))
        except (PicklingError, AttributeError, TypeError) as error:
            raise OptionError(
                f"the network cannot be sent to another process: {error}",
                IMPORTABLE,
            ) from error
        self._keys += 1
        if data is not self._data:
            self._tell(("data", self._keys, packed(data)))
            self._data = data
        self._tell(("start", self._keys, content))
        return self._keys

    @contextmanager
    def learning(self, key: int, number: int) -> Iterator[None]:
        """Have the others train an epoch while this process does so in the block.

        Raises:
            RunError: A process was lost.
        """
        self._hear(key)
        self._tell(("learn", key, number))
        try:
            yield
        except AnasodError:
            # The others have given up for the same reason.
            self._hear(-1)
            raise
        except RuntimeError as error:
            lost = self._lost()
            self.end()
            if lost is None:
                raise
            raise lost from error
        except BaseException:
            self.end()
            raise
        self._hear(key)

    def forget(self, key: int) -> None:
        """Have the others let go of a training."""
        self._tell(("forget", key, None))

    def end(self) -> None:
        """End the processes."""
        if self.broken:
            return
        self.broken = True
        for process, pipe in zip(self._processes, self._pipes, strict=True):
            process.kill()
            process.join()
            pipe.close()
        if distributed.is_initialized():
            distributed.destroy_process_group()

    def _tell(self, order: tuple[str, int, Any]) -> None:
        if self.broken:
            raise RunError("the processes that trained this network have ended")
        try:
            for pipe in self._pipes:
                pipe.send(order)
        except OSError as error:
            lost = self._lost()
            self.end()
            raise lost or RunError(f"a process that trained was lost: {error}") from error
        self._unheard += 1

    def _hear(self, key: int) -> None:
        """Wait until all orders are carried out; raise what went wrong with a training."""
        for _ in range(self._unheard):
            for pipe in self._pipes:
                try:
                    if not pipe.poll(_PATIENCE):
                        raise EOFError
                    whose, error = pipe.recv()
                except (EOFError, OSError) as lost:
                    reason = self._lost() or RunError("a process that trained does not answer")
                    self.end()
                    raise reason from lost
                if error is not None and whose == key:
                    self.end()
                    raise error
        self._unheard = 0

    def _lost(self) -> RunError | None:
        """What to say of processes that have ended on their own."""
        # As soon as one of them has ended; the others may be at work.
        ended = wait([process.sentinel for process in self._processes], _SECONDS_TO_END)
        for process in self._processes:
            if process.sentinel in ended:
                # Its files are closed a moment before it has an exit code.
                process.join(_SECONDS_TO_END)
        codes = [process.exitcode for process in self._processes if process.exitcode is not None]
        if not codes:
            return None
        return RunError(
            f"{len(codes)} of the {self.place.size} processes that train were lost, with exit code "
            f"{codes[0]}; what was written is whole"
        )


class _Followers(ProcessGroup):
    """The other processes of one training, which follow this one.

    Args:
        group: All processes.
        key: Of the training among theirs.
    """

    def __init__(self, group: WorkerGroup, key: int) -> None:
        super().__init__(group.place)
        self._group: WorkerGroup | None = group
        self._key = key

    @contextmanager
    def learning(self, number: int) -> Iterator[None]:
        """Have them train an epoch while this process does so in the block.

        Raises:
            RunError: A process was lost.
        """
        if self._group is None:
            raise RunError("the processes that trained this network have ended")
        with self._group.learning(self._key, number):
            yield

    def close(self) -> None:
        """Have them let go of the training."""
        if self._group is not None and not self._group.broken:
            self._group.forget(self._key)
        self._group = None


def engage(
    data: TrainingData, hardware: Hardware, config: TrainingConfig, **arguments: Any
) -> ProcessGroup:
    """Have other processes make the same training, where it is for several devices.

    What is returned goes to that training as ``others``.

    Args:
        data: The images or sequences.
        hardware: The devices.
        config: How the network is trained.
        **arguments: The other arguments of :class:`ax_anasod.training.Training`.

    Raises:
        OptionError: There are fewer than two images of a batch for each device, or the network
            cannot be sent to another process.
        TrainingError: The devices are not there.
        RunError: The processes cannot be started.
    """
    if hardware.devices == 1:
        return ProcessGroup()
    hardware.check()
    if config.batch_size < 2 * hardware.devices:
        raise OptionError(
            f"batch_size {config.batch_size} is less than two images for each of "
            f"{hardware.devices} devices",
            "make batches larger, or use fewer devices",
        )
    group = gather(hardware)
    key = group.start(data, {**arguments, "hardware": hardware, "config": config})
    return _Followers(group, key)


_group: WorkerGroup | None = None


def gather(hardware: Hardware) -> WorkerGroup:
    """The group for these devices, which is kept for the next training.

    Raises:
        RunError: The processes cannot be started.
    """
    global _group
    devices = (hardware.kind, hardware.devices)
    if _group is not None and devices != (_group.hardware.kind, _group.hardware.devices):
        _group.end()
    if _group is None or _group.broken:
        _group = WorkerGroup(hardware)
    return _group


@atexit.register
def disband() -> None:
    """End the group of this process, where there is one."""
    if _group is not None:
        _group.end()
