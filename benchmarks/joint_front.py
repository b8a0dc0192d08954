"""Fronts and limits where hyperparameters are searched beside the cell.

    python benchmarks/joint_front.py --seeds 10
    python benchmarks/joint_front.py --seeds 10 --task limit
    python benchmarks/joint_front.py --speed

The benchmark is that of ``benchmarks/joint.py``, with the number of weights of each network as the
second quantity: it follows from the cell and the width, which a strategy is not told. ``front``
minimises both: of the hypervolume of the whole table, before a reference point at the 95 % quantile
of each, the share that is found; ``near`` is the same before an error of 15 % (the smallest
network alone has nearly all of the first). ``limit`` minimises the error of networks with at most
``--bound`` weights. ``optuna`` is its multivariate TPE, which is given the limit, too. Prints one
JSON object a method: means and standard errors after so many trials, the values of the seeds, and
the processor's seconds of a trial. ``--speed`` prints the processor's seconds of proposals of
``two-level-bo`` in a space of 15,625 cells and four further parameters, after 100 trials.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from common import mean_and_error
from joint import PARAMETERS, JointTable

from ax_anasod import architecture_of, cells, make_client
from ax_anasod.core.ax_parameters import as_parameters, hyperparameters_of
from ax_anasod.core.history import History
from ax_anasod.fronts import Front
from ax_anasod.generators import TwoLevelGenerator
from ax_anasod.hyperparameters import draw_settings
from ax_anasod.testing import SyntheticObjective

NAMES = ("error", "weights")


def weights_of(layers: np.ndarray, width: np.ndarray) -> np.ndarray:
    """How many weights networks with so many layers in their two cells have."""
    return 65 * width + 2 * layers * (width + 1) * width + 10 * (width + 1)


class Task:
    """The table, and what is asked of it."""

    def __init__(self, bound: float | None) -> None:
        self.table, self.bound = JointTable(), bound
        codes = self.table.cell.enumerate()
        layers = (codes > 0).sum(axis=1)[:, None] + np.zeros(len(self.table.grids[2]))
        weights = weights_of(layers, self.table.grids[2])
        errors = np.exp(self.table.logs[self.table.cell.pack(codes)]).min(axis=(1, 2))
        # Linear between the values of the table, errors are the smallest at these.
        self.points = np.stack([errors.ravel(), weights.ravel()], axis=1)
        every = np.exp(self.table.logs)
        self.reference = np.array([np.quantile(every, 0.95), np.quantile(weights, 0.95)])

    def of(self, code: np.ndarray, setting: Mapping[str, Any]) -> tuple[float, float]:
        """The error and the weights of a cell with hyperparameters."""
        layers = np.count_nonzero(code)
        width = int(setting["width"])
        return self.table.error(code, setting), float(weights_of(np.array(layers), np.array(width)))

    def score(self, found: np.ndarray) -> dict[str, float]:
        """The shares of the front's volume, or the best error within the limit."""
        if self.bound is not None:
            kept = found[found[:, 1] <= self.bound, 0]
            return {"error": float(kept.min()) if len(kept) else float(self.reference[0])}
        references = {"share": self.reference, "near": np.array([15.0, self.reference[1]])}
        return {
            name: Front(found, reference).volume / Front(self.points, reference).volume
            for name, reference in references.items()
        }


def ours(task: Task, strategy: str, seed: int, trials: int) -> np.ndarray:
    """A strategy of this package, as a user runs it."""
    asked: dict[str, Any] = {"objectives": NAMES}
    if task.bound is not None:
        asked = {"objectives": NAMES[0], "limits": f"{NAMES[1]} <= {task.bound}"}
    client = make_client(task.table.cell, strategy, seed=seed, parameters=PARAMETERS, **asked)
    found = []
    for _ in range(trials):
        ((index, parameters),) = client.get_next_trials(1).items()
        found.append(task.of(architecture_of(client, index).code, parameters))
        client.complete_trial(index, raw_data=dict(zip(NAMES, found[-1], strict=True)))
    return np.array(found)


