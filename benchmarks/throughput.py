"""How many cells a second are decoded, encoded, rounded and looked up, in one thread.

    python benchmarks/throughput.py

Prints cells a second (best of 7) for batches of 100,000; the last line is one JSON object.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.nasbench import NASBenchGraphBenchmark
from ax_anasod.simplex import bomze_round, sample_uniform

BATCH = 100_000


def rate(run: Callable[[], object]) -> float:
    """Cells a second, best of 7."""
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return BATCH / best


def main() -> None:
    """Measure each operation on each cell."""
    rng = np.random.default_rng(0)
    rates: dict[str, float] = {}
    for name, cell in (
        ("nas-bench-201", cells.get("nas-bench-201")),
        ("N=40, k=12", Cell("large", [f"o{i}" for i in range(12)], 40)),
    ):
        points = sample_uniform(cell.num_operations, BATCH, rng) * cell.total
        counts = bomze_round(points, cell.total)
        codes = cell.decode(counts, rng)
        rates[f"bomze_round {name}"] = rate(lambda: bomze_round(points, cell.total))  # noqa: B023
        rates[f"decode {name}"] = rate(lambda: cell.decode(counts, rng))  # noqa: B023
        rates[f"encode {name}"] = rate(lambda: cell.encode(codes))  # noqa: B023
    benchmark = NASBenchGraphBenchmark("cora")
    queries = benchmark.cell.sample(BATCH, rng)
    rates["lookup nas-bench-graph"] = rate(lambda: benchmark.query(queries))
    for name, value in rates.items():
        print(f"{name:>32}: {value / 1e6:6.2f} million cells a second")
    print(json.dumps({name: round(value) for name, value in rates.items()}))


if __name__ == "__main__":
    main()
