"""What a table says of the architectures that a search draws."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from ax_anasod.dnas.edges import CellEdges, Codes, Probabilities
from ax_anasod.exceptions import ArchitectureError, BenchmarkError
from ax_anasod.nasbench import Benchmark

# Of larger cells, the mean error of a draw is that of some draws.
_MOST_LISTED: Final = 1_000_000
_DRAWS: Final = 1000
_WHOLE: Final = "an oracle must hold every architecture that can be drawn"


class Oracle:
    """Errors of fully trained architectures, which the search itself does not see.

    Args:
        benchmark: A benchmark that holds every architecture that can be drawn.
        objective: The name of its error, in percent.
        edges: The edges of the cell that is searched.

    Raises:
        BenchmarkError: The benchmark is of another cell.
        UnknownNameError: It has no such objective.
    """

    def __init__(self, benchmark: Benchmark, objective: str, edges: CellEdges) -> None:
        if benchmark.cell.operations != edges.cell.operations or (
            benchmark.cell.code_sizes != edges.cell.code_sizes
        ):
            raise BenchmarkError(
                f"the oracle is of cell {benchmark.cell.name!r}, not of {edges.cell.name!r}",
                "name the table of the cell that is searched",
            )
        self.name = objective
        self._benchmark, self._edges = benchmark, edges
        self.optimum = benchmark.optimum(objective)

    def errors(self, codes: Codes) -> npt.NDArray[np.float64]:
        """Error of each of ``n x d`` codes, in percent.

        Raises:
            BenchmarkError: The table lacks one of them.
        """
        try:
            values = self._benchmark.query(codes)[self.name]
        except ArchitectureError as error:
            raise BenchmarkError(f"the oracle lacks values: {error.message}", _WHOLE) from error
        if not np.isfinite(values).all():
            lacking = codes[int(np.argmin(np.isfinite(values)))]
            raise BenchmarkError(
                f"the oracle has no value of {self._edges.cell.to_strings(lacking[None])[0]!r}",
                _WHOLE,
            )
        return np.asarray(values, dtype=np.float64)

    def mean_error(self, probabilities: Probabilities) -> float:
        """Expected error of an architecture whose blocks are drawn independently, in percent.

        Exact where the architectures can be listed; else the mean over 1,000 draws.

        Args:
            probabilities: ``E x k``.

        Raises:
            BenchmarkError: The table lacks an architecture that can be drawn.
        """
        if self._edges.cell.size > _MOST_LISTED:
            drawn = self._edges.draw(probabilities, _DRAWS, np.random.default_rng(0))
            return float(self.errors(drawn).mean())
        codes, errors = self._listed
        shares = np.exp(self._edges.log_probability(probabilities, codes))
        return float((shares * errors).sum() / shares.sum())

    @property
    def uniform(self) -> float:
        """Expected error of an architecture drawn uniformly, in percent."""
        k = self._edges.cell.num_operations
        return self.mean_error(np.full((self._edges.num_edges, k), 1 / k))

    @cached_property
    def of_one_operation(self) -> dict[str, float]:
        """The operation of a cell of one operation -> its error, in percent."""
        cell = self._edges.cell
        codes = np.zeros((cell.num_operations, len(cell.code_sizes)), dtype=np.int64)
        codes[:, : cell.num_blocks] = np.arange(cell.num_operations)[:, None]
        return dict(zip(cell.operations, self.errors(codes).tolist(), strict=True))

    @cached_property
    def _listed(self) -> tuple[Codes, npt.NDArray[np.float64]]:
        codes = self._edges.cell.enumerate()
        return codes, self.errors(codes)
