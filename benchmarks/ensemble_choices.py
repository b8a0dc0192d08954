r"""How well the neural ensemble ranks architectures, and which ones Thompson sampling chooses.

The ensemble of BANANAS is trained on random architectures of a benchmark, in each of three
encodings. Its mean is compared with the values of the architectures left (rank correlation),
and ten trials are chosen from 100 * k random candidates in three ways:

    mean      the candidates with the smallest mean
    one       those with the smallest draws of one drawing, as published
    ten       the one with the smallest draw, in each of ten pools and drawings

    python benchmarks/ensemble_choices.py --data FILE.csv.gz --accuracy COLUMN

Printed is the mean rank of the ten among all architectures (0 the best, 1 the worst, 0.5 what
chance chooses). The last line of output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import numpy as np
import torch
from common import add_benchmark_options, make_benchmark
from scipy.stats import rankdata, spearmanr

from ax_anasod.cells import Cell, one_hot_adjacency, path_features
from ax_anasod.nasbench import Benchmark
from ax_anasod.surrogates import fit_neural_ensemble

NUM_TRIALS = 10
MAX_PATHS = 1_000

Array = np.ndarray
Chosen = Callable[[Array, Array, np.random.Generator, int], Array]
"""Means, deviations, random numbers, size of the pool -> rows of the trials."""

ENCODINGS: dict[str, Callable[[Cell, Array], Array]] = {
    "adjacency": one_hot_adjacency,
    "path": lambda cell, codes: path_features(cell, codes, max_features=MAX_PATHS),
    "anasod": lambda cell, codes: cell.encode(codes) / cell.total,
}


def by_mean(means: Array, deviations: Array, rng: np.random.Generator, size: int) -> Array:
    """Without any drawing."""
    pool = rng.permutation(len(means))[:size]
    return pool[means[pool].argsort()[:NUM_TRIALS]]


def one_drawing(means: Array, deviations: Array, rng: np.random.Generator, size: int) -> Array:
    """As the authors' code does."""
    pool = rng.permutation(len(means))[:size]
    return pool[rng.normal(means[pool], deviations[pool]).argsort()[:NUM_TRIALS]]


def ten_drawings(means: Array, deviations: Array, rng: np.random.Generator, size: int) -> Array:
    """The smallest draw of each."""
    pools = [rng.permutation(len(means))[:size] for _ in range(NUM_TRIALS)]
    return np.array([p[rng.normal(means[p], deviations[p]).argmin()] for p in pools])


WAYS: dict[str, Chosen] = {"mean": by_mean, "one": one_drawing, "ten": ten_drawings}


def architectures(benchmark: Benchmark) -> tuple[Array, Array]:
    """All different architectures with a value, and their values."""
    cell = benchmark.cell
    codes = cell.canonical(cell.enumerate())
    codes = codes[np.unique(cell.keys(codes), return_index=True)[1]]
    values = benchmark.query(codes)[benchmark.objectives[0].name]
    return codes[np.isfinite(values)], values[np.isfinite(values)]


def measure(X: Array, values: Array, n: int, seed: int, size: int) -> dict[str, float]:
    """One ensemble, trained on ``n`` random architectures."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(values))
    train, left = order[:n], order[n:]
    ensemble = fit_neural_ensemble(
        torch.as_tensor(X[train]), torch.as_tensor(values[train, None]), seed
    )
    with torch.no_grad():
        members = ensemble(torch.as_tensor(X[left]))[..., 0].numpy()
    means, deviations = members.mean(axis=0), members.std(axis=0)
    ranks = (rankdata(values)[left] - 1) / (len(values) - 1)
    found = {"correlation": float(spearmanr(means, values[left])[0])}
    for name, choose in WAYS.items():
        chosen = [ranks[choose(means, deviations, rng, size)].mean() for _ in range(10)]
        found[name] = float(np.mean(chosen))
    return found


def main() -> None:
    """Measure every encoding with every number of observations."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--observations", default="20,50,100,150")
    parser.add_argument("--seeds", type=int, default=10)
    add_benchmark_options(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    benchmark = make_benchmark(arguments)
    codes, values = architectures(benchmark)
    size = 100 * benchmark.cell.num_operations
    results: dict[str, dict[str, dict[str, float]]] = {}
    for encoding, features in ENCODINGS.items():
        X = features(benchmark.cell, codes)
        results[encoding] = {}
        for n in map(int, arguments.observations.split(",")):
            found = [measure(X, values, n, seed, size) for seed in range(arguments.seeds)]
            means = {name: round(float(np.mean([f[name] for f in found])), 3) for name in found[0]}
            results[encoding][str(n)] = means
            line = "  ".join(f"{name} {value:.2f}" for name, value in means.items())
            print(f"{encoding:>10} {n:4d} observations  {line}", flush=True)
    print(json.dumps({"benchmark": benchmark.name, "seeds": arguments.seeds, "found": results}))


if __name__ == "__main__":
    main()
