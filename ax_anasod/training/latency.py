"""The latency of networks on the device where they are to be used.

The command line reads the fields of :class:`LatencyConfig`, so that torch is imported only by the
functions that need it.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from annotated_types import Ge, Le

from ax_anasod.environment import environment
from ax_anasod.exceptions import AnasodError, TrainingError
from ax_anasod.settings import Configuration, PositiveInt, checked
from ax_anasod.training.hardware import Hardware

if TYPE_CHECKING:
    import torch

    from ax_anasod.networks import Network

LATENCY: Final = "latency"
"""Name of the quantity."""
MILLISECONDS: Final = "ms"
"""Its unit."""

# Repeats go on until the middle half of them lies within so much of their median, or for so many
# times as long as asked for.
_STEADY: Final = 0.1
_PATIENCE: Final = 5


@checked
@dataclass(frozen=True)
class LatencyConfig(Configuration):
    """The settings of the measurement of latency.

    Args:
        engine: ``eager``: torch as it is; ``compiled``: ``torch.compile``; ``onnx``: ONNX
            Runtime.
        batch_size: Images at a time.
        device: Where the network is to be used: ``cpu``, ``cuda``, ``mps``, or one of several such
            as ``cuda:1``.
        threads: Threads of the CPU.
        seconds: How long passes are repeated at least, after a warm-up; five times as long where
            their times vary.

    Raises:
        UnknownNameError: The engine or the device is unknown.
        OptionError: A number is out of range.
    """

    engine: Literal["eager", "compiled", "onnx"] = "eager"
    batch_size: PositiveInt = 1
    device: str = "cpu"
    threads: Annotated[PositiveInt, Le(4096)] = 1
    seconds: Annotated[float, Ge(0.1), Le(60)] = 1.0

    def __post_init__(self) -> None:
        Hardware(device=self.device)

    def check(self) -> None:
        """Check that the device is available.

        Raises:
            TrainingError: The device is not available.
        """
        Hardware(device=self.device).check()


@dataclass(frozen=True)
class Latency:
    """The result of a measurement, and its settings.

    Args:
        median: Milliseconds that a pass of a batch takes, in half of the repeats at most.
        spread: How far the middle half of the repeats are apart, in milliseconds.
        repeats: How many there were.
        config: How it was measured.
        image_size: Height and width of the images, in pixels.
        processor: Name of the processor, or of the GPU.
        versions: Package -> version of what computed.
    """

    median: float
    spread: float
    repeats: int
    config: LatencyConfig
    image_size: tuple[int, int]
    processor: str
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-able data."""
        return asdict(self)


def measure_latency(
    network: Network, image_size: tuple[int, int], config: LatencyConfig | None = None
) -> Latency:
    """Measure how long a network takes, from normalised images to logits.

    After a warm-up (and, where it is asked for, the compilation), passes are repeated in blocks
    of 50 milliseconds or more, by :class:`torch.utils.benchmark.Timer`, which waits for a GPU.
    Other work on the machine makes the figure larger.

    Args:
        network: The network; it is copied.
        image_size: Height and width in pixels.
        config: How it is measured.

    Raises:
        TrainingError: The device is not there or too small, or the network cannot be compiled.
        ExportError: ONNX cannot hold the network, or ONNX Runtime has no such device.
        OptionalImportError: A package of the extra ``onnx`` is not installed.
    """
    import torch
    from torch.utils.benchmark import Timer

    config = config or LatencyConfig()
    config.check()
    device = torch.device(Hardware(device=config.device).kind)
    if ":" in config.device:
        device = torch.device(config.device)
    generator = torch.Generator().manual_seed(0)
    shape = (config.batch_size, network.config.in_channels, *image_size)
    images = torch.randn(shape, generator=generator)
    try:
        run, images = _runner(network, images, config, device)
        timer = Timer(
            "run(images)" + ("; synchronize()" if device.type == "mps" else ""),
            globals={"run": run, "images": images, "synchronize": torch.mps.synchronize},
            num_threads=config.threads,
        )
        with warnings.catch_warnings(), torch.inference_mode():
            # Compilers have advice on their first pass.
            warnings.simplefilter("ignore")
            measured = timer.adaptive_autorange(
                _STEADY, min_run_time=config.seconds, max_run_time=_PATIENCE * config.seconds
            )
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"a batch of {config.batch_size} images does not fit the device {config.device!r}",
            "measure fewer images at a time",
        ) from error
    except AnasodError:
        raise
    except RuntimeError as error:
        if config.engine != "compiled":
            raise
        raise TrainingError(
            f"the network cannot be compiled: {' '.join(str(error).split())[:200]}",
            "torch.compile needs a C++ compiler on a CPU; or measure it eager",
        ) from error
    used = ("torch", "onnxruntime") if config.engine == "onnx" else ("torch",)
    return Latency(
        median=1e3 * measured.median,
        spread=1e3 * measured.iqr,
        repeats=len(measured.times),
        config=config,
        image_size=image_size,
        processor=_processor(device),
        versions={name: version(name) for name in used},
    )


def _runner(
    network: Network, images: torch.Tensor, config: LatencyConfig, device: torch.device
) -> tuple[Callable[[torch.Tensor], object], torch.Tensor]:
    """The function that runs the network, and the images on its device."""
    import torch

    copied = copy.deepcopy(network).eval()
    copied.auxiliary = None  # which only training uses
    if config.engine == "onnx":
        from ax_anasod.networks.export import exported, runner

        example = images[:1].expand(2, -1, -1, -1).contiguous()
        content = exported(copied.cpu(), example, "onnx", {})
        return runner(content, "onnx", threads=config.threads, device=config.device), images
    copied, images = copied.to(device), images.to(device)
    return (torch.compile(copied) if config.engine == "compiled" else copied), images


def _processor(device: torch.device) -> str:
    """Name of what computes."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return environment()["processor"]
