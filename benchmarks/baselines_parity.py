r"""``tpe`` and ``smac`` against the loops of Optuna and SMAC3 themselves, paired by seed.

Both sides start from the same ten random architectures, so that what differs afterwards is
the search alone. Ours is driven without Ax; the package runs as it documents itself
(``study.ask``/``tell`` with the multivariate TPE sampler; the facade for hyperparameters with
``ask``/``tell``).

    python benchmarks/baselines_parity.py --seeds 10 --trials 150
    python benchmarks/baselines_parity.py --data FILE.csv.gz --accuracy COLUMN --strategies smac

The last line of output is one JSON object: for each strategy the mean of the best value after
50, 100, ... trials on both sides, the difference of the last one (ours minus the package's)
with its standard error, the p-value of a signed-rank test, and seconds a trial.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from common import add_benchmark_options, make_benchmark

from ax_anasod.compare.significance import signed_rank_p
from ax_anasod.core import History
from ax_anasod.core.seeding import proposal_rng
from ax_anasod.generators import HistoryGenerator, SMACGenerator, TPEGenerator
from ax_anasod.nasbench import Benchmark

NUM_INITIAL = 10
# What an invalid architecture is worth to a package that cannot be told what is valid.
WORST = 100.0

Codes = npt.NDArray[np.int64]
Evaluate = Callable[[Codes], float]


def initial(benchmark: Benchmark, seed: int) -> list[list[int]]:
    """The architectures that our strategies start with, codes."""
    draws = [benchmark.cell.sample(1, proposal_rng(seed, i))[0] for i in range(NUM_INITIAL)]
    return [code.tolist() for code in draws]


def ours(
    generator: HistoryGenerator, benchmark: Benchmark, evaluate: Evaluate, trials: int
) -> None:
    """Drive one of our generators."""
    rows: list[Codes] = []
    values: list[float] = []
    for position in range(trials):
        history = History(
            rows=np.array(rows, dtype=np.int64).reshape(position, len(benchmark.cell.code_sizes)),
            values=np.array(values).reshape(position, 1),
            trial_indices=np.arange(position),
            failed=np.zeros(position, dtype=bool),
            position=position,
        )
        rows.append(generator.propose(1, history, {})[0])
        values.append(evaluate(rows[-1]))


def optuna_loop(benchmark: Benchmark, evaluate: Evaluate, trials: int, seed: int) -> None:
    """Optuna's own loop."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    choices = {
        f"x{i}": optuna.distributions.CategoricalDistribution(tuple(range(size)))
        for i, size in enumerate(benchmark.cell.code_sizes)
    }
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=NUM_INITIAL)
    study = optuna.create_study(sampler=sampler)
    for code in initial(benchmark, seed):
        study.enqueue_trial(dict(zip(choices, code, strict=True)))
    for _ in range(trials):
        trial = study.ask(choices)
        study.tell(trial, evaluate(np.array([trial.params[name] for name in choices])))


def smac_loop(benchmark: Benchmark, evaluate: Evaluate, trials: int, seed: int) -> None:
    """SMAC3's own loop."""
    from ConfigSpace import Categorical, Configuration, ConfigurationSpace
    from smac import HyperparameterOptimizationFacade as Facade
    from smac import Scenario
    from smac.runhistory.dataclasses import TrialValue

    sizes = benchmark.cell.code_sizes
    names = [f"x{i:02}" for i in range(len(sizes))]
    space = ConfigurationSpace(seed=seed)
    space.add([Categorical(n, list(range(s))) for n, s in zip(names, sizes, strict=True)])
    starts = [
        Configuration(space, values=dict(zip(names, code, strict=True)))
        for code in initial(benchmark, seed)
    ]
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(
            space, deterministic=True, n_trials=10**6, seed=seed, output_directory=Path(folder)
        )
        facade = Facade(
            scenario,
            initial_design=Facade.get_initial_design(
                scenario, n_configs=0, additional_configs=starts
            ),
            logging_level=False,
            overwrite=True,
        )
        for _ in range(trials):
            info = facade.ask()
            code = np.array([int(info.config[name]) for name in names])
            facade.tell(info, TrialValue(cost=evaluate(code)), save=False)


SIDES = {"tpe": (TPEGenerator, optuna_loop), "smac": (SMACGenerator, smac_loop)}


def curve(
    benchmark: Benchmark, run: Callable[[Evaluate], None]
) -> tuple[npt.NDArray[np.float64], float]:
    """The best value after each trial of a run, and its seconds a trial."""
    objective, values = benchmark.objectives[0].name, []

    def evaluate(code: Codes) -> float:
        valid = benchmark.cell.is_valid(code[None])[0]
        values.append(
            float(benchmark.query(benchmark.cell.canonical(code[None]))[objective][0])
            if valid
            else WORST
        )
        return values[-1]

    start = time.perf_counter()
    run(evaluate)
    seconds = (time.perf_counter() - start) / len(values)
    return np.minimum.accumulate(values), seconds


def compare(benchmark: Benchmark, strategy: str, trials: int, seeds: int) -> dict[str, object]:
    """Both sides with every seed."""
    kind, loop = SIDES[strategy]
    cell = benchmark.cell.to_dict()
    best: dict[str, list[npt.NDArray[np.float64]]] = {"ours": [], "package": []}
    seconds: dict[str, list[float]] = {"ours": [], "package": []}
    for seed in range(seeds):
        runs: dict[str, Callable[[Evaluate], None]] = {
            "ours": lambda evaluate, s=seed: ours(kind(cell, s), benchmark, evaluate, trials),
            "package": lambda evaluate, s=seed: loop(benchmark, evaluate, trials, s),
        }
        for side, run in runs.items():
            values, taken = curve(benchmark, run)
            best[side].append(values)
            seconds[side].append(taken)
    differences = np.array([a[-1] - b[-1] for a, b in zip(*best.values(), strict=True)])
    points = sorted({*range(50, trials + 1, 50), trials})
    result: dict[str, object] = {
        side: {
            "best": {n: round(float(np.mean([c[n - 1] for c in curves])), 3) for n in points},
            "seconds_per_trial": round(float(np.median(seconds[side])), 4),
        }
        for side, curves in best.items()
    }
    error = differences.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else 0.0
    return {
        **result,
        "difference": round(float(differences.mean()), 4),
        "standard_error": round(float(error), 4),
        "p": round(signed_rank_p(differences), 4),
    }


def main() -> None:
    """Compare and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strategies", default="tpe,smac", help="of tpe and smac")
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=10)
    add_benchmark_options(parser)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    benchmark = make_benchmark(arguments)
    report: dict[str, object] = {
        "benchmark": benchmark.name,
        "objective": benchmark.objectives[0].name,
        "trials": arguments.trials,
        "seeds": arguments.seeds,
    }
    for strategy in arguments.strategies.split(","):
        report[strategy] = compare(benchmark, strategy, arguments.trials, arguments.seeds)
        print(strategy, json.dumps(report[strategy]), flush=True)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
