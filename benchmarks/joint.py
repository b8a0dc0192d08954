"""Architectures and hyperparameters together, beside fixed hyperparameters, and other packages.

The benchmark is the table of ``benchmarks/joint_table.py``; between its learning rates and weight
decays the logarithm of the error is interpolated linearly in their logarithms.

    python benchmarks/joint.py --seeds 40
    python benchmarks/joint.py --seeds 40 --methods two-level-bo,two-level-bo/fixed,optuna
    python benchmarks/joint.py --seeds 40 --methods two-level-bo=product,two-level-bo=sum
    python benchmarks/joint.py --seeds 1 --methods anasod-bo/bare,anasod-bo

A method is a strategy; ``/fixed`` searches the cell alone, with the default hyperparameters
(learning rate 0.01, weight decay 0.001, width 16); ``=`` names how the two kernels make one.
``optuna`` is its multivariate TPE on the joint space, ``ax`` stock Ax with one choice parameter a
block, ``anasod-bo/bare`` a BoTorch loop with the model and the optimiser of ``anasod-bo``, without
Ax. Prints one JSON object a method: the mean of the best validation error (percent) after so
many trials, its standard error, the differences from the first method seed by seed, and the
seconds of a trial, of a clock and of the processor.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from gpytorch.mlls import ExactMarginalLogLikelihood

from ax_anasod import architecture_of, make_client
from ax_anasod.cells import Cell, load
from ax_anasod.core.ax_parameters import as_parameters, hyperparameters_of
from ax_anasod.core.seeding import architecture_rng, proposal_rng, setting_rng
from ax_anasod.generators import EncodingGenerator, TwoLevelGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.candidates import draw_candidates
from ax_anasod.generators.joint_encoding_generator import JointPool
from ax_anasod.hyperparameters import draw_settings
from ax_anasod.nasbench.table_file import read_table
from ax_anasod.simplex import TrustRegionSchedule, sample_uniform
from ax_anasod.surrogates.joint_encodings import JointEncodingGP

DATA = Path(__file__).parent.parent / "tests" / "data"
PARAMETERS: list[RangeParameterConfig | ChoiceParameterConfig] = [
    RangeParameterConfig("learning_rate", (0.001, 1.0), "float", scaling="log"),
    RangeParameterConfig("weight_decay", (0.0001, 0.1), "float", scaling="log"),
    ChoiceParameterConfig("width", [8, 16, 32], "int", is_ordered=True),
]
DEFAULTS = {"learning_rate": 0.01, "weight_decay": 0.001, "width": 16}


class JointTable:
    """The errors of all settings of all cells."""

    def __init__(self, folder: Path = DATA) -> None:
        self.cell: Cell = load(str(folder / "joint_digits.toml"))
        names = ("learning_rate", "weight_decay", "width", "accuracy")
        table = read_table(folder / "joint_digits.csv.gz", list(names))
        columns = [table.columns[name] for name in names]
        self.grids = [np.unique(column) for column in columns[:-1]]
        codes = self.cell.from_strings(table.architectures)
        places = [np.searchsorted(g, c) for g, c in zip(self.grids, columns, strict=False)]
        rows = self.cell.pack(codes)
        self.logs = np.full((self.cell.size, *map(len, self.grids)), np.nan)
        self.logs[(rows, *places)] = np.log(np.maximum(100.0 - columns[-1], 0.01))

    def error(self, code: np.ndarray, setting: Mapping[str, Any]) -> float:
        """The validation error of a cell with hyperparameters, in percent."""
        own = self.logs[int(self.cell.pack(code[None])[0])]
        own = own[:, :, int(np.searchsorted(self.grids[2], setting["width"]))]
        for grid, name in zip(self.grids, ("learning_rate", "weight_decay"), strict=False):
            place = np.interp(np.log(setting[name]), np.log(grid), np.arange(len(grid)))
            low = min(int(place), len(grid) - 2)
            own = (1 - place + low) * own[low] + (place - low) * own[low + 1]
        return float(np.exp(own))


Run = Callable[[JointTable, int, int], list[float]]


def ours(strategy: str, form: str | None = None, fixed: bool = False) -> Run:
    """A strategy of this package, as a user runs it."""

    def run(table: JointTable, seed: int, trials: int) -> list[float]:
        if form is not None:
            TwoLevelGenerator.joint_form = form  # type: ignore[assignment]
            EncodingGenerator.joint_form = form  # type: ignore[assignment]
        client = make_client(
            table.cell, strategy, seed=seed, parameters=() if fixed else PARAMETERS
        )
        errors = []
        for _ in range(trials):
            ((index, parameters),) = client.get_next_trials(1).items()
            code = architecture_of(client, index).code
            errors.append(table.error(code, DEFAULTS if fixed else parameters))
            client.complete_trial(index, raw_data={"error": errors[-1]})
        return errors

    return run


def optuna(table: JointTable, seed: int, trials: int) -> list[float]:
    """Optuna's multivariate TPE, as its users write it."""
    import optuna as package

    package.logging.set_verbosity(package.logging.WARNING)
    sampler = package.samplers.TPESampler(seed=seed, multivariate=True)
    study, cell, errors = package.create_study(sampler=sampler), table.cell, []

    def objective(trial: Any) -> float:
        blocks = [trial.suggest_categorical(f"b{i}", cell.operations) for i in range(4)]
        setting = {
            "learning_rate": trial.suggest_float("learning_rate", 0.001, 1.0, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 0.0001, 0.1, log=True),
            "width": trial.suggest_categorical("width", [8, 16, 32]),
        }
        errors.append(table.error(np.array([cell.operations.index(b) for b in blocks]), setting))
        return errors[-1]

    study.optimize(objective, n_trials=trials)
    return errors


