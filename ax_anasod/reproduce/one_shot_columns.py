"""The errors of a benchmark for the results of differentiable searches and for other cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.dnas.judge import Oracle
from ax_anasod.exceptions import BenchmarkError, OptionError
from ax_anasod.nasbench import Benchmark
from ax_anasod.networks import build_network, num_parameters
from ax_anasod.reproduce.one_shot_protocol import OneShotProtocol
from ax_anasod.reproduce.paper import task_of
from ax_anasod.training.task import find_operations
from ax_anasod.typing import ArrayLike, Codes, Indices, Values

# All architectures are looked at, for what a draw is worth and which is largest.
_MOST_LISTED: Final = 1_000_000


@dataclass(frozen=True)
class ErrorColumn:
    """An error that the results of the searches are judged by.

    Args:
        edges: The edges of the cell.
        oracle: Gives the error of an architecture.
        unit: Its unit.
        task: The column of the paper's Table 3 that it is, None where it is none of them.
    """

    edges: CellEdges
    oracle: Oracle
    unit: str
    task: str | None

    @property
    def title(self) -> str:
        """The name of the column in tables."""
        return self.oracle.name if self.task is None else short(self.task)

    def of(self, architectures: Sequence[str]) -> Values:
        """Errors of ``n`` architectures."""
        return self.oracle.errors(self.edges.cell.from_strings(architectures))

    @cached_property
    def listed(self) -> tuple[Codes, Values]:
        """All ``n x d`` architectures, and their errors."""
        codes = self.edges.cell.enumerate()
        return codes, self.oracle.errors(codes)


def columns_of(benchmarks: Sequence[Benchmark]) -> list[ErrorColumn]:
    """The errors that benchmarks over one cell know of all of its architectures.

    Raises:
        BenchmarkError: A benchmark lacks architectures, or is of another cell.
        OptionError: The cell has too many architectures, or the values are of single training
            runs.
        CellError: No network can hold all architectures of the cell.
    """
    cell = benchmarks[0].cell
    for benchmark in benchmarks:
        if isinstance(benchmark.cell, RestrictedCell):
            raise BenchmarkError(
                f"the benchmark {benchmark.name!r} lacks some of the architectures of cell "
                f"{cell.name!r}, and a differentiable search may draw any of them",
                "take a table that holds all of them",
            )
        if benchmark.cell.size > _MOST_LISTED:
            raise OptionError(
                f"cell {cell.name!r} has {benchmark.cell.size:.2g} architectures; the results "
                f"are set beside all of them, so that it may have at most {_MOST_LISTED:,}"
            )
        if benchmark.draw_seeds(cell.enumerate()[:1], np.random.default_rng(0)) is not None:
            raise OptionError(
                f"the benchmark {benchmark.name!r} gives single training runs",
                "take the means over the training seeds",
            )
    edges = CellEdges(cell)
    columns = [
        ErrorColumn(
            edges,
            Oracle(benchmark, objective.name, edges),
            objective.unit,
            task_of(benchmark, objective.name, "test"),
        )
        for benchmark in benchmarks
        for objective in benchmark.objectives
    ]
    for column in columns:
        column.oracle.errors(cell.enumerate())
    return columns


def count_weights(cell: Cell, codes: Codes, protocol: OneShotProtocol) -> Indices:
    """Number of weights of the network of each of ``n x d`` architectures.

    Blocks add their weights to those of the skeleton; a network is built for each block and
    operation, with the wiring of the first architecture.

    Args:
        cell: The cell.
        codes: ``n x d``; the first must be valid.
        protocol: Skeleton and operations.
    """
    own = find_operations(protocol.operations)

    def count(code: Codes) -> int:
        return num_parameters(build_network(cell, code[None], protocol.network, own, seed=0))

    base = count(codes[0])
    total = np.full(len(codes), base)
    for block in range(cell.num_blocks):
        for operation in range(cell.num_operations):
            changed = codes[0].copy()
            changed[block] = operation
            total[codes[:, block] == operation] += count(changed) - base
    return total


def largest_of_draws(weights: Indices, draws: int) -> Values:
    """The probability of each architecture to be the largest of ``draws`` uniform draws.

    Of those of the same size, each is as likely.

    Args:
        weights: ``n`` numbers of weights.
        draws: How many are drawn, with replacement.

    Returns:
        ``n`` probabilities.
    """
    _, size, counts = np.unique(weights, return_inverse=True, return_counts=True)
    below = np.concatenate([[0.0], counts.cumsum() / len(weights)]) ** draws
    shares: Values = (np.diff(below) / counts)[size]
    return shares


def moments(errors: Values, shares: Values) -> dict[str, float | None]:
    """Mean and deviation of the error of an architecture drawn with these probabilities.

    Args:
        errors: ``n`` errors.
        shares: ``n`` probabilities; where one of them is 1, nothing deviates.
    """
    mean = float(shares @ errors)
    alone = np.count_nonzero(shares) == 1
    return {
        "mean": mean,
        "deviation": None if alone else float(np.sqrt(shares @ (errors - mean) ** 2)),
    }


def over_seeds(errors: ArrayLike) -> dict[str, float | None]:
    """Mean and standard deviation of ``n`` errors; a single one has no deviation."""
    values = np.asarray(errors, dtype=np.float64)
    deviation = float(values.std(ddof=1)) if len(values) > 1 else None
    return {"mean": float(values.mean()), "deviation": deviation}


def short(task: str) -> str:
    """A column of the paper's Table 3 without the name of the benchmark."""
    return task.removeprefix("NB201 ")
