"""One trial's lookup in a benchmark, the same for runners and for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ax_anasod.core.coding import Space
from ax_anasod.core.seeding import check_seed, query_rng
from ax_anasod.core.trial_space import TrialSpace
from ax_anasod.nasbench import Benchmark
from ax_anasod.nasbench.benchmark import COST


class BenchmarkQuery:
    """Decodes a trial's encoding, queries the benchmark, and keeps what it says.

    Args:
        benchmark: The benchmark.
        space: What a trial's parameters are, ``"encoding"`` or ``"architecture"``; None tells
            by their names.
        seed: The seed of the run: it decides which architecture an encoding stands for,
            and which training seed a single-seed benchmark is asked for.

    Raises:
        OptionError: The seed is none.
        UnknownNameError: There is no such kind of space.
    """

    def __init__(self, benchmark: Benchmark, space: Space | None = None, seed: int = 0) -> None:
        self.benchmark, self.seed = benchmark, check_seed(seed)
        self._space = TrialSpace(benchmark.cell, space)

    def __call__(self, trial_index: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Look a trial up.

        Args:
            trial_index: The trial's index in the experiment.
            parameters: Its parameters.

        Returns:
            ``architecture`` (the benchmark's string), ``values`` (objective or reported
            column -> value) and ``cost_seconds`` (None where the data has none).

        Raises:
            EncodingError: The parameters are no encoding of the cell.
            ArchitectureError: They are no architecture of the cell.
        """
        architecture = self._space.of(parameters).decode(parameters, self.seed, trial_index)
        code = architecture.code[None, :]
        seeds = self.benchmark.draw_seeds(code, query_rng(self.seed, trial_index))
        result = self.benchmark.query(code, seeds)
        cost = result.get(COST)
        return {
            "architecture": str(architecture),
            "values": {name: float(values[0]) for name, values in result.items() if name != COST},
            "cost_seconds": None if cost is None else float(cost[0]),
        }
