"""How many architectures a second a surrogate of NAS-Bench-301 predicts.

    python benchmarks/nasbench301.py --data DIR
    python benchmarks/nasbench301.py --data DIR --surrogate xgb --python PYTHON

Prints the seconds that loading takes, and architectures a second (best of 5) alone and in
batches, what it takes to write and read the requests included; the last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from ax_anasod.nasbench import NASBench301Benchmark

BATCHES = (1, 16, 256, 1024)
REPEATS = 5


def rate(benchmark: NASBench301Benchmark, batch: int, rng: np.random.Generator) -> float:
    """Architectures a second in batches of this size, best of 5, never the same ones."""
    best = float("inf")
    for _ in range(REPEATS):
        codes = benchmark.cell.sample(batch, rng)
        start = time.perf_counter()
        benchmark.query(codes)
        best = min(best, time.perf_counter() - start)
    return batch / best


def main() -> None:
    """Measure one surrogate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder with the surrogate")
    parser.add_argument("--surrogate", help="which one, where there are several")
    parser.add_argument("--python", help="interpreter with the package nasbench301")
    options = parser.parse_args()
    start = time.perf_counter()
    benchmark = NASBench301Benchmark(
        options.data, surrogate=options.surrogate, python=options.python
    )
    seconds = time.perf_counter() - start
    rng = np.random.default_rng(0)
    rates = {batch: rate(benchmark, batch, rng) for batch in BATCHES}
    print(f"{benchmark.description}: loaded in {seconds:.1f} s")
    for batch, value in rates.items():
        print(f"{batch:>6} at a time: {value:8.0f} architectures a second")
    summary = {str(batch): round(value) for batch, value in rates.items()}
    print(json.dumps({"surrogate": benchmark.surrogate.name, "loading": seconds, **summary}))


if __name__ == "__main__":
    main()
