"""One leg of runs that are continued in a new process; see ``test_new_process.py``.

python continue_run.py TRIALS FILE ...: for each file, ``.json`` or ``.db``, load it where it
exists, go on until TRIALS trials are completed, save, and print all parameters and architectures
of the run as a line of JSON.
"""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ax.api.client import Client

from ax_anasod import Cell, architecture_of, make_client, storage
from ax_anasod._ax import experiment_of, strategy_of

CELL = Cell("mine", operations=["conv3x3", "conv5x5", "pool", "skip"], num_blocks=7)
SEED = 5


def error(parameters: Mapping[str, Any]) -> float:
    """Values with as many digits as a float has."""
    return math.exp(math.sin(3 * parameters["n_pool"]) + parameters["n_conv3x3"] / 7) + 1 / 3


def open_client(path: Path) -> Client:
    """The stored run, or a new one."""
    is_json = path.suffix == ".json"
    if is_json and path.exists():
        return Client.load_from_json_file(str(path))
    if path.exists():
        return Client.load_from_database("ax_anasod", storage.storage_config(path))
    fresh = make_client(CELL, "anasod-bo", seed=SEED)
    if is_json:
        return fresh
    client = Client(storage_config=storage.storage_config(path))
    client.set_experiment(experiment_of(fresh))
    client.set_generation_strategy(strategy_of(fresh))
    return client


def go_on(path: Path, trials: int) -> None:
    """Run the leg of one file."""
    client = open_client(path)
    while len(experiment_of(client).trials) < trials:
        for index, parameters in client.get_next_trials(1).items():
            client.complete_trial(index, {"error": error(parameters)})
    if path.suffix == ".json":
        client.save_to_json_file(str(path))
    done = [dict(t.arm.parameters) for _, t in sorted(experiment_of(client).trials.items())]
    results = [[p, str(architecture_of(client, index))] for index, p in enumerate(done)]
    sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    logging.disable(logging.INFO)
    for name in sys.argv[2:]:
        go_on(Path(name), int(sys.argv[1]))
