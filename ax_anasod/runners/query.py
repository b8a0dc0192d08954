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
from ax_anasod.nasbench.benchmark import searched_beside
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
        OptionError: The seed is no whole number of at least 0.
        UnknownNameError: The kind of space is unknown.
    """

    def __init__(self, benchmark: Benchmark, space: TrialKind | None = None, seed: int = 0) -> None:
        self.benchmark, self.seed = benchmark, check_seed(seed)
        if space is not None:
            check_kind(space)
        self._space = space
        self._beside = searched_beside(benchmark)

    def of(self, trial: BaseTrial) -> dict[str, Any]:
        """Look a trial of an experiment up: the architecture recorded with it, if one is.

        Args:
            trial: The trial, with one arm.

        Returns:
            As for a call.

        Raises:
            EncodingError: The parameters are no encoding of the cell.
            ArchitectureError: The parameters are no architecture of the cell.
            OptionError: The trial has parameters that the benchmark does not have.
            ParameterError: A parameter beside the cell is missing, or its value is not allowed.
        """
        (arm,) = trial.arms
        check_no_others(self.benchmark.name, self.benchmark.cell, self._own(arm.parameters))
        codes = codes_of(trial, arm, self.benchmark.cell, self.seed)
        return self._look_up(trial.index, codes, arm.parameters)

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
            ArchitectureError: The parameters are no architecture of the cell.
            ParameterError: A parameter beside the cell is missing, or its value is not allowed.
        """
        own = self._own(parameters)
        space = search_space_of(self.benchmark.cell, own, self._space)
        codes = space.draw(own, self.seed, trial_index)
        return self._look_up(trial_index, codes, parameters)

    def _own(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a trial without those that the benchmark has beside the cell."""
        return {name: v for name, v in parameters.items() if name not in self._beside.names}

    def _look_up(
        self, trial_index: int, codes: Codes, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        if self._beside:
            result = self.benchmark.query_jointly(codes, self._beside.settings([parameters]))
        else:
            seeds = self.benchmark.draw_seeds(codes, query_rng(self.seed, trial_index))
            result = self.benchmark.query(codes, seeds)
        cost = result.get(COST)
        return {
            ARCHITECTURE: self.benchmark.cell.to_strings(codes)[0],
            "values": {name: float(values[0]) for name, values in result.items() if name != COST},
            "cost_seconds": None if cost is None else float(cost[0]),
        }
