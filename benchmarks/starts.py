"""How many queries two-level-bo needs when it starts from a differentiable search.

Without Ax, so that the numbers are those of the method alone:

    python benchmarks/starts.py --data nb201.csv.gz --accuracy cifar10_test_200 --seeds 40
    python benchmarks/starts.py --data nb201.csv.gz --accuracy cifar10_test_200 \
        --from runs/a,runs/b --choices 10:5:0.25,10:1:0.25,10:0:1

A choice is the number of initial trials, how many of these are cells that were found, and the
share of uniform in the distribution of the others; ``10:0:1`` is no start. Without ``--from``
results are made up: the distributions that three searches of NAS-Bench-201 ended with, and
for each seed 50 cells drawn from one, the cells of one operation and the neighbours of the
likeliest, in the order of their rank in the table plus noise. Prints one JSON object a choice:
the median queries to the optimum with each result, and over all runs; a run that does not find
it within ``--trials`` counts as one query more.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from common import add_benchmark_options, make_benchmark

from ax_anasod.core import History
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.dnas.result import OneShotResult
from ax_anasod.generation_strategy import Start
from ax_anasod.generators import RandomArchitectureGenerator, TwoLevelGenerator
from ax_anasod.nasbench import Benchmark

# Over none, skip, conv1x1, conv3x3, pool.
SHARES = {
    "86 % conv3x3": (0.0, 0.04, 0.06, 0.86, 0.04),
    "half skip": (0.02, 0.48, 0.02, 0.48, 0.0),
    "mixed": (0.0, 0.29, 0.14, 0.49, 0.08),
}


def made_up(benchmark: Benchmark, name: str, noise: float, seed: int) -> OneShotResult:
    """A result of a search that would have ended with one of these distributions."""
    cell, rng = benchmark.cell, np.random.default_rng([seed, 5])
    shares = np.array(SHARES[name])
    edges = CellEdges(cell)
    mixed = np.broadcast_to(0.9 * shares + 0.02, (edges.num_edges, len(shares)))
    vertices = np.repeat(np.arange(len(shares)), cell.num_blocks).reshape(-1, cell.num_blocks)
    around = cell.neighbours(vertices[shares.argmax()])
    codes = np.unique(np.concatenate([edges.draw(mixed, 50, rng), vertices, around]), axis=0)
    codes = codes[edges.passes(codes)]
    errors = benchmark.query(codes)[benchmark.objectives[0].name]
    ranks = errors.argsort().argsort() / len(errors)
    order = np.argsort(ranks + noise * rng.standard_normal(len(ranks)))
    texts = tuple(cell.to_strings(codes[order]))
    return OneShotResult(cell, f"made up: {name}", seed, (tuple(shares.tolist()),), texts)


def queries(benchmark: Benchmark, start: Start, num_initial: int, seed: int, trials: int) -> int:
    """Queries until the optimum is found."""
    cell, objective = benchmark.cell, benchmark.objectives[0].name
    optimum = benchmark.optimum(objective)
    stored = start.for_generators(cell, "architecture")
    draws = RandomArchitectureGenerator(cell.to_dict(), seed, start=stored)
    model = TwoLevelGenerator(cell.to_dict(), seed, num_initial)
    codes, values = np.empty((0, len(cell.code_sizes)), dtype=np.int64), np.empty(0)
    while len(values) < trials and optimum not in values:
        n = len(values)
        history = History(codes, values[:, None], np.arange(n), np.zeros(n, dtype=np.bool_), n)
        code = (draws if n < num_initial else model).propose(1, history, {})
        codes = np.concatenate([codes, code])
        values = np.append(values, benchmark.query(code)[objective])
    return len(values) if optimum in values else trials + 1


def main() -> None:
    """Print one JSON object a choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_benchmark_options(parser)
    parser.add_argument("--from", dest="places", help="results, separated by commas")
    parser.add_argument("--noise", type=float, default=0.6, help="of ranks in [0, 1]")
    parser.add_argument("--choices", default="10:1:0.25,10:0:1")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=100)
    arguments = parser.parse_args()
    benchmark = make_benchmark(arguments)
    places = SHARES if arguments.places is None else arguments.places.split(",")
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    for choice in arguments.choices.split(","):
        num_initial, cells, uniform = (float(number) for number in choice.split(":"))
        runs: dict[str, list[int]] = {place: [] for place in places}
        for place, found in runs.items():
            for seed in seeds:
                result = (
                    made_up(benchmark, place, arguments.noise, seed)
                    if arguments.places is None
                    else OneShotResult.read(Path(place))
                )
                start = Start(result, cells=int(cells), uniform=uniform)
                found.append(queries(benchmark, start, int(num_initial), seed, arguments.trials))
        together = np.concatenate(list(runs.values()))
        content = {
            "choice": choice,
            "median_of_each": {place: float(np.median(found)) for place, found in runs.items()},
            "median": float(np.median(together)),
            "mean": round(float(together.mean()), 1),
            "standard error": round(float(together.std(ddof=1) / len(together) ** 0.5), 1),
            "90 %": float(np.quantile(together, 0.9)),
            "slowest": int(together.max()),
            "within 20": int((together <= 20).sum()),
            "runs": len(together),
        }
        print(json.dumps(content), flush=True)


if __name__ == "__main__":
    main()