def tpe(task: Task, seed: int, trials: int) -> np.ndarray:
    """Optuna's multivariate TPE."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    cell, bound = task.table.cell, task.bound
    found: list[tuple[float, float]] = []

    def objective(trial: optuna.Trial) -> Any:
        blocks = [trial.suggest_categorical(f"b{i}", cell.operations) for i in range(4)]
        setting = {
            "learning_rate": trial.suggest_float("learning_rate", 0.001, 1.0, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 0.0001, 0.1, log=True),
            "width": trial.suggest_categorical("width", [8, 16, 32]),
        }
        found.append(task.of(np.array([cell.operations.index(b) for b in blocks]), setting))
        if bound is None:
            return found[-1]
        trial.set_user_attr("excess", found[-1][1] - bound)
        return found[-1][0]

    limited = {} if bound is None else {"constraints_func": lambda t: (t.user_attrs["excess"],)}
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, **limited)
    directions = ["minimize"] * (2 if bound is None else 1)
    optuna.create_study(sampler=sampler, directions=directions).optimize(objective, trials)
    return np.array(found)


def speed() -> None:
    """Print the seconds of proposals, of one and two objectives."""
    parameters: list[RangeParameterConfig | ChoiceParameterConfig] = [
        RangeParameterConfig("rate", (1e-4, 1.0), "float", scaling="log"),
        RangeParameterConfig("decay", (1e-5, 1e-1), "float", scaling="log"),
        RangeParameterConfig("width", (4, 64), "int"),
        ChoiceParameterConfig("kind", ["a", "b", "c"], "str", is_ordered=False),
    ]
    cell, n, rng = cells.get("nas-bench-201"), 100, np.random.default_rng(0)
    beside = hyperparameters_of(as_parameters(parameters, ()))
    generator = TwoLevelGenerator(cell.to_dict(), 0, hyperparameters=beside.to_dict())
    codes, settings = cell.canonical(cell.sample(n, rng)), draw_settings(beside, n, rng)
    rate = np.log10(settings[:, 0]) + 2.5 - 0.02 * settings[:, 2]
    first = SyntheticObjective(cell, 0)(codes) + 5 * rate**2 + 3 * (settings[:, 3] != 1)
    values = np.stack([first, SyntheticObjective(cell, 1)(codes) * settings[:, 2] / 32], axis=1)
    for m in (1, 2):
        run = History(
            rows=codes,
            values=values[:, :m],
            trial_indices=np.arange(n),
            failed=np.zeros(n, dtype=np.bool_),
            position=n,
            objectives=tuple((name, 1.0) for name in NAMES[:m]),
            thresholds=(np.inf,) * m,
            settings=settings,
        )
        seconds = []
        for i in range(10):
            start = time.process_time()
            generator.propose_jointly(1, replace(run, position=n + i), {}, {})
            seconds.append(time.process_time() - start)
        median, most = np.round([np.median(seconds), max(seconds)], 2).tolist()
        print(json.dumps({"objectives": m, "median_seconds": median, "most": most}), flush=True)


def main() -> None:
    """Run the methods on all seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=("front", "limit"), default="front")
    parser.add_argument("--bound", type=float, default=2000.0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--at", default="20,40,60", help="after how many trials")
    parser.add_argument("--methods", default="two-level-bo,anasod-bo,random,optuna")
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    # Ax reports every trial at level INFO.
    logging.disable(logging.INFO)
    if arguments.speed:
        speed()
        return
    task = Task(arguments.bound if arguments.task == "limit" else None)
    best = task.score(task.points)
    print(json.dumps({"task": arguments.task, "best": best}), flush=True)
    counts = [int(at) for at in arguments.at.split(",")]
    for name in arguments.methods.split(","):
        start, scores = time.process_time(), []
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            if name == "optuna":
                found = tpe(task, seed, arguments.trials)
            else:
                found = ours(task, name, seed, arguments.trials)
            scores.append([task.score(found[:at]) for at in counts])
        spent = (time.process_time() - start) / (arguments.seeds * arguments.trials)
        result: dict[str, object] = {"method": name}
        for i, at in enumerate(counts):
            for kind in best:
                values = np.array([score[i][kind] for score in scores])
                result[f"{kind} after {at}"] = {
                    **mean_and_error(values),
                    "seeds": np.round(values, 4).tolist(),
                }
        print(json.dumps({**result, "processor_seconds": round(spent, 3)}), flush=True)


if __name__ == "__main__":
    main()
