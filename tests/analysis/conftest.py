"""Small real searches that the tests of the cards share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest
from ax.api.client import Client

from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.experiment import make_client
from ax_anasod.nasbench import NASBenchGraphBenchmark
from ax_anasod.runners import BenchmarkQuery

Run = Callable[..., Client]


@pytest.fixture(scope="session")
def small_cell() -> Cell:
    return Cell("small", operations=["conv", "pool", "skip"], num_blocks=4)


@pytest.fixture(scope="session")
def run(small_cell: Cell) -> Run:
    """Run a search whose trials get the values that a test wants."""

    def search(
        values: Sequence[float | dict[str, float] | None],
        strategy: str = "anasod-random",
        cell: Cell = small_cell,
        objectives: str | Sequence[str] = "error",
        **options: Any,
    ) -> Client:
        """A value of None marks the trial as failed."""
        client = make_client(cell, strategy, objectives=objectives, **options)
        for value in values:
            ((index, _),) = client.get_next_trials(1).items()
            if value is None:
                client.mark_trial_failed(index)
            else:
                raw = value if isinstance(value, dict) else {"error": value}
                client.complete_trial(index, raw_data=dict(raw))
        return client

    return search


@pytest.fixture(scope="session")
def cora() -> NASBenchGraphBenchmark:
    return NASBenchGraphBenchmark("cora")


@pytest.fixture(scope="session")
def search_cora(cora: NASBenchGraphBenchmark) -> Run:
    """Run a real search on NAS-Bench-Graph cora."""

    def search(
        num_trials: int, strategy: str = "anasod-bo", failing: Collection[int] = ()
    ) -> Client:
        query = BenchmarkQuery(cora, seed=0)
        client = make_client(cora.cell, strategy, objectives="valid_error", seed=0)
        for _ in range(num_trials):
            (index,) = client.get_next_trials(1)
            if index in failing:
                client.mark_trial_failed(index)
                continue
            result = query.of(experiment_of(client).trials[index])
            client.complete_trial(index, raw_data={"valid_error": result["values"]["valid_error"]})
        return client

    return search


@pytest.fixture(scope="session")
def cora_client(search_cora: Run) -> Client:
    """ANASOD-BO on cora: ten random trials, four of the model, one of the first ones failed.

    Tests read it and never add trials to it.
    """
    return search_cora(15, failing=(4,))
