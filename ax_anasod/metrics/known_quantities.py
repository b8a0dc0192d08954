"""Quantities that are known of an architecture before its trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, Final, cast, get_args

import numpy as np

from ax_anasod.cells import Cell, as_cell
from ax_anasod.core.known import KnownMetric
from ax_anasod.exceptions import (
    AnasodError,
    CellError,
    OptionError,
    RunError,
    UnknownNameError,
    nearest_hint,
)
from ax_anasod.metrics.proxy import KnownProxy
from ax_anasod.nasbench import Benchmark
from ax_anasod.nasbench import from_dict as benchmark_from_dict
from ax_anasod.networks import NetworkConfig
from ax_anasod.networks.decoder_config import DecoderConfig, OperationCost, outer_parameters
from ax_anasod.networks.size import AdditiveSize, Size
from ax_anasod.objectives import find_quantity
from ax_anasod.proxies import ProxyConfig
from ax_anasod.training import TrainingTask
from ax_anasod.training.costs import costs_of_blocks
from ax_anasod.typing import Codes, Values

_COSTS_OF_BLOCKS: Final = tuple(field.name for field in fields(OperationCost))
# Architectures whose trainings are compared.
_TRIED: Final = 32


class KnownLookup(KnownMetric):
    """A quantity of a benchmark that is known before the trial.

    Args:
        name: Name of the metric.
        benchmark: The benchmark, or its ``to_dict()``, which is what Ax stores.
        quantity: Name of the quantity there, where it has another one.

    Raises:
        UnknownNameError: The benchmark has no such quantity.
        OptionError: The benchmark has single trainings, and the quantity differs between them.
    """

    def __init__(
        self, name: str, benchmark: Benchmark | Mapping[str, Any], quantity: str | None = None
    ) -> None:
        restored = benchmark_from_dict(benchmark) if isinstance(benchmark, Mapping) else benchmark
        self.quantity = quantity or name
        find_quantity(self.quantity, (*restored.objectives, *restored.reported))
        super().__init__(name=name)
        self.benchmark, self._restored = restored.to_dict(), restored
        tried = restored.cell.sample(_TRIED, np.random.default_rng(0))
        if restored.draw_seeds(tried, np.random.default_rng(0)) is None:
            return
        if not np.array_equal(self._of(tried, 0), self._of(tried, 1)):
            raise OptionError(
                f"{self.quantity!r} differs between trainings of an architecture, so that it is "
                "not known before one"
            )

    def values(self, codes: Codes) -> Values:
        """The values of ``n x d`` codes, ``n``."""
        return self._of(codes, 0)

    def _of(self, codes: Codes, seed: int) -> Values:
        """The values in trainings whose seeds are drawn."""
        seeds = self._restored.draw_seeds(codes, np.random.default_rng(seed))
        return self._restored.query(codes, seeds)[self.quantity]


class KnownSum(KnownMetric):
    """A table of a user's own: the sum of what the operations of an architecture cost.

    Args:
        name: Name of the quantity.
        cell: The cell, or its ``to_dict()``, which is what Ax stores.
        costs: Operation -> cost, the same on all blocks; or one such mapping for each block.
        base: What every architecture costs besides.

    Raises:
        OptionError: ``costs`` is not one mapping for each block, or a cost is missing or no finite
            number.
        UnknownNameError: The cell has no operation of a name.
    """

    def __init__(
        self,
        name: str,
        cell: Cell | Mapping[str, Any],
        costs: Mapping[str, float] | Sequence[Mapping[str, float]],
        base: float = 0.0,
    ) -> None:
        restored = as_cell(cell)
        tables = [costs] * restored.num_blocks if isinstance(costs, Mapping) else list(costs)
        if len(tables) != restored.num_blocks:
            raise OptionError(
                f"{name}: there must be one table of costs for each of {restored.num_blocks} "
                f"blocks, got {len(tables)}"
            )
        for table in tables:
            _check_table(name, table, restored.operations)
        super().__init__(name=name)
        self.cell = restored.to_dict()
        self.costs: Any = dict(costs) if isinstance(costs, Mapping) else [dict(t) for t in tables]
        self.base = float(base)
        self._table = np.array([[float(t[o]) for o in restored.operations] for t in tables])

    def values(self, codes: Codes) -> Values:
        """The values of ``n x d`` codes, ``n``."""
        blocks = np.arange(len(self._table))
        sums: Values = self.base + self._table[blocks, codes[:, : len(blocks)]].sum(axis=1)
        return sums


class KnownSize(KnownMetric):
    """Parameters or FLOPs of the networks that a training would build.

    Args:
        name: ``"parameters"`` or ``"flops"``; counts, as in :mod:`ax_anasod.networks.size`.
        cell: The cell, or its ``to_dict()``, which is what Ax stores.
        config: Skeleton and sizes of the networks, or its ``to_dict()``.
        image_size: Height and width in pixels, for FLOPs.

    Raises:
        UnknownNameError: The size is unknown.
        CellError: As :class:`ax_anasod.networks.size.AdditiveSize`.
    """

    def __init__(
        self,
        name: Size,
        cell: Cell | Mapping[str, Any],
        config: NetworkConfig | Mapping[str, Any],
        image_size: Sequence[int] = (32, 32),
    ) -> None:
        restored = as_cell(cell)
        sizes = config if isinstance(config, NetworkConfig) else NetworkConfig.from_dict(config)
        height, width = image_size
        self._of = _additive(restored, sizes, name, (height, width))
        super().__init__(name=name)
        self.cell, self.config = restored.to_dict(), sizes.to_dict()
        self.image_size = [height, width]

    def values(self, codes: Codes) -> Values:
        """The values of ``n x d`` codes, ``n``."""
        return self._of(codes)


class KnownFunction(KnownMetric):
    """A quantity that a function of the user's own computes; it cannot be stored.

    Args:
        name: Name of the quantity.
        function: ``n x d`` codes -> ``n`` values.
    """

    def __init__(self, name: str, function: Callable[[Codes], Values]) -> None:
        super().__init__(name=name)
        self.function = function

    def values(self, codes: Codes) -> Values:
        """The values of ``n x d`` codes, ``n``.

        Raises:
            OptionError: The function fails, or gives no numbers.
        """
        try:
            return np.asarray(self.function(codes), dtype=np.float64)
        except AnasodError:
            raise
        except Exception as error:
            raise OptionError(
                f"the function for {self.name!r} fails: {type(error).__name__}: {error}",
                f"it gets integer codes of shape {codes.shape}, an architecture a row",
            ) from error


def refuse_to_store(metric: KnownFunction) -> dict[str, Any]:
    """The stored form, which Ax's JSON storage asks for; a function has none.

    Raises:
        RunError: Always.
    """
    raise RunError(
        f"the known quantity {metric.name!r} is a function, which cannot be stored",
        "subclass KnownMetric, and register the class with "
        "ax.storage.metric_registry.register_metrics",
    )


def check_mapping(argument: str, known: object) -> None:
    """Check that the known quantities are a mapping from their names.

    Raises:
        OptionError: ``known`` is something else.
    """
    if not isinstance(known, Mapping):
        raise OptionError(f"{argument} is {known!r}", "give {name: how, ...}")


def known_metric(
    name: str, cell: Cell, how: object, *, seed: int = 0, tried: bool = False
) -> KnownMetric:
    """A known quantity from how its values come about.

    Args:
        name: Name of the quantity.
        cell: The cell that is searched.
        how: A :class:`KnownMetric` of this name; a benchmark that has a quantity of this name;
            a mapping operation -> cost, or one for each block; the name of a proxy
            (:data:`ax_anasod.proxies.PROXIES`); or a function from codes ``n x d`` to ``n``
            values.
        seed: The seed of a proxy.
        tried: True if a function is tried on two architectures.

    Raises:
        OptionError: The quantity is none of these, has another name, or fails when it is tried.
        UnknownNameError: The proxy is unknown.
        CellError: A proxy needs networks that the cell does not describe.
    """
    if isinstance(how, KnownMetric):
        if how.name != name:
            raise OptionError(f"known[{name!r}] has the name {how.name!r}")
        return how
    if isinstance(how, str):
        return KnownProxy(name, cell, ProxyConfig(seed=seed), how)
    if isinstance(how, Mapping | Sequence):
        return KnownSum(name, cell, how)
    if hasattr(how, "query"):
        return KnownLookup(name, cast("Benchmark", how))
    if callable(how):
        function = KnownFunction(name, how)
        if tried:
            function.checked_values(cell.sample(2, np.random.default_rng(0)))
        return function
    raise OptionError(
        f"known[{name!r}] is {how!r}",
        "give a KnownMetric, a benchmark, operation -> cost, the name of a proxy, or a function of "
        "codes",
    )


def known_cost(name: str, task: TrainingTask) -> KnownMetric | None:
    """A cost of a task's networks, all of whose layers are one architecture.

    Args:
        name: Name of the cost (:data:`ax_anasod.training.costs.COSTS`).
        task: The task, with the size of its images, or with the vocabulary of its sequences.

    Returns:
        None where the cost follows from a network only: a latency, operations of the user's own,
        whose modules a stored experiment does not have, or more than a sum over the blocks.
    """
    if isinstance(task.network, DecoderConfig):
        return _cost_of_decoders(name, task, task.network)
    if name not in get_args(Size) or task.operations is not None or task.image_size is None:
        return None
    try:
        return KnownSize(cast("Size", name), task.cell, task.network, task.image_size)
    except CellError:
        return None


def _cost_of_decoders(name: str, task: TrainingTask, network: DecoderConfig) -> KnownMetric | None:
    """A cost of language models: what is around the blocks, and the sum over them."""
    if name not in _COSTS_OF_BLOCKS or task.operations is not None:
        return None
    try:
        blocks = costs_of_blocks(task, name)
    except OptionError:
        return None
    base = outer_parameters(network) if name == "parameters" else 0
    repeated = {operation: network.repeats * cost for operation, cost in blocks.items()}
    return KnownSum(name, task.cell, repeated, base)


@lru_cache(maxsize=8)
def _additive(
    cell: Cell, config: NetworkConfig, size: Size, image: tuple[int, int]
) -> AdditiveSize:
    # Cached: callers first ask whether the size is additive, then build the metric.
    return AdditiveSize(cell, config, size, image)


def _check_table(name: str, table: Mapping[str, float], operations: Sequence[str]) -> None:
    for operation in table:
        if operation not in operations:
            raise UnknownNameError("operation", operation, operations)
    for operation in operations:
        cost = table.get(operation)
        if not isinstance(cost, int | float) or not np.isfinite(cost):
            raise OptionError(
                f"{name}: the cost of operation {operation!r} is {cost!r}",
                nearest_hint(operation, table),
            )
