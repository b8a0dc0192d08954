"""How many queries two-level-bo needs, beside others and beside its own parts.

Generators propose one trial after the other, without Ax, from the same random start in all of
them, so that the numbers are those of the methods alone:

    python benchmarks/two_level.py --data nb201.csv.gz --accuracy cifar10_test_200 --seeds 20
    python benchmarks/two_level.py --dataset cora --seeds 10 --methods two-level-bo,tpe
    python benchmarks/two_level.py --nas-bench-301 FOLDER --methods two-level-bo,nas-bowl
    python benchmarks/two_level.py --growth 50,100,200,400
    python benchmarks/two_level.py --data nb201.csv.gz --accuracy cifar10_test_200 --botorch 100

A method is a strategy, or the name of a surrogate of two-level-bo (``blocks``, ``paths``,
``sum``, ``distribution``). Prints one JSON object a method: queries to the optimum of each seed
(null: not found), the mean of the best value after 50, 100 and 150 queries, and the mean
seconds of a proposal. With ``--growth``: the median seconds of a proposal after so many random
trials. With ``--botorch``: the processor seconds of the expected improvement of every architecture
after so many, from the closed form and from BoTorch's function on ``TwoLevelModel``, and the same
for the Gaussian process of ``adjacency-bo``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.models.model import Model
from common import add_benchmark_options, make_benchmark, mean_and_error
from torch import Tensor

from ax_anasod import nasbench
from ax_anasod.cells import Cell, one_hot_adjacency
from ax_anasod.core import History
from ax_anasod.generators import (
    SURROGATES,
    ArchitectureEnsembleGenerator,
    ArchitectureGPGenerator,
    EvolutionGenerator,
    HistoryGenerator,
    LocalSearchGenerator,
    NASBowlGenerator,
    RandomArchitectureGenerator,
    TPEGenerator,
    TwoLevelGenerator,
)
from ax_anasod.nasbench import Benchmark
from ax_anasod.surrogates import (
    LevelFeatures,
    TwoLevelModel,
    log_expected_improvement,
    predict_posterior,
)
from ax_anasod.typing import FloatArray

NUM_INITIAL = 10
# Points that BoTorch's function on `EncodingGP` gets at a time: it copies all inputs for each.
_CHUNK = 4096
Make = Callable[[dict[str, Any], int], HistoryGenerator]


def two_level(surrogate: str) -> Make:
    """The generator of two-level-bo with one of its surrogates."""
    return lambda cell, seed: TwoLevelGenerator(cell, seed, NUM_INITIAL, surrogate)


METHODS: dict[str, Make] = {
    "two-level-bo": two_level("alternating"),
    **{name: two_level(name) for name in SURROGATES if name != "alternating"},
    "random": RandomArchitectureGenerator,
    "regularized-evolution": EvolutionGenerator,
    "local-search": LocalSearchGenerator,
    "tpe": TPEGenerator,
    "nas-bowl": NASBowlGenerator,
    "bananas": ArchitectureEnsembleGenerator,
}


class Run:
    """One run of a method: the values, and the seconds of each proposal."""

    def __init__(
        self, benchmark: Benchmark, make: Make, seed: int, num_initial: int = NUM_INITIAL
    ) -> None:
        cell: Cell = benchmark.cell
        self.objective = benchmark.objectives[0].name
        self.benchmark, self.generator = benchmark, make(cell.to_dict(), seed)
        self.codes = cell.sample(num_initial, np.random.default_rng([seed, 77]))
        self.values = benchmark.query(self.codes)[self.objective]
        self.seconds: list[float] = []

    def go_on(self, trials: int, stop_at: float | None) -> None:
        """Propose until there are ``trials`` trials, or one has the value ``stop_at``."""
        while len(self.values) < trials and self.values.min() != stop_at:
            n = len(self.values)
            history = History(
                rows=self.codes,
                values=self.values[:, None],
                trial_indices=np.arange(n),
                failed=np.zeros(n, dtype=np.bool_),
                position=n,
            )
            begin = time.perf_counter()
            code = self.generator.propose(1, history, {})
            self.seconds.append(time.perf_counter() - begin)
            self.codes = np.concatenate([self.codes, code])
            self.values = np.append(self.values, self.benchmark.query(code)[self.objective])

    def best_after(self, trials: int) -> float:
        """The best of the first trials; of all, where the run ended before at the optimum."""
        return float(self.values[:trials].min())


def measure(benchmark: Benchmark, method: str, seeds: range, trials: int) -> dict[str, Any]:
    """Run a method with every seed, each run to the optimum at most."""
    optimum = benchmark.optimum(benchmark.objectives[0].name)
    runs = [Run(benchmark, METHODS[method], seed) for seed in seeds]
    for run in runs:
        run.go_on(trials, optimum)
    found = [len(run.values) if run.values.min() == optimum else None for run in runs]
    budgets = [budget for budget in (50, 100, 150) if budget <= trials]
    seconds = [second for run in runs for second in run.seconds]
    return {
        "method": method,
        "queries_to_optimum": found,
        "best": {
            str(budget): mean_and_error(np.array([run.best_after(budget) for run in runs]))
            for budget in budgets
        },
        "seconds_per_proposal": round(float(np.mean(seconds)), 4) if seconds else None,
    }


def growth(benchmark: Benchmark, method: str, trials: list[int]) -> dict[str, Any]:
    """The median seconds of a proposal after several numbers of random trials."""
    seconds = {}
    for n in trials:
        runs = [Run(benchmark, METHODS[method], seed, num_initial=n) for seed in range(5)]
        for run in runs:
            run.go_on(n + 2, None)
        # The first proposal of all also lists the architectures.
        seconds[str(n)] = round(float(np.median([s for run in runs for s in run.seconds])), 4)
    return {"method": method, "seconds_per_proposal_after": seconds}


def beside_botorch(benchmark: Benchmark, trials: int) -> dict[str, Any]:
    """Processor seconds of the expected improvement of all architectures: ours and BoTorch's."""
    cell, rng = benchmark.cell, np.random.default_rng(trials)
    codes = cell.sample(trials, rng)
    values = np.log(benchmark.query(codes)[benchmark.objectives[0].name])
    model = TwoLevelModel(cell, torch.from_numpy(codes), torch.from_numpy(values)[:, None])
    features = LevelFeatures(cell, cell.enumerate())
    observed = LevelFeatures(cell, codes)
    X = torch.from_numpy(features.codes).unsqueeze(1).double()
    best = float(values.min())

    def closed_form() -> FloatArray:
        distances = features.distances(observed, [level.name for level in model.gp.levels])
        return log_expected_improvement(*model.gp.predict(distances), model.gp.best)

    # The same of the Gaussian process of adjacency-bo.
    gp = ArchitectureGPGenerator(cell.to_dict()).fit(codes, values)
    columns = torch.from_numpy(one_hot_adjacency(cell, features.codes))

    def of_adjacency() -> FloatArray:
        return log_expected_improvement(*predict_posterior(gp, columns), best)

    return {
        "trials": trials,
        "cells": len(X),
        **_side_by_side(closed_form, model, (X,), best),
        "adjacency": _side_by_side(of_adjacency, gp, columns.unsqueeze(1).split(_CHUNK), best),
    }