def stock_ax(table: JointTable, seed: int, trials: int) -> list[float]:
    """Stock Ax with one choice parameter a block."""
    client, cell = Client(random_seed=seed), table.cell
    blocks = [
        ChoiceParameterConfig(f"b{i}", list(cell.operations), "str", is_ordered=False)
        for i in range(4)
    ]
    client.configure_experiment(parameters=[*blocks, *PARAMETERS])
    client.configure_optimization(objective="-error")
    errors = []
    for _ in range(trials):
        ((index, p),) = client.get_next_trials(1).items()
        code = np.array([cell.operations.index(p[f"b{i}"]) for i in range(4)])
        errors.append(table.error(code, p))
        client.complete_trial(index, raw_data={"error": errors[-1]})
    return errors


def bare_botorch(table: JointTable, seed: int, trials: int) -> list[float]:
    """The model and the optimiser of ``anasod-bo`` in a loop of BoTorch."""
    cell, beside = table.cell, hyperparameters_of(as_parameters(PARAMETERS, ()))
    region, k = TrustRegionSchedule(), table.cell.num_operations
    rows, settings = np.empty((0, k), dtype=np.int64), np.empty((0, len(beside.columns)))
    errors: list[float] = []
    for trial in range(trials):
        rng = proposal_rng(seed, trial)
        if trial < NUM_INITIAL:
            row = cell.snap(sample_uniform(k, 1, rng))
            setting = draw_settings(beside, 1, setting_rng(seed, trial))
        else:
            logs = np.log(np.array(errors))
            Y = torch.as_tensor((logs - logs.mean()) / logs.std(ddof=1)).unsqueeze(-1)
            X = torch.as_tensor(np.hstack([rows / cell.total, beside.unit(settings)]))
            model = JointEncodingGP(X, Y, num_operations=k, unordered=beside.unordered)
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            acqf = LogExpectedImprovement(model, best_f=Y.min(), maximize=False)
            order = np.argsort(errors, kind="stable")
            beta = region.replay([min(errors[:NUM_INITIAL]), *errors[NUM_INITIAL:]])
            pool = draw_candidates(cell, 100 * k, beta, rows[order[0]], {}, None, rng)

            def score(points: torch.Tensor, acqf: LogExpectedImprovement = acqf) -> torch.Tensor:
                with torch.no_grad():
                    return acqf(points.unsqueeze(1))

            search = JointPool(beside, score, acqf, torch.as_tensor, rng)
            taken = (rows / cell.total, settings)
            point, _ = search.best(pool / cell.total, settings[order[:10]], taken, {})
            row = np.rint(point[None, :k].numpy() * cell.total).astype(np.int64)
            setting = beside.nearest(point[None, k:].numpy())
        rows, settings = np.concatenate([rows, row]), np.concatenate([settings, setting])
        code = cell.decode(row, architecture_rng(seed, trial, row[0]))[0]
        errors.append(table.error(code, beside.parameterizations(setting)[0]))
    return errors


def method(name: str) -> Run:
    """The method of a name."""
    if name == "optuna":
        return optuna
    if name == "ax":
        return stock_ax
    if name == "anasod-bo/bare":
        return bare_botorch
    strategy, _, form = name.removesuffix("/fixed").partition("=")
    return ours(strategy, form or None, name.endswith("/fixed"))


METHODS = (
    "two-level-bo,two-level-bo/fixed,anasod-bo,anasod-bo/fixed,random,regularized-evolution,tpe,"
    "smac,optuna"
)


def main() -> None:
    """Run the methods on all seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--at", default="30,60", help="after how many trials")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    # Ax reports every trial at level INFO.
    logging.disable(logging.INFO)
    table = JointTable(arguments.data)
    print(json.dumps({"optimum": round(float(np.exp(np.nanmin(table.logs))), 4)}), flush=True)
    first: dict[int, np.ndarray] = {}
    for name in arguments.methods.split(","):
        begin, curves = np.array([time.perf_counter(), time.process_time()]), []
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            errors = method(name)(table, seed, arguments.trials)
            curves.append(np.minimum.accumulate(errors))
        spent = np.array([time.perf_counter(), time.process_time()]) - begin
        wall, cpu = np.round(spent / (arguments.seeds * arguments.trials), 3).tolist()
        found: dict[str, Any] = {"method": name, "seeds": arguments.seeds}
        for at in map(int, arguments.at.split(",")):
            best = np.array([curve[at - 1] for curve in curves])
            difference = best - first.setdefault(at, best)
            error = best.std(ddof=1) / np.sqrt(len(best)) if len(best) > 1 else 0.0
            spread = difference.std(ddof=1) / np.sqrt(len(best)) if len(best) > 1 else 0.0
            found[f"after {at}"] = {
                "mean": round(float(best.mean()), 3),
                "standard_error": round(float(error), 3),
                "median": round(float(np.median(best)), 3),
                "behind the first": round(float(difference.mean()), 3),
                "its standard error": round(float(spread), 3),
            }
        found |= {"seconds_per_trial": wall, "processor_seconds_per_trial": cpu}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
