r"""What each strategy costs and finds, side by side with the same method in other packages.

Every strategy searches through Ax, as ``ax-anasod compare`` does, with one thread; its peer
(Optuna's and SMAC's own loops, Syne Tune's evolution, BayBE's GP on the simplex) searches the
same benchmark with the same seeds. Peers that are not installed are left out and named:
``pip install optuna smac syne-tune baybe``.

    python benchmarks/strategies.py --trials 150 --seeds 3
    python benchmarks/strategies.py --strategies tpe,smac --seeds 10 --data FILE.csv.gz \
        --cell nas-bench-201 --accuracy COLUMN

The last line of output is one JSON object: for each strategy and each peer the seconds a
trial (median over the seeds), mean and standard error of the best value, and for a strategy
with a peer the ratio of their times, the difference of their means, and the p-value of a
signed-rank test paired by seed. ``compare_minutes_on_2_cores`` is what a comparison of all of
these strategies with ten seeds takes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from common import add_benchmark_options, make_benchmark, mean_and_error
from peers import MODULES, PEERS, quiet

from ax_anasod.compare.significance import signed_rank_p
from ax_anasod.exceptions import AnasodError
from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.nasbench import Benchmark
from ax_anasod.runs import Results, RunConfig, Search

Searches = tuple[list[float], np.ndarray]
"""Seconds a trial and best value, one a seed."""


def ours(benchmark: Benchmark, strategy: str, trials: int, seed: int) -> list[float]:
    """The values of a search through Ax."""
    search = Search(RunConfig.of(benchmark, strategy, trials=trials, seed=seed), benchmark)
    search.run(trials)
    name = benchmark.objectives[0].name
    return list(Results(search.config, search.records).to_dict()["values"][name])


def repeated(run: Callable[[int], Sequence[float]], trials: int, seeds: int) -> Searches:
    """Search with every seed."""
    seconds, best = [], []
    for seed in range(seeds):
        start = time.perf_counter()
        values = run(seed)
        seconds.append((time.perf_counter() - start) / trials)
        best.append(np.nanmin(np.array(values[:trials], dtype=float)))
    return seconds, np.array(best)


def described(found: Searches) -> dict[str, object]:
    """Searches for JSON."""
    seconds, best = found
    return {"seconds_per_trial": round(statistics.median(seconds), 4), **mean_and_error(best)}


def measure(benchmark: Benchmark, strategy: str, trials: int, seeds: int) -> dict[str, object]:
    """A strategy and its peer, one after another in this process."""
    found = repeated(lambda seed: ours(benchmark, strategy, trials, seed), trials, seeds)
    entry = described(found)
    if strategy not in PEERS:
        return entry
    package, loop = PEERS[strategy]
    if importlib.util.find_spec(MODULES.get(package, package)) is None:
        entry["peer"] = f"{package} is not installed"
        return entry
    peer = repeated(lambda seed: loop(benchmark, trials, seed), trials, seeds)
    entry["peer"] = {"package": package, **described(peer)}
    entry["time_ratio"] = round(statistics.median(found[0]) / statistics.median(peer[0]), 3)
    entry["difference"] = round(float((found[1] - peer[1]).mean()), 4)
    entry["p_value"] = signed_rank_p(found[1] - peer[1])
    return entry


def in_words(strategy: str, entry: dict[str, object]) -> str:
    """A line for people."""
    line = f"{strategy:>22} {entry['seconds_per_trial']:8.3f} s a trial  {entry['mean']:8.3f}"
    line += f" ± {entry['standard_error']:.3f}"
    peer = entry.get("peer")
    if isinstance(peer, dict):
        line += (
            f"   {peer['package']}: {peer['seconds_per_trial']:.3f} s, {peer['mean']:.3f} ± "
            f"{peer['standard_error']:.3f}; p {entry['p_value']:.3f}"
        )
    elif peer is not None:
        line += f"   ({peer})"
    return line


def main() -> None:
    """Measure the strategies one after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=3)
    add_benchmark_options(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    benchmark = make_benchmark(arguments)
    entries: dict[str, dict[str, object]] = {}
    with quiet():
        # The first fit of a process compiles and caches; no strategy should pay for it.
        ours(benchmark, "anasod-bo", 12, 0)
        for strategy in arguments.strategies.split(","):
            try:
                entries[strategy] = measure(benchmark, strategy, arguments.trials, arguments.seeds)
            except AnasodError as error:
                print(f"{strategy:>22} left out: {error}")
            else:
                print(in_words(strategy, entries[strategy]))
    seconds = sum(float(entry["seconds_per_trial"]) for entry in entries.values())
    print(
        json.dumps(
            {
                "benchmark": benchmark.name,
                "objective": benchmark.objectives[0].name,
                "trials": arguments.trials,
                "seeds": arguments.seeds,
                "strategies": entries,
                "compare_minutes_on_2_cores": round(seconds * arguments.trials * 10 / 2 / 60, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
