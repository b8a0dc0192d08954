"""A few rounds of a strategy on an Ax experiment, with a synthetic objective."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from ax.api.client import Client
from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, architecture_of
from ax_anasod.experiment import make_experiment
from ax_anasod.objectives import Limit
from ax_anasod.testing.objective import SyntheticObjective
from ax_anasod.typing import Codes

_METRIC = "error"


class Rounds:
    """An Ax ``Client`` with a strategy, asked for trials and told their errors.

    Args:
        search_space: What is searched.
        strategy: The strategy.
        seed: The seed of the run.
        objectives: Names of what is minimised.
        limits: What trials must keep, such as ``"cost <= 50"``.
    """

    def __init__(
        self,
        search_space: AnasodSearchSpace | CellSearchSpace,
        strategy: GenerationStrategy,
        seed: int = 0,
        objectives: Sequence[str] = (_METRIC,),
        limits: Sequence[str] = (),
    ) -> None:
        self.search_space = search_space
        names = (*objectives, *(Limit.parse(limit).name for limit in limits))
        self.values = {
            name: SyntheticObjective(search_space.cell, number) for number, name in enumerate(names)
        }
        self.client = Client()
        self.client.set_experiment(
            make_experiment(search_space, objectives, limits=limits, seed=seed)
        )
        self.client.set_generation_strategy(strategy)

    def ask(self, n: int = 1) -> dict[int, dict[str, Any]]:
        """Ask for ``n`` trials: index -> parameters."""
        trials = self.client.get_next_trials(max_trials=n)
        return {index: dict(parameters) for index, parameters in trials.items()}

    def tell(self, trials: dict[int, dict[str, Any]]) -> None:
        """Complete trials with the values of their architectures."""
        for index in trials:
            code = self.code(index)[None]
            values = {name: float(of(code)[0]) for name, of in self.values.items()}
            self.client.complete_trial(index, raw_data={**values})

    def fail(self, trials: Iterable[int]) -> None:
        """Mark the trials with these indices as failed."""
        for index in trials:
            self.client.mark_trial_failed(index)

    def abandon(self, trials: Iterable[int]) -> None:
        """Mark the trials with these indices as abandoned."""
        for index in trials:
            self.client.mark_trial_abandoned(index)

    def run(self, n: int) -> list[dict[str, Any]]:
        """Run ``n`` trials one after another; their parameters."""
        proposed: list[dict[str, Any]] = []
        for _ in range(n):
            trials = self.ask()
            self.tell(trials)
            proposed += trials.values()
        return proposed

    def code(self, index: int) -> Codes:
        """The architecture of a trial, a code ``d``."""
        return architecture_of(self.client, index).code

    def reloaded(self) -> Self:
        """Save these rounds to JSON and load them again."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "client.json")
            self.client.save_to_json_file(path)
            other = type(self).__new__(type(self))
            other.__dict__.update(self.__dict__)
            with warnings.catch_warnings():
                # Ax makes the limits that it reads in its own old way.
                warnings.filterwarnings("ignore", "Passing `metric`", DeprecationWarning)
                other.client = Client.load_from_json_file(path)
        return other
