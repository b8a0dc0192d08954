"""What Ax costs on top of BoTorch: seconds a trial of ``anasod-bo`` and of its references.

The same search (same surrogate, same fitting call, same candidates, hence the same trials)
runs once through the Ax ``Client`` and once as a bare BoTorch loop, on NAS-Bench-Graph cora.
References that solve the same task another way: stock Ax on the continuous simplex, and
BayBE on the enumerated one (``pip install baybe``; left out where it is not installed).

    python benchmarks/overhead.py --trials 100 --repeats 3

The last line of output is one JSON object: ``ratio_to_botorch`` (the larger one of the
optimizers ``exhaustive`` and ``pool``, median over the repeats) and ``ms_per_trial`` by loop.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from gpytorch.mlls import ExactMarginalLogLikelihood

from ax_anasod.cells import Cell
from ax_anasod.core.means import as_stored
from ax_anasod.core.seeding import architecture_rng, proposal_rng
from ax_anasod.experiment import make_client
from ax_anasod.generators.candidates import draw_candidates, exhaustive, not_exhausted
from ax_anasod.generators.ties import best_row
from ax_anasod.nasbench import NASBenchGraphBenchmark
from ax_anasod.simplex import TrustRegionSchedule, sample_uniform
from ax_anasod.surrogates import EncodingGP

NUM_INITIAL = 10
Objective = Callable[[np.ndarray, int], float]


def objective_of(benchmark: NASBenchGraphBenchmark, seed: int) -> Objective:
    """Validation error of the architecture that a trial of an encoding stands for."""
    cell, name = benchmark.cell, benchmark.objectives[0].name

    def evaluate(counts: np.ndarray, trial: int) -> float:
        code = cell.decode(counts[None, :], architecture_rng(seed, trial, counts))
        return float(benchmark.query(code)[name][0])

    return evaluate


def through_ax(cell: Cell, evaluate: Objective, trials: int, seed: int, optimizer: str) -> list:
    """The loop that a user writes."""
    client = make_client(cell, "anasod-bo", seed=seed, optimizer=optimizer)
    names = list(client._experiment.search_space.parameters)
    chosen = []
    for _ in range(trials):
        for index, parameters in client.get_next_trials(max_trials=1).items():
            counts = np.array([parameters[name] for name in names])
            client.complete_trial(index, raw_data={"error": evaluate(counts, index)})
            chosen.append(tuple(counts.tolist()))
    return chosen


def bare_botorch(cell: Cell, evaluate: Objective, trials: int, seed: int, optimizer: str) -> list:
    """The same search without Ax: Algorithm 2 in thirty lines."""
    region = TrustRegionSchedule()
    rows: list[np.ndarray] = []
    values: list[float] = []
    for trial in range(trials):
        rng = proposal_rng(seed, trial)
        if trial < NUM_INITIAL:
            counts = cell.snap(sample_uniform(cell.num_operations, 1, rng))[0]
        else:
            # As Ax stores them: a last digit decides between encodings that are equally good.
            log_errors = np.log(as_stored(np.array(values)))
            spread = log_errors.std(ddof=1)
            targets = (log_errors - log_errors.mean()) / (spread if spread > 1e-8 else 1.0)
            X = torch.as_tensor(np.stack(rows) / cell.total, dtype=torch.double)
            Y = torch.as_tensor(targets, dtype=torch.double).unsqueeze(-1)
            model = EncodingGP(X, Y)
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            start = min(values[:NUM_INITIAL])
            beta = region.replay([start, *values[NUM_INITIAL:]])
            tried = np.stack(rows)
            if optimizer == "exhaustive":
                candidates = not_exhausted(exhaustive(cell), tried, cell)
            else:
                incumbent = rows[int(np.argmin(values))]
                size = 100 * cell.num_operations
                candidates = draw_candidates(cell, size, beta, incumbent, {}, tried, rng)
            acqf = LogExpectedImprovement(model, best_f=Y.min(), maximize=False)
            points = torch.as_tensor(candidates / cell.total, dtype=torch.double)
            with torch.no_grad():
                counts = candidates[best_row(acqf(points.unsqueeze(1)).numpy(), rng)]
        rows.append(counts)
        values.append(evaluate(counts, trial))
    return [tuple(row.tolist()) for row in rows]


def stock_ax(cell: Cell, evaluate: Objective, trials: int, seed: int) -> int:
    """Stock Ax on the continuous simplex, rounded; returns how many cells were invalid."""
    from ax.api.client import Client
    from ax.api.configs import RangeParameterConfig

    client = Client(random_seed=seed)
    names = [f"x{i}" for i in range(cell.num_operations)]
    client.configure_experiment(
        parameters=[
            RangeParameterConfig(name=name, parameter_type="float", bounds=(0, cell.total))
            for name in names[:-1]
        ],
        parameter_constraints=[f"{' + '.join(names[:-1])} <= {cell.total}"],
    )
    client.configure_optimization(objective="-error")
    invalid = 0
    for _ in range(trials):
        for index, parameters in client.get_next_trials(max_trials=1).items():
            point = np.array([parameters[name] for name in names[:-1]])
            rounded = np.rint(np.append(point, cell.total - point.sum())).astype(np.int64)
            invalid += int(rounded.sum() != cell.total or (rounded < 0).any())
            counts = cell.snap((np.append(point, cell.total - point.sum()) / cell.total)[None, :])[
                0
            ]
            client.complete_trial(index, raw_data={"error": evaluate(counts, index)})
    return invalid


def baybe(cell: Cell, evaluate: Objective, trials: int, seed: int) -> None:
    """BayBE on the enumerated simplex, with its defaults."""
    import pandas as pd
    from baybe import Campaign
    from baybe.parameters import NumericalDiscreteParameter
    from baybe.searchspace import SearchSpace
    from baybe.targets import NumericalTarget
    from baybe.utils.random import set_random_seed

    set_random_seed(seed)
    names = [f"x{i}" for i in range(cell.num_operations)]
    grid = pd.DataFrame(exhaustive(cell).astype(float), columns=names)
    space = SearchSpace.from_dataframe(
        grid,
        parameters=[NumericalDiscreteParameter(n, sorted(set(grid[n]))) for n in names],
    )
    campaign = Campaign(
        space,
        NumericalTarget("error", minimize=True).to_objective(),
        allow_recommending_already_measured=True,
    )
    for trial in range(trials):
        proposal = campaign.recommend(batch_size=1)
        counts = proposal[names].to_numpy(dtype=float)[0].astype(np.int64)
        campaign.add_measurements(proposal.assign(error=evaluate(counts, trial)))


def timed(run: Callable[[], object]) -> tuple[float, object]:
    """Seconds that a call takes, and its result."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def main() -> None:
    """Run all loops in one process, one after another, and print ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--reference-trials", type=int, default=30, help="stock Ax and BayBE")
    parser.add_argument("--growth", action="store_true", help="50, 100, 200 and 400 trials")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    benchmark = NASBenchGraphBenchmark("cora")
    # The first fit of a process compiles and caches; nobody should pay for it in one loop.
    compare(benchmark.cell, benchmark, NUM_INITIAL + 2, 0, "pool")
    ms: dict[str, float] = {}
    ratios = [
        measure(benchmark, trials, arguments.repeats, optimizer, ms)
        for trials in ([50, 100, 200, 400] if arguments.growth else [arguments.trials])
        for optimizer in ("exhaustive", "pool")
    ]
    if arguments.reference_trials:
        references(benchmark, arguments.reference_trials, ms)
    result = {
        "ratio_to_botorch": round(max(ratios), 3),
        "ms_per_trial": {name: round(value, 2) for name, value in ms.items()},
    }
    print(json.dumps(result))


def measure(
    benchmark: NASBenchGraphBenchmark,
    trials: int,
    repeats: int,
    optimizer: str,
    ms: dict[str, float],
) -> float:
    """Time both loops in turn; returns the median ratio and adds to ``ms``."""
    pairs = [compare(benchmark.cell, benchmark, trials, s, optimizer) for s in range(repeats)]
    ratios = [ax / bare for ax, bare in pairs]
    name = f"{optimizer}, {trials} trials"
    ms[f"ax, {name}"] = 1e3 * statistics.median(ax for ax, _ in pairs) / trials
    ms[f"botorch, {name}"] = 1e3 * statistics.median(bare for _, bare in pairs) / trials
    print(
        f"{name:>24}: Ax {ms[f'ax, {name}']:6.1f} ms a trial, "
        f"BoTorch {ms[f'botorch, {name}']:6.1f}, ratio {statistics.median(ratios):.2f} "
        f"(median of {repeats}, {min(ratios):.2f} to {max(ratios):.2f}); identical trials"
    )
    return statistics.median(ratios)


def references(benchmark: NASBenchGraphBenchmark, trials: int, ms: dict[str, float]) -> None:
    """Time stock Ax and, where it is installed, BayBE; adds to ``ms``."""
    cell, evaluate = benchmark.cell, objective_of(benchmark, 0)
    seconds, invalid = timed(lambda: stock_ax(cell, evaluate, trials, 0))
    ms["stock ax, continuous simplex"] = 1e3 * seconds / trials
    print(
        f"stock Ax: {1e3 * seconds / trials:.0f} ms a trial, "
        f"{invalid} of {trials} rounded cells invalid"
    )
    if importlib.util.find_spec("baybe") is None:
        print("BayBE is not installed (pip install baybe): left out")
        return
    seconds, _ = timed(lambda: baybe(cell, evaluate, trials, 0))
    ms["baybe, enumerated simplex"] = 1e3 * seconds / trials
    print(f"BayBE: {1e3 * seconds / trials:.0f} ms a trial")


def compare(
    cell: Cell, benchmark: NASBenchGraphBenchmark, trials: int, seed: int, optimizer: str
) -> tuple[float, float]:
    """Seconds through Ax and bare; their trials must be the same."""
    evaluate = objective_of(benchmark, seed)
    bare_seconds, bare = timed(lambda: bare_botorch(cell, evaluate, trials, seed, optimizer))
    ax_seconds, ours = timed(lambda: through_ax(cell, evaluate, trials, seed, optimizer))
    if ours != bare:
        first = next(i for i, (a, b) in enumerate(zip(ours, bare, strict=True)) if a != b)
        raise SystemExit(f"{optimizer}, seed {seed}: the trials differ from trial {first} on")
    return ax_seconds, bare_seconds


if __name__ == "__main__":
    main()
