"""The device that trains a network, and how it computes.

The command line reads the fields of :class:`Hardware`, so that torch is imported only by the
methods that need it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from annotated_types import Ge, Le

from ax_anasod.exceptions import OptionError, TrainingError, UnknownNameError
from ax_anasod.optional import require
from ax_anasod.settings import Configuration, checked

if TYPE_CHECKING:
    import torch
    from lightning.fabric import Fabric

DEVICES: Final = ("auto", "cpu", "cuda", "mps")
# torchrun tells the processes that it starts which of them they are.
_LAUNCHED: Final = "TORCHELASTIC_RUN_ID"
# No machine has as many; more threads than the system can make end the process.
_Number = Annotated[int, Ge(1), Le(4096)]


@checked
@dataclass(frozen=True)
class Hardware(Configuration):
    """The device, and how it computes.

    Lightning Fabric does what differs between devices: it moves the network, casts to the
    precision, scales the loss, and clips gradients that are scaled.

    Args:
        device: ``auto`` for the best there is, ``cpu``, ``cuda``, ``mps``, or one of several such
            as ``cuda:1``.
        precision: ``32-true``, ``16-mixed`` or ``bf16-mixed``.
        deterministic: Allow only operations that give the same bits each time. On a CPU all of a
            network's do, with the same number of threads.
        channels_last: Store images pixel by pixel, which tensor cores and the CPU prefer
            (depthwise convolutions on a CPU took half of the time).
        compile: Compile each network first, which pays for long trainings.
        threads: Threads of the CPU for each training; None leaves torch's own setting. On a CPU,
            another number gives other bits.
        devices: Train one network on so many GPUs of this machine, or processors of a CPU, with a
            process for each.

    Raises:
        UnknownNameError: The device or the precision is unknown.
        OptionError: There is less than one thread or device, or a value has another type.
    """

    device: str = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    deterministic: bool = False
    channels_last: bool = True
    compile: bool = False
    threads: _Number | None = None
    devices: _Number = 1

    def __post_init__(self) -> None:
        kind, _, number = self.device.partition(":")
        if kind not in DEVICES or (number and not number.isdecimal()):
            raise UnknownNameError("device", self.device, DEVICES)
        if self.devices > 1 and number:
            raise OptionError(
                f"{self.device!r} is one device, not {self.devices}",
                f"name the kind only: {kind}, or ask for one device",
            )

    @property
    def rank(self) -> int:
        """Number of this process among those that train one network; the first one writes."""
        return rank_and_size()[0] if self.devices > 1 else 0

    def check_single(self, who: str) -> None:
        """Raise an error if there are several devices, for the training of many networks.

        Args:
            who: What trains each of them.

        Raises:
            OptionError: ``devices`` is more than 1.
        """
        if self.devices > 1:
            raise OptionError(
                f"{who} trains on one device, not {self.devices}",
                "many networks are trained beside each other: --parallel, --runner ray; "
                "ax-anasod evaluate --devices N trains one network on several devices",
            )

    def check(self) -> None:
        """Check that this machine has the devices.

        Raises:
            TrainingError: This machine does not have the devices.
        """
        import torch

        number = self.device.partition(":")[2]
        there = {
            "cpu": os.cpu_count() or 1 if self.devices > 1 else 1,
            "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
            "mps": int(torch.backends.mps.is_available()),
        }
        if int(number or 0) + self.devices > there[self.kind]:
            found = [f"{name} ({count})" for name, count in there.items() if count]
            several = f"{self.devices} devices of {self.kind!r} are not there"
            raise TrainingError(
                several if self.devices > 1 else f"the device {self.device!r} is not there",
                f"this machine has {', '.join(found)}",
            )

    @property
    def kind(self) -> str:
        """Kind of the device; the best there is for ``"auto"``."""
        kind = self.device.partition(":")[0]
        if kind != "auto":
            return kind
        import torch

        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"

    @property
    def memory_format(self) -> torch.memory_format:
        """The order in which images are stored in memory."""
        import torch

        return torch.channels_last if self.channels_last else torch.contiguous_format

    def fabric(self) -> Fabric:
        """Lightning Fabric for this device; for several with its strategy ``ddp``.

        The processes of several devices, which ``torchrun`` has started, find each other here.

        Raises:
            TrainingError: The device is not there.
            OptionError: The device cannot compute with this precision, or there are not as many
                processes as devices.
            OptionalImportError: Lightning is not installed.
        """
        require("lightning", "train")
        self.check()
        processes = rank_and_size()[1]
        if self.devices > 1 and processes != self.devices:
            raise OptionError(
                f"{self.devices} devices need as many processes, but there are {processes}",
                "ax-anasod evaluate --devices N starts them; a script of your own is started by "
                f"torchrun --standalone --nproc-per-node {self.devices} SCRIPT",
            )
        from lightning.fabric import Fabric
        from lightning.fabric.strategies.ddp import DDPStrategy

        number = self.device.partition(":")[2]
        # An architecture may have operations that do not reach its output. What batch norm keeps
        # is averaged after each epoch, instead of taken from the first process at each step.
        several = DDPStrategy(find_unused_parameters=True, broadcast_buffers=False)
        try:
            fabric = Fabric(
                accelerator=self.kind,
                strategy=several if self.devices > 1 else "auto",
                devices=[int(number)] if number and self.kind != "cpu" else self.devices,
                precision=self.precision,
            )
        except ValueError as error:
            raise OptionError(
                f"precision {self.precision!r} cannot be used on {self.device!r}: {error}"
            ) from error
        fabric.launch()
        return fabric

    def with_threads(self, processors: float = 1.0) -> Self:
        """The same hardware, with a number of threads where none is given.

        That is the number in ``OMP_NUM_THREADS`` where it is set. Otherwise it is one thread a
        processor of a trial, so one for a trial that was promised no more: threads of small
        networks mostly wait for each other, on busy cores most of the time.

        Args:
            processors: How many processors the training may use.
        """
        if self.threads is not None:
            return self
        import torch

        given = torch.get_num_threads() if "OMP_NUM_THREADS" in os.environ else None
        return replace(self, threads=given or max(1, int(processors)))

    @contextmanager
    def settings(self) -> Iterator[None]:
        """Torch's global settings for this hardware, put back at the end."""
        import torch

        algorithms = torch.are_deterministic_algorithms_enabled()
        warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
        benchmark = torch.backends.cudnn.benchmark
        threads = torch.get_num_threads()
        try:
            if self.threads is not None or self.devices > 1:
                torch.set_num_threads(self.threads or max(1, threads // self.devices))
            if self.deterministic:
                torch.use_deterministic_algorithms(True)
            # All batches but the last have one shape: worth trying which kernel is fastest.
            torch.backends.cudnn.benchmark = not self.deterministic
            yield
        finally:
            torch.use_deterministic_algorithms(algorithms, warn_only=warn_only)
            torch.backends.cudnn.benchmark = benchmark
            torch.set_num_threads(threads)


def rank_and_size() -> tuple[int, int]:
    """Number of this process among those that ``torchrun`` has started, and how many they are.

    A process that was started otherwise is alone, ``(0, 1)``.
    """
    if _LAUNCHED not in os.environ:
        return 0, 1
    return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
