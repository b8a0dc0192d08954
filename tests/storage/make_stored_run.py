"""Writes ``stored_run.db``, the database that later versions must still be able to load.

Run it only to add a database of a new format beside the old one:

    python tests/storage/make_stored_run.py tests/storage/stored_run.db
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ax.api.client import Client

from ax_anasod import (
    AnasodSearchSpace,
    Cell,
    LookupMetric,
    LookupRunner,
    NASBenchGraphBenchmark,
    generation_strategy,
    make_experiment,
    storage,
)
from ax_anasod._ax import experiment_of

CELL = Cell("stored", operations=["3x3 conv", "pool", "skip"], num_blocks=4, wiring=(2, 3))
NUM_TRIALS = 5


def error(parameters: Mapping[str, Any]) -> float:
    """Any function of the counts, with more digits than a database keeps."""
    return 1 / 3 + float(parameters["n_pool"]) / 7 + (float(parameters["n_3x3_conv"]) - 2) ** 2


def main(path: Path) -> None:
    """Five trials of ``anasod-bo``, the last two of them proposed by its model."""
    client = Client(storage_config=storage.storage_config(path))
    space = AnasodSearchSpace.from_cell(CELL)
    client.set_experiment(
        make_experiment(
            space, "error", metrics=[LookupMetric("error")], seed=3, strategy="anasod-bo"
        )
    )
    experiment_of(client).runner = LookupRunner(NASBenchGraphBenchmark("cora"), seed=3)
    client.set_experiment(experiment_of(client))
    client.set_generation_strategy(
        generation_strategy.make("anasod-bo", space, seed=3, num_initial=3)
    )
    for _ in range(NUM_TRIALS):
        for index, parameters in client.get_next_trials(1).items():
            client.complete_trial(index, {"error": error(parameters)})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