def _side_by_side(
    closed_form: Callable[[], FloatArray], model: Model, chunks: Sequence[Tensor], best: float
) -> dict[str, float]:
    """Median processor seconds of a closed form and of BoTorch's function on a model."""
    acquisition = LogExpectedImprovement(model, best_f=best, maximize=False)

    def of_botorch() -> FloatArray:
        with torch.no_grad():
            return torch.cat([acquisition(chunk) for chunk in chunks]).numpy()

    seconds: dict[str, list[float]] = {"closed_form": [], "botorch": []}
    for _ in range(9):
        for name, function in (("closed_form", closed_form), ("botorch", of_botorch)):
            begin = time.process_time()
            function()
            seconds[name].append(time.process_time() - begin)
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    return {**medians, "ratio": round(medians["botorch"] / medians["closed_form"], 2)}


def main() -> None:
    """Print one JSON object a method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_benchmark_options(parser)
    parser.add_argument("--nas-bench-301", metavar="FOLDER", help="its data instead")
    parser.add_argument("--methods", default="two-level-bo", help=", ".join(METHODS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--growth", metavar="N,N,...", help="time proposals after N trials only")
    parser.add_argument("--botorch", metavar="N,N,...", help="time its expected improvement only")
    arguments = parser.parse_args()
    methods = arguments.methods.split(",")
    for method in methods:
        if method not in METHODS:
            parser.error(f"there is no method {method!r}; there are: {', '.join(METHODS)}")
    if arguments.nas_bench_301 is None:
        benchmark = make_benchmark(arguments)
    else:
        benchmark = nasbench.make("nas-bench-301", path=arguments.nas_bench_301)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    if arguments.botorch is not None:
        for number in arguments.botorch.split(","):
            print(json.dumps(beside_botorch(benchmark, int(number))), flush=True)
        return
    for method in methods:
        if arguments.growth is not None:
            sizes = [int(n) for n in arguments.growth.split(",")]
            print(json.dumps(growth(benchmark, method, sizes)), flush=True)
        else:
            print(json.dumps(measure(benchmark, method, seeds, arguments.trials)), flush=True)


if __name__ == "__main__":
    main()
