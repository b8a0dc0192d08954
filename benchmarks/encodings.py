"""How many trials a search of encodings needs to the best encoding.

    python benchmarks/encodings.py --data t.csv.gz --cell hybrid-lm --minimize loss --seeds 20

The best encoding is the one whose architectures have the lowest mean. Prints one JSON object a
strategy: the trials to the first of this encoding, of each seed (null: not within ``--trials``),
and their median.
"""

from __future__ import annotations

import argparse
import json
import logging

import numpy as np
from common import add_benchmark_options, make_benchmark, mean_and_error

from ax_anasod import architecture_of, make_client
from ax_anasod.nasbench import Benchmark


def best_encoding(benchmark: Benchmark) -> np.ndarray:
    """The counts ``k`` whose architectures have the lowest mean of the first objective."""
    codes = benchmark.cell.enumerate()
    encodings, of, sizes = np.unique(
        benchmark.cell.encode(codes), axis=0, return_inverse=True, return_counts=True
    )
    means = np.bincount(of, benchmark.query(codes)[benchmark.objectives[0].name]) / sizes
    return encodings[means.argmin()]


def trials_to(
    encoding: np.ndarray, benchmark: Benchmark, strategy: str, seed: int, most: int
) -> int:
    """Trials to the first of an encoding; ``most + 1`` where none of so many has it."""
    name = benchmark.objectives[0].name
    client = make_client(benchmark.cell, strategy, objectives=name, seed=seed)
    for trial in range(1, most + 1):
        for index in client.get_next_trials(1):
            code = architecture_of(client, index).code[None]
            if (benchmark.cell.encode(code)[0] == encoding).all():
                return trial
            client.complete_trial(index, {name: float(benchmark.query(code)[name][0])})
    return most + 1


def main() -> None:
    """Print one JSON object a strategy."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_benchmark_options(parser)
    parser.add_argument("--strategies", default="anasod-bo,anasod-random")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=60)
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    benchmark = make_benchmark(arguments)
    encoding = best_encoding(benchmark)
    for strategy in arguments.strategies.split(","):
        found = np.array(
            [
                trials_to(encoding, benchmark, strategy, seed, arguments.trials)
                for seed in range(arguments.seeds)
            ]
        )
        row = {
            "strategy": strategy,
            "encoding": encoding.tolist(),
            "trials": [n if n <= arguments.trials else None for n in found.tolist()],
            "median": float(np.median(found)),
            **mean_and_error(found),
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
