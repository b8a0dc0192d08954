"""One trial's lookup in a benchmark, the same for runners and for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from ax_anasod.core.cell_search_space import CellSearchSpace
from ax_anasod.core.coding import Space
from ax_anasod.core.search_space import AnasodSearchSpace
from ax_anasod.core.seeding import check_seed, query_rng
from ax_anasod.exceptions import UnknownNameError
from ax_anasod.nasbench import Benchmark
from ax_anasod.nasbench.benchmark import COST


class BenchmarkQuery:
    """Decodes a trial's encoding, queries the benchmark, and keeps what it says.

    Args:
        benchmark: The benchmark.
        space: What a trial's parameters are, ``"encoding"`` or ``"architecture"``.
        seed: The seed of the run: it decides which architecture an encoding stands for,
            and which training seed a single-seed benchmark is asked for.

    Raises:
        OptionError: The seed is none.
        UnknownNameError: There is no such kind of space.
    """

    def __init__(self, benchmark: Benchmark, space: Space = "encoding", seed: int = 0) -> None:
        if space not in get_args(Space):
            raise UnknownNameError("kind of search space", space, get_args(Space))
        self.benchmark, self.seed = benchmark, check_seed(seed)
        kind = AnasodSearchSpace if space == "encoding" else CellSearchSpace
        self.search_space: AnasodSearchSpace | CellSearchSpace = kind.from_cell(benchmark.cell)

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
        architecture = self.search_space.decode(parameters, self.seed, trial_index)
        code = architecture.code[None, :]
        seeds = self.benchmark.draw_seeds(code, query_rng(self.seed, trial_index))
        result = self.benchmark.query(code, seeds)
        cost = result.pop(COST, None)
        return {
            "architecture": str(architecture),
            "values": {name: float(values[0]) for name, values in result.items()},
            "cost_seconds": None if cost is None else float(cost[0]),
        }
