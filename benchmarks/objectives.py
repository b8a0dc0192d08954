"""How much of a front, or how good a value under a limit, a number of trials finds.

    python benchmarks/objectives.py --data nb201.csv.gz --task front --seeds 10
    python benchmarks/objectives.py --data nb201.csv.gz --task known --methods two-level-bo,tpe
    python benchmarks/objectives.py --data nb201.csv.gz --task limit --trials 100

Tasks, on a table of NAS-Bench-201 with the columns ``cifar10_test_200`` (percent) and latencies:

- ``front``: error and ``latency_ms_pixel3``;
- ``three``: error, ``latency_ms_pixel3`` and ``latency_ms_fpga``;
- ``known``: error and the FLOPs of the network, which are computed and not modelled;
- ``limit``: error where ``latency_ms_pixel3 <= 10``.

Fronts are measured by the share of the hypervolume of the whole table that is found, before a
reference point at the 95 % quantile of each objective. Our strategies run through Ax
(:func:`ax_anasod.experiment.make_client`), the samplers of Optuna through its own ask and tell;
seconds are of the processor, a trial each. Prints one JSON object a method.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import optuna
import pandas as pd
from common import mean_and_error

from ax_anasod import cells
from ax_anasod.core.architectures import architecture_of
from ax_anasod.experiment import make_client
from ax_anasod.fronts import Front
from ax_anasod.metrics import KnownSize
from ax_anasod.networks import NetworkConfig
from ax_anasod.typing import Codes, Values

ERROR, LATENCY, OTHER, FLOPS = "error", "latency_ms_pixel3", "latency_ms_fpga", "flops"
TASKS = {
    "front": (ERROR, LATENCY),
    "three": (ERROR, LATENCY, OTHER),
    "known": (ERROR, FLOPS),
    "limit": (ERROR,),
}
BOUND = 10.0
BUDGETS = (25, 50, 100, 150)
CELL = cells.get("nas-bench-201")


@dataclass(frozen=True)
class Task:
    """What is searched: the values of all architectures, and how a run is judged.

    Args:
        objectives: Names of what is minimised.
        columns: Name -> value of each architecture, in the order of ``CELL.enumerate()``.
        limited: Whether the latency is limited.
    """

    objectives: tuple[str, ...]
    columns: dict[str, Values]
    limited: bool

    def of(self, code: Codes) -> dict[str, float]:
        """The values of one architecture."""
        row = int(np.searchsorted(KEYS, CELL.keys(CELL.canonical(code[None])))[0])
        return {name: float(values[row]) for name, values in self.columns.items()}

    def score(self, found: list[dict[str, float]]) -> float:
        """The share of the hypervolume, or the best error that keeps the limit."""
        if self.limited:
            return min([v[ERROR] for v in found if v[LATENCY] <= BOUND], default=np.inf)
        table = np.stack([self.columns[name] for name in self.objectives], axis=1)
        reference = np.quantile(table, 0.95, axis=0)
        points = np.array([[v[name] for name in self.objectives] for v in found])
        own, whole = (Front(p, reference).volume for p in (points, table))
        return own / whole


Run = Iterator[dict[str, float]]
Method = Callable[[Task, int], Run]
CODES = CELL.enumerate()
KEYS = CELL.keys(CODES)
FLOPS_OF = KnownSize("flops", CELL, NetworkConfig(skeleton="nas-bench-201", channels=16, cells=15))


def ours(strategy: str) -> Method:
    """A strategy of this package, through Ax."""

    def run(task: Task, seed: int) -> Run:
        client = make_client(
            CELL,
            strategy,
            objectives=task.objectives,
            limits=f"{LATENCY} <= {BOUND}" if task.limited else (),
            known={FLOPS: FLOPS_OF} if FLOPS in task.objectives else None,
            seed=seed,
        )
        while True:
            for index in client.get_next_trials(1):
                values = task.of(np.array(architecture_of(client, index).code))
                told = {n: v for n, v in values.items() if n != FLOPS}
                client.complete_trial(index, raw_data=dict(told))
                yield values

    return run


def optuna_sampler(make: Callable[[int, bool], optuna.samplers.BaseSampler]) -> Method:
    """A sampler of Optuna, on one category a block."""

    def run(task: Task, seed: int) -> Run:
        study = optuna.create_study(
            directions=["minimize"] * len(task.objectives), sampler=make(seed, task.limited)
        )
        while True:
            trial = study.ask()
            blocks = range(CELL.num_blocks)
            chosen = [trial.suggest_categorical(f"b{i}", CELL.operations) for i in blocks]
            values = task.of(np.array([CELL.operations.index(o) for o in chosen]))
            if task.limited:
                trial.set_user_attr("excess", values[LATENCY] - BOUND)
            study.tell(trial, [values[name] for name in task.objectives])
            yield values

    return run


def excess(trial: optuna.trial.FrozenTrial) -> tuple[float]:
    """By how much a trial breaks the limit."""
    return (trial.user_attrs["excess"],)


def tpe(seed: int, limited: bool) -> optuna.samplers.BaseSampler:
    """Multivariate TPE."""
    constraints = excess if limited else None
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, constraints_func=constraints)


def nsga2(seed: int, limited: bool) -> optuna.samplers.BaseSampler:
    """NSGA-II with a population of 20."""
    constraints = excess if limited else None
    return optuna.samplers.NSGAIISampler(
        seed=seed, population_size=20, constraints_func=constraints
    )


METHODS: dict[str, Method] = {
    "random": ours("random"),
    "nsga-ii": optuna_sampler(nsga2),
    "tpe": optuna_sampler(tpe),
    "two-level-bo": ours("two-level-bo"),
    "anasod-bo": ours("anasod-bo"),
}


def measure(task: Task, method: str, seeds: range, trials: int) -> dict[str, object]:
    """Run a method with every seed."""
    budgets = [budget for budget in BUDGETS if budget <= trials]
    scores, seconds = [], []
    for seed in seeds:
        found: list[dict[str, float]] = []
        run = METHODS[method](task, seed)
        while len(found) < trials:
            begin = time.process_time()
            found.append(next(run))
            seconds.append(time.process_time() - begin)
        scores.append([task.score(found[:budget]) for budget in budgets])
    columns = zip(budgets, np.array(scores).T, strict=True)
    return {
        "method": method,
        "after": {str(budget): mean_and_error(column) for budget, column in columns},
        "seconds_per_trial": round(float(np.median(seconds)), 3),
        "scores": np.round(scores, 4).tolist(),
    }


def read_task(path: str, name: str) -> Task:
    """A task on a table."""
    table = pd.read_csv(path)
    codes = CELL.canonical(CELL.from_strings(table["arch"].tolist()))
    order = np.argsort(CELL.keys(codes), kind="stable")
    columns = {
        ERROR: 100.0 - table["cifar10_test_200"].to_numpy()[order],
        LATENCY: table[LATENCY].to_numpy()[order],
        OTHER: table[OTHER].to_numpy()[order],
        FLOPS: FLOPS_OF.values(CODES),
    }
    limited = name == "limit"
    used = {*TASKS[name], *((LATENCY,) if limited else ())}
    return Task(TASKS[name], {n: v for n, v in columns.items() if n in used}, limited)


def main() -> None:
    """Print one JSON object a method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="the table")
    parser.add_argument("--task", default="front", choices=TASKS)
    parser.add_argument("--methods", default="random,nsga-ii,tpe,two-level-bo")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=150)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    task = read_task(arguments.data, arguments.task)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    for method in arguments.methods.split(","):
        if method not in METHODS:
            parser.error(f"there is no method {method!r}; there are: {', '.join(METHODS)}")
        print(json.dumps(measure(task, method, seeds, arguments.trials)), flush=True)


if __name__ == "__main__":
    main()
