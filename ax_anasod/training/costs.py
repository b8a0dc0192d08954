"""The costs of a network, which are known before it is trained."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, cast

from ax_anasod.exceptions import OptionError
from ax_anasod.networks.decoder_config import DecoderConfig, costs
from ax_anasod.objectives import THOUSANDS, Limit, Objective
from ax_anasod.training.latency import (
    LATENCY,
    MILLISECONDS,
    Latency,
    LatencyConfig,
    measure_latency,
)
from ax_anasod.typing import Codes

if TYPE_CHECKING:
    from ax_anasod.cells import Cell
    from ax_anasod.networks import Network, NetworkConfig
    from ax_anasod.networks.decoder import Decoder
    from ax_anasod.training.training_config import DataConfig, SequenceConfig

CACHE: Final = "cache_bytes"
"""Name of what a language model keeps to go on after a sequence, in bytes of 32-bit floats."""

_AMOUNT: Final = re.compile(r"(.*[<>]=\s*\S*?\d\.?)\s*([^\W\d]+)\s*")
_TIMES: Final = {"us": 1e-3, MILLISECONDS: 1.0, "s": 1e3}


class Builder(Protocol):
    """The part of a :class:`ax_anasod.training.TrainingTask` that builds networks."""

    @property
    def cell(self) -> Cell:
        """The cell that is searched."""
        ...

    @property
    def data(self) -> DataConfig | SequenceConfig:
        """The data."""
        ...

    @property
    def network(self) -> NetworkConfig | DecoderConfig:
        """The skeleton."""
        ...

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Height and width of the images in pixels, once they were read."""
        ...

    @property
    def latency(self) -> LatencyConfig:
        """The configuration of the measurement of latency."""
        ...

    def build(self, codes: Codes, seed: int, device: str = "cpu") -> Network | Decoder:
        """The network of ``n x d`` codes."""
        ...


@dataclass(frozen=True)
class Cost:
    """One quantity of a network.

    Args:
        objective: Its name and unit.
        units: What may stand behind a number in a limit -> how much of the unit that is.
        measure: Gives it of a task's network of ``n x d`` codes, one a layer or a single one.
    """

    objective: Objective
    units: Mapping[str, float]
    measure: Callable[[Builder, Codes], float]


def _parameters(task: Builder, codes: Codes) -> float:
    from ax_anasod.networks import num_parameters

    return float(num_parameters(_shadow(task, codes)))


def _flops(task: Builder, codes: Codes) -> float:
    from ax_anasod.networks import count_flops

    if isinstance(task.network, DecoderConfig):
        return _sum(task, codes, "flops")
    if task.image_size is None:
        raise OptionError("FLOPs need the size of the images", "use TrainingTask.fitted(data)")
    return float(count_flops(cast("Network", _shadow(task, codes)), task.image_size))


def _cache(task: Builder, codes: Codes) -> float:
    return _sum(task, codes, CACHE)


def _sum(task: Builder, codes: Codes, name: str) -> float:
    """A cost of a language model, which is the sum over its blocks."""
    costs = costs_of_blocks(task, name)
    repeats = task.network.layers // len(codes)
    return repeats * sum(costs[task.cell.operations[code]] for code in codes.flat)


def costs_of_blocks(task: Builder, name: str) -> dict[str, float]:
    """The cost of a block of each operation of the cell after a whole sequence.

    Args:
        task: Of language models.
        name: A field of :class:`ax_anasod.networks.decoder_config.OperationCost`.

    Raises:
        OptionError: The cost of an operation of the user's own is not known.
    """
    assert isinstance(task.network, DecoderConfig)
    blocks = costs(task.network, tokens=task.data.length)  # type: ignore[union-attr]
    for operation in task.cell.operations:
        if operation not in blocks:
            raise OptionError(
                f"{name} of operation {operation!r} is not known",
                f"it is of {', '.join(blocks)}; every operation has parameters",
            )
    return {o: float(getattr(blocks[o], name)) for o in task.cell.operations}


def latency_of(task: Builder, codes: Codes) -> Latency:
    """The latency of the network of ``n x d`` codes on this machine, and how it was measured.

    Raises:
        OptionError: The size of the images is not known yet.
        AnasodError: The network cannot be built, or not be measured.
    """
    if task.image_size is None:
        raise OptionError("latency needs the size of the images", "use TrainingTask.fitted(data)")
    network = cast("Network", task.build(codes, seed=0))
    return measure_latency(network, task.image_size, task.latency)


def _latency(task: Builder, codes: Codes) -> float:
    return latency_of(task, codes).median


def _shadow(task: Builder, codes: Codes) -> Network | Decoder:
    """The network without its weights."""
    return task.build(codes, seed=0, device="meta")


COSTS: Final = {
    "parameters": Cost(Objective("parameters", ""), THOUSANDS, _parameters),
    "flops": Cost(Objective("flops", ""), THOUSANDS, _flops),
    LATENCY: Cost(Objective(LATENCY, MILLISECONDS), _TIMES, _latency),
    CACHE: Cost(Objective(CACHE, ""), THOUSANDS, _cache),
}
"""Name -> what a network costs. Weights without those of the auxiliary tower, and floating-point
operations for one image, as :mod:`ax_anasod.networks.size` counts them; milliseconds that a
pass takes, as :mod:`ax_anasod.training.latency` measures them. Of language models, FLOPs of the
blocks for the last token of a sequence, and bytes that they keep after it."""


def measure_costs(
    task: Builder, codes: Codes, names: Sequence[str] = ("parameters",)
) -> dict[str, float]:
    """The costs of the network of ``n x d`` codes, before it is trained."""
    return {name: COSTS[name].measure(task, codes) for name in names}


def plain_limit(text: str) -> str:
    """A limit in the unit of its quantity.

    Args:
        text: Such as ``"parameters<=50k"``; a limit without a unit stays as it is.

    Raises:
        OptionError: The quantity has no such unit.

    Example:
        >>> plain_limit("parameters<=50k"), plain_limit("valid_error <= 5")
        ('parameters <= 50000.0', 'valid_error <= 5')
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return text
    limit, unit = Limit.parse(match[1]), match[2]
    units = COSTS[limit.name].units if limit.name in COSTS else {}
    if unit not in units:
        raise OptionError(
            f"{text!r}: {limit.name!r} has no unit {unit!r}",
            f"a number may have {', '.join(units)}, or none" if units else "give a number alone",
        )
    return str(Limit(limit.name, limit.sign, limit.bound * units[unit]))
