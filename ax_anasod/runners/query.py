"""One trial's lookup in a benchmark, the same for runners and for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ax.core.base_trial import BaseTrial

from ax_anasod.core.architectures import ARCHITECTURE, codes_of
from ax_anasod.core.bound_space import TrialKind
from ax_anasod.core.cell_search_space import check_kind, check_no_others, search_space_of
from ax_anasod.core.seeding import check_seed, query_rng
from ax_anasod.nasbench import Benchmark
from ax_anasod.objectives import COST
from ax_anasod.typing import Codes


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

    def __init__(self, benchmark: Benchmark, space: TrialKind | None = None, seed: int = 0) -> None:
        self.benchmark, self.seed = benchmark, check_seed(seed)
        if space is not None:
            check_kind(space)
        self._space = space

    def of(self, trial: BaseTrial) -> dict[str, Any]:
        """Look a trial of an experiment up: the architecture recorded with it, if one is.

        Args:
            trial: The trial, with one arm.

        Returns:
            As for a call.

        Raises:
            EncodingError: Its parameters are no encoding of the cell.
            ArchitectureError: They are no architecture of the cell.
            OptionError: It has parameters of which the benchmark knows nothing.
        """
        (arm,) = trial.arms
        check_no_others(self.benchmark.name, self.benchmark.cell, arm.parameters)
        return self._look_up(trial.index, codes_of(trial, arm, self.benchmark.cell, self.seed))

    def __call__(self, trial_index: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Look parameters up, without an experiment.

        Args:
            trial_index: The trial's index in the experiment.
            parameters: Its parameters; of an encoding an architecture is drawn.

        Returns:
            ``architecture`` (the benchmark's string), ``values`` (objective or reported
            column -> value) and ``cost_seconds`` (None where the data has none).

        Raises:
            EncodingError: The parameters are no encoding of the cell.
            ArchitectureError: They are no architecture of the cell.
        """
        space = search_space_of(self.benchmark.cell, parameters, self._space)
        return self._look_up(trial_index, space.draw(parameters, self.seed, trial_index))

    def _look_up(self, trial_index: int, codes: Codes) -> dict[str, Any]:
        seeds = self.benchmark.draw_seeds(codes, query_rng(self.seed, trial_index))
        result = self.benchmark.query(codes, seeds)
        cost = result.get(COST)
        return {
            ARCHITECTURE: self.benchmark.cell.to_strings(codes)[0],
            "values": {name: float(values[0]) for name, values in result.items() if name != COST},
            "cost_seconds": None if cost is None else float(cost[0]),
        }
