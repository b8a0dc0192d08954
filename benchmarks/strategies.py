r"""What each strategy costs and finds, side by side with the same method in other packages.

Every strategy searches through Ax, as ``ax-anasod compare`` does, with one thread; its peer
(Optuna's and SMAC's own loops, Syne Tune's evolution, BayBE's GP on the simplex) searches the
same benchmark with the same seeds. Peers that are not installed, or cannot be imported, are left
out with the reason: ``pip install optuna smac syne-tune baybe``. The other strategies have no
peer that lives beside our dependencies: naszilla 1.0 (BANANAS, local search) is for
TensorFlow 1.14, NePS 0.17 (evolution) for gpytorch 1.13.0.

    python benchmarks/strategies.py --trials 150 --seeds 3
    python benchmarks/strategies.py --strategies tpe,smac --seeds 10 --data FILE.csv.gz \
        --cell nas-bench-201 --accuracy COLUMN

The last line of output is one JSON object: for each strategy and each peer the seconds a
trial (median over the seeds, by the clock and on the processor), mean and standard error of
the best value, and for a strategy with a peer the ratio of their processor times, the
difference of their means, and the p-value of a signed-rank test paired by seed; also the
machine and the versions of the packages. ``compare_minutes_on_2_cores`` is what a comparison
of all of these strategies with ten seeds takes.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from common import add_benchmark_options, make_benchmark, mean_and_error
from peers import MODULES, PEERS, quiet

from ax_anasod.compare.significance import signed_rank_p
from ax_anasod.exceptions import AnasodError
from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.nasbench import Benchmark
from ax_anasod.runs import Results, Search, plan_run


class Searches(NamedTuple):
    """What searches with several seeds cost and found, one entry a seed.

    Args:
        seconds: Seconds a trial by the clock.
        processor: Seconds a trial on the processor, which other work changes less.
        best: The best value.
    """

    seconds: list[float]
    processor: list[float]
    best: np.ndarray


def ours(benchmark: Benchmark, strategy: str, trials: int, seed: int) -> list[float]:
    """The values of a search through Ax."""
    search = Search(plan_run(benchmark, strategy, trials=trials, seed=seed), benchmark)
    search.run(trials)
    name = benchmark.objectives[0].name
    return list(Results(search.config, search.records).to_dict()["values"][name])


def repeated(run: Callable[[int], Sequence[float]], trials: int, seeds: int) -> Searches:
    """Search with every seed."""
    seconds, processor, best = [], [], []
    for seed in range(seeds):
        start, start_processor = time.perf_counter(), time.process_time()
        values = run(seed)
        seconds.append((time.perf_counter() - start) / trials)
        processor.append((time.process_time() - start_processor) / trials)
        best.append(np.nanmin(np.array(values[:trials], dtype=float)))
    return Searches(seconds, processor, np.array(best))


def described(found: Searches) -> dict[str, object]:
    """Searches for JSON."""
    return {
        "seconds_per_trial": round(statistics.median(found.seconds), 4),
        "processor_seconds_per_trial": round(statistics.median(found.processor), 4),
        **mean_and_error(found.best),
    }


def measure(benchmark: Benchmark, strategy: str, trials: int, seeds: int) -> dict[str, object]:
    """A strategy and its peer, one after another in this process."""
    found = repeated(lambda seed: ours(benchmark, strategy, trials, seed), trials, seeds)
    entry = described(found)
    if strategy not in PEERS:
        return entry
    package, loop = PEERS[strategy]
    reason = missing(package)
    if reason is not None:
        entry["peer"] = reason
        return entry
    peer = repeated(lambda seed: loop(benchmark, trials, seed), trials, seeds)
    entry["peer"] = {"package": package, **described(peer)}
    ratio = statistics.median(found.processor) / statistics.median(peer.processor)
    entry["time_ratio"] = round(ratio, 3)
    entry["difference"] = round(float((found.best - peer.best).mean()), 4)
    entry["p_value"] = signed_rank_p(found.best - peer.best)
    return entry


def missing(package: str) -> str | None:
    """Why a peer is left out; None where it is not."""
    module = MODULES.get(package, package)
    if importlib.util.find_spec(module) is None:
        return f"{package} is not installed"
    try:
        importlib.import_module(module)
    # Versions of its dependencies that it was not made for lack modules or names.
    except (ImportError, AttributeError) as error:
        return f"{package} cannot be imported: {error}"
    return None


def machine() -> dict[str, object]:
    """Where the seconds were measured."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    installed = {}
    for package in ("ax-platform", "torch", *sorted({package for package, _ in PEERS.values()})):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            installed[package] = importlib.metadata.version(package)
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": installed,
    }


def in_words(strategy: str, entry: dict[str, object]) -> str:
    """A line for people."""
    line = f"{strategy:>22} {entry['processor_seconds_per_trial']:8.3f} s a trial"
    line += f"  {entry['mean']:8.3f}"
    line += f" ± {entry['standard_error']:.3f}"
    peer = entry.get("peer")
    if isinstance(peer, dict):
        line += (
            f"   {peer['package']}: {peer['processor_seconds_per_trial']:.3f} s, "
            f"{peer['mean']:.3f} ± "
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
                print(in_words(strategy, entries[strategy]), flush=True)
    seconds = sum(float(entry["processor_seconds_per_trial"]) for entry in entries.values())
    print(
        json.dumps(
            {
                "benchmark": benchmark.name,
                "objective": benchmark.objectives[0].name,
                "trials": arguments.trials,
                "seeds": arguments.seeds,
                "machine": machine(),
                "strategies": entries,
                "compare_minutes_on_2_cores": round(seconds * arguments.trials * 10 / 2 / 60, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
