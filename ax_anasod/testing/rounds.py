"""A few rounds of a strategy on an Ax experiment, with a synthetic objective."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from ax.api.client import Client
from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, architecture_of
from ax_anasod.experiment import make_experiment
from ax_anasod.testing.objective import SyntheticObjective

_METRIC = "error"


class Rounds:
    """An Ax ``Client`` with a strategy, asked for trials and told their errors.

    Args:
        search_space: What is searched.
        strategy: The strategy.
        seed: The seed of the run.
    """

    def __init__(
        self,
        search_space: AnasodSearchSpace | CellSearchSpace,
        strategy: GenerationStrategy,
        seed: int = 0,
    ) -> None:
        self.search_space = search_space
        self.objective = SyntheticObjective(search_space.cell)
        self.client = Client()
        self.client.set_experiment(make_experiment(search_space, _METRIC, seed=seed))
        self.client.set_generation_strategy(strategy)

    def ask(self, n: int = 1) -> dict[int, dict[str, Any]]:
        """Ask for ``n`` trials: index -> parameters."""
        trials = self.client.get_next_trials(max_trials=n)
        return {index: dict(parameters) for index, parameters in trials.items()}

    def tell(self, trials: dict[int, dict[str, Any]]) -> None:
        """Complete trials with the errors of their architectures."""
        for index in trials:
            error = float(self.objective(self.code(index)[None])[0])
            self.client.complete_trial(index, raw_data={_METRIC: error})

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

    def code(self, index: int) -> npt.NDArray[np.int64]:
        """The architecture of a trial, a code ``d``."""
        return architecture_of(self.client, index).code

    def reloaded(self) -> Self:
        """The same, saved to JSON and loaded again."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "client.json")
            self.client.save_to_json_file(path)
            other = type(self).__new__(type(self))
            other.__dict__.update(self.__dict__)
            other.client = Client.load_from_json_file(path)
        return other
