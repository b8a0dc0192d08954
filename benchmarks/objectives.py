"""How much of a front, or how good a value under a limit, a number of trials finds.

    python benchmarks/objectives.py --data nb201.csv.gz --task front --seeds 10
    python benchmarks/objectives.py --data nb201.csv.gz --task known --methods two-level-bo,tpe
    python benchmarks/objectives.py --data nb201.csv.gz --task limit --trials 100
    python benchmarks/objectives.py --data FOLDER --task darts --trials 100

Tasks on a table of NAS-Bench-201, error from a column of accuracies in percent:

- ``front``: error and the latency in one column;
- ``three``: error and the latencies in two columns;
- ``known``: error and the FLOPs of the network, which are computed and not modelled;
- ``limit``: error where the latency is at most ``--bound``.

And ``darts``: validation error and training time of the DARTS cell, by the ONNX surrogate of
NAS-Bench-301 in a folder.

Fronts are measured by the share of the hypervolume of the whole table that is found, before a
reference point at the 95 % quantile of each objective; for ``darts`` 20,000 random architectures
stand for the table, of which a search may find more than all. Our strategies run through Ax
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
import torch
from botorch.acquisition.multi_objective import qLogNoisyExpectedHypervolumeImprovement
from botorch.models import ModelList
from botorch.optim import optimize_acqf_discrete
from common import mean_and_error

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core.architectures import architecture_of
from ax_anasod.experiment import make_client
from ax_anasod.fronts import Front, usual_reference, winsorized
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.metrics import KnownSize
from ax_anasod.nasbench import NASBench301Benchmark
from ax_anasod.networks import NetworkConfig
from ax_anasod.objectives import COST
from ax_anasod.surrogates import TwoLevelModel
from ax_anasod.typing import Codes, Values

ERROR, LATENCY, OTHER, FLOPS, TIME = "error", "latency", "other_latency", "flops", "train_seconds"
TASKS = {
    "front": (ERROR, LATENCY),
    "three": (ERROR, LATENCY, OTHER),
    "known": (ERROR, FLOPS),
    "limit": (ERROR,),
    "darts": (ERROR, TIME),
}
BUDGETS = (25, 50, 100, 150)
SHORT_LIST = 256
CELL = cells.get("nas-bench-201")


@dataclass(frozen=True)
class Task:
    """What is searched: the values of architectures, and how a run is judged.

    Args:
        cell: The cell.
        objectives: Names of what is minimised.
        query: Codes ``n x d`` -> name -> ``n`` values.
        compared: ``m x objectives`` values that the volume is compared with.
        bound: The most that the latency may be; None for no limit.
    """

    cell: Cell
    objectives: tuple[str, ...]
    query: Callable[[Codes], dict[str, Values]]
    compared: Values
    bound: float | None = None

    def of(self, code: Codes) -> dict[str, float]:
        """The values of one architecture."""
        return {name: float(values[0]) for name, values in self.query(code[None]).items()}

    def score(self, found: list[dict[str, float]]) -> float:
        """The share of the hypervolume, or the best error that keeps the limit."""
        if self.bound is not None:
            return min([v[ERROR] for v in found if v[LATENCY] <= self.bound], default=np.inf)
        reference = np.quantile(self.compared, 0.95, axis=0)
        points = np.array([[v[name] for name in self.objectives] for v in found])
        own, whole = (Front(p, reference).volume for p in (points, self.compared))
        return own / whole


Run = Iterator[dict[str, float]]
Method = Callable[[Task, int], Run]
FLOPS_OF = KnownSize("flops", CELL, NetworkConfig(skeleton="nas-bench-201", channels=16, cells=15))


def ours(strategy: str) -> Method:
    """A strategy of this package, through Ax."""

    def run(task: Task, seed: int) -> Run:
        client = make_client(
            task.cell,
            strategy,
            objectives=task.objectives,
            limits=() if task.bound is None else f"{LATENCY} <= {task.bound}",
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
    """A sampler of Optuna, on one category a block, and one a wiring choice."""

    def run(task: Task, seed: int) -> Run:
        study = optuna.create_study(
            directions=["minimize"] * len(task.objectives),
            sampler=make(seed, task.bound is not None),
        )
        sizes = list(enumerate(task.cell.code_sizes))
        while True:
            trial = study.ask()
            code = [trial.suggest_categorical(f"c{i}", list(range(size))) for i, size in sizes]
            values = task.of(np.array(code))
            if task.bound is not None:
                trial.set_user_attr("excess", values[LATENCY] - task.bound)
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


def noisy_growth(task: Task, seed: int) -> Run:
    """The surrogate of two-level-bo under BoTorch's acquisition function, on a short list.

    That is ``qLogNoisyExpectedHypervolumeImprovement`` of logarithms (brought back to their fences,
    as two-level-bo does), over the neighbours of the front and uniform draws, 256 in all.
    """
    rng = np.random.default_rng(seed)
    codes = task.cell.sample(NUM_INITIAL, rng)
    rows = [task.of(code) for code in codes]
    yield from rows
    while True:
        torch.manual_seed(1000 * seed + len(rows))
        values = np.log([[row[name] for name in task.objectives] for row in rows])
        values = np.stack([winsorized(v, np.inf)[0] for v in values.T], axis=1)
        X, Y = torch.from_numpy(codes).double(), torch.from_numpy(-values)
        models = ModelList(*(TwoLevelModel(task.cell, X, y[:, None]) for y in Y.T))
        front = codes[(values[:, None] <= values).all(axis=2).sum(axis=0) == 1]
        near = np.concatenate([task.cell.neighbours(code) for code in front])
        near = rng.permutation(near)[: SHORT_LIST // 2]
        listed = np.concatenate([near, task.cell.sample(SHORT_LIST - len(near), rng)])
        new = listed[~np.isin(task.cell.keys(listed), task.cell.keys(codes))]
        reference = usual_reference(values, [np.inf] * values.shape[1])
        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            models, ref_point=(-reference).tolist(), X_baseline=X, cache_root=False
        )
        choices = torch.from_numpy(np.unique(new, axis=0)).double()
        with torch.no_grad():
            found, _ = optimize_acqf_discrete(acquisition, 1, choices, max_batch_size=128)
        codes = np.concatenate([codes, found.long().numpy()])
        rows.append(task.of(codes[-1]))
        yield rows[-1]


METHODS: dict[str, Method] = {
    "random": ours("random"),
    "nsga-ii": optuna_sampler(nsga2),
    "tpe": optuna_sampler(tpe),
    "two-level-bo": ours("two-level-bo"),
    "anasod-bo": ours("anasod-bo"),
    "anasod-random": ours("anasod-random"),
    "nehvi": noisy_growth,
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


def read_table(arguments: argparse.Namespace) -> Task:
    """A task on a table of NAS-Bench-201."""
    table = pd.read_csv(arguments.data)
    codes = CELL.canonical(CELL.from_strings(table["arch"].tolist()))
    keys = CELL.keys(codes)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    columns = {
        ERROR: 100.0 - table[arguments.error].to_numpy()[order],
        LATENCY: table[arguments.latency].to_numpy()[order],
        OTHER: table[arguments.other_latency].to_numpy()[order],
        FLOPS: FLOPS_OF.values(codes[order]),
    }
    limited = arguments.task == "limit"
    objectives = TASKS[arguments.task]
    used = {*objectives, *((LATENCY,) if limited else ())}

    def query(asked: Codes) -> dict[str, Values]:
        rows = np.searchsorted(keys, CELL.keys(CELL.canonical(asked)))
        return {name: columns[name][rows] for name in used}

    compared = np.stack([columns[name] for name in objectives], axis=1)
    return Task(CELL, objectives, query, compared, arguments.bound if limited else None)


def read_surrogate(arguments: argparse.Namespace) -> Task:
    """The task on the surrogate of NAS-Bench-301."""
    surrogate = NASBench301Benchmark(arguments.data)

    def query(asked: Codes) -> dict[str, Values]:
        found = surrogate.query(asked)
        return {ERROR: found["valid_error"], TIME: found[COST]}

    drawn = query(surrogate.cell.sample(20_000, np.random.default_rng(0)))
    compared = np.stack([drawn[ERROR], drawn[TIME]], axis=1)
    return Task(surrogate.cell, TASKS["darts"], query, compared)


def main() -> None:
    """Print one JSON object a method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="the table, or the folder of the surrogate")
    parser.add_argument("--task", default="front", choices=TASKS)
    parser.add_argument("--error", default="cifar10_test_200", help="column of an accuracy")
    parser.add_argument("--latency", default="latency_ms_pixel3", help="column")
    parser.add_argument("--other-latency", default="latency_ms_fpga", help="column")
    parser.add_argument("--bound", type=float, default=10.0, help="of the latency")
    parser.add_argument("--methods", default="random,nsga-ii,tpe,two-level-bo")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=150)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    task = read_surrogate(arguments) if arguments.task == "darts" else read_table(arguments)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    for method in arguments.methods.split(","):
        if method not in METHODS:
            parser.error(f"there is no method {method!r}; there are: {', '.join(METHODS)}")
        if method == "nehvi" and arguments.task == "limit":
            parser.error("nehvi obeys no limit")
        print(json.dumps(measure(task, method, seeds, arguments.trials)), flush=True)


if __name__ == "__main__":
    main()
