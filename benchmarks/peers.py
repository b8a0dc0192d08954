"""The strategies' peers: the same methods in other packages, each in its own loop.

Each is a function of a benchmark, a number of trials and a seed, and returns the value of
every trial. All search one categorical parameter a block and wiring choice, start with ten
random trials, and otherwise keep their defaults.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from overhead import baybe as baybe_on_the_simplex
from overhead import objective_of

from ax_anasod.nasbench import Benchmark

NUM_INITIAL = 10
# As in the strategy `regularized-evolution`.
POPULATION_SIZE, SAMPLE_SIZE = 30, 10

Loop = Callable[[Benchmark, int, int], list[float]]


class Evaluations:
    """Looks codes up, and remembers what it has found.

    Args:
        benchmark: The benchmark.
    """

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.values: list[float] = []

    def __call__(self, choices: Mapping[str, int]) -> float | None:
        """The value of the choices ``x0``, ``x1``, ...; None where they are no architecture."""
        cell = self.benchmark.cell
        code = np.array([[choices[name] for name in names(self.benchmark)]])
        if not cell.is_valid(code)[0]:
            return None
        result = self.benchmark.query(cell.canonical(code))
        self.values.append(float(result[self.benchmark.objectives[0].name][0]))
        return self.values[-1]


def names(benchmark: Benchmark) -> dict[str, list[int]]:
    """The parameters and their values."""
    return {f"x{i}": list(range(size)) for i, size in enumerate(benchmark.cell.code_sizes)}


def optuna(benchmark: Benchmark, trials: int, seed: int) -> list[float]:
    """Optuna's own loop with its TPE sampler, multivariate."""
    import optuna as package

    evaluate = Evaluations(benchmark)

    def objective(trial: package.Trial) -> float:
        choices = {n: trial.suggest_categorical(n, v) for n, v in names(benchmark).items()}
        value = evaluate(choices)
        if value is None:
            raise package.TrialPruned
        return value

    package.logging.set_verbosity(package.logging.ERROR)
    sampler = package.samplers.TPESampler(
        seed=seed, multivariate=True, n_startup_trials=NUM_INITIAL
    )
    study = package.create_study(sampler=sampler)
    while len(evaluate.values) < trials:
        study.optimize(objective, n_trials=trials - len(evaluate.values))
    return evaluate.values


def smac(benchmark: Benchmark, trials: int, seed: int) -> list[float]:
    """SMAC's own loop with its facade for hyperparameters."""
    from ConfigSpace import Categorical, ConfigurationSpace
    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.runhistory.dataclasses import TrialValue
    from smac.runhistory.enumerations import StatusType

    evaluate = Evaluations(benchmark)
    space = ConfigurationSpace(seed=seed)
    for name, values in names(benchmark).items():
        space.add(Categorical(name, values))
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(
            space,
            deterministic=True,
            n_trials=10**6,
            seed=seed,
            output_directory=Path(folder),
        )
        facade = HyperparameterOptimizationFacade(
            scenario,
            lambda config, seed=0: 0.0,
            initial_design=HyperparameterOptimizationFacade.get_initial_design(
                scenario, n_configs=NUM_INITIAL
            ),
            logging_level=False,
            overwrite=True,
        )
        while len(evaluate.values) < trials:
            info = facade.ask()
            value = evaluate({name: int(info.config[name]) for name in names(benchmark)})
            result = (
                TrialValue(cost=100.0, status=StatusType.CRASHED)
                if value is None
                else TrialValue(cost=value)
            )
            facade.tell(info, result, save=False)
    return evaluate.values


def syne_tune(benchmark: Benchmark, trials: int, seed: int) -> list[float]:
    """Syne Tune's regularised evolution."""
    from syne_tune.config_space import choice
    from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler
    from syne_tune.optimizer.schedulers.searchers.regularized_evolution import RegularizedEvolution
    from syne_tune.optimizer.schedulers.single_objective_scheduler import SingleObjectiveScheduler

    evaluate = Evaluations(benchmark)
    space = {name: choice(values) for name, values in names(benchmark).items()}
    searcher = RegularizedEvolution(
        space, population_size=POPULATION_SIZE, sample_size=SAMPLE_SIZE, random_seed=seed
    )
    scheduler = AskTellScheduler(
        SingleObjectiveScheduler(
            space, metric="value", searcher=searcher, do_minimize=True, random_seed=seed
        )
    )
    while len(evaluate.values) < trials:
        trial = scheduler.ask()
        value = evaluate(trial.config)
        scheduler.tell(trial, {"value": 100.0 if value is None else value})
    return evaluate.values


def baybe(benchmark: Benchmark, trials: int, seed: int) -> list[float]:
    """BayBE's GP over the enumerated encodings."""
    values: list[float] = []
    evaluate = objective_of(benchmark, seed)

    def remember(counts: np.ndarray, trial: int) -> float:
        values.append(evaluate(counts, trial))
        return values[-1]

    baybe_on_the_simplex(benchmark.cell, remember, trials, seed)
    return values


PEERS: dict[str, tuple[str, Loop]] = {
    "tpe": ("optuna", optuna),
    "smac": ("smac", smac),
    "regularized-evolution": ("syne-tune", syne_tune),
    "anasod-bo": ("baybe", baybe),
}
"""Strategy -> the package of its peer, and the loop."""

MODULES = {"syne-tune": "syne_tune"}
"""Package -> its module, where the names differ."""


@contextmanager
def quiet() -> Iterator[None]:
    """Without the log lines of these packages."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
