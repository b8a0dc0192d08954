"""Where the candidates come from: one surrogate, five pools to choose from.

Published work credits the strength of some searches to the pool that the acquisition function
is maximised over, not to the surrogate (the mutants of BANANAS, for one). Here the surrogate
sees the operation distribution alone, and everything but the pool is equal: first trials,
surrogate, acquisition, seeds.

    trust-region    encodings from the Dirichlet trust region (paper, Algorithm 2)
    uniform         encodings drawn uniformly
    exhaustive      every encoding
    neighbours      encodings one block away from the ten best
    mutants         architectures one mutation away from the ten best, never the same twice

The last one proposes the architecture itself; from the others' encoding one is drawn.

    python benchmarks/candidate_pools.py --surrogate gp --seeds 10
    python benchmarks/candidate_pools.py --surrogate nep --data FILE.csv.gz --accuracy COLUMN

The same question for surrogates that see the whole architecture is a comparison:

    ax-anasod compare ... --strategies bananas,bananas:pool=random,bananas:pool=dirichlet

The last line of output is one JSON object: mean and standard error of the best value after
a third of the trials and after all of them, by pool.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from common import add_benchmark_options, make_benchmark, mean_and_error

from ax_anasod.cells import Cell, mutate
from ax_anasod.compare.significance import signed_rank_p
from ax_anasod.core.seeding import architecture_rng, proposal_rng
from ax_anasod.generators.candidates import (
    draw_candidates,
    exhaustive,
    not_exhausted,
    pool_fractions,
    unique_counts,
)
from ax_anasod.nasbench import Benchmark
from ax_anasod.simplex import TrustRegionSchedule, neighbours
from ax_anasod.surrogates import (
    EncodingGP,
    fit_encoding_gp,
    fit_neural_ensemble,
    log_expected_improvement,
    predict_posterior,
)

NUM_INITIAL = 10
NUM_PARENTS = 10
# The published ensemble is trained anew after every tenth trial.
TRIALS_PER_ENSEMBLE = 10

Array = np.ndarray
Scorer = Callable[[Array], Array]
"""Fractions ``m x k`` -> scores ``m``; the candidate with the highest is evaluated."""


@dataclass
class Trials:
    """What a search has evaluated: codes, counts of their encodings, and values."""

    codes: list[Array]
    counts: list[Array]
    values: list[float]

    def best(self, number: int) -> list[int]:
        """The rows of the best trials."""
        return np.argsort(self.values, kind="stable")[:number].tolist()


class GaussianProcess:
    """The GP and the expected improvement of ``anasod-bo``."""

    def score(self, trials: Trials, cell: Cell, rng: np.random.Generator) -> Scorer:
        """Fit the model; it is the same for every pool."""
        logs = np.log(trials.values)
        targets = (logs - logs.mean()) / max(logs.std(ddof=1), 1e-8)
        X = torch.as_tensor(np.stack(trials.counts) / cell.total)
        model = EncodingGP(X, torch.as_tensor(targets).unsqueeze(-1))
        fit_encoding_gp(model)
        return lambda fractions: log_expected_improvement(
            *predict_posterior(model, torch.as_tensor(fractions)), best=float(targets.min())
        )


class NeuralEnsembles:
    """The ensemble and the independent Thompson sampling of ``anasod-nep-bo``."""

    def __init__(self) -> None:
        self._trained = None

    def score(self, trials: Trials, cell: Cell, rng: np.random.Generator) -> Scorer:
        """Train the ensemble where it is time to."""
        n = len(trials.values)
        if self._trained is None or n % TRIALS_PER_ENSEMBLE == 0:
            X = torch.as_tensor(np.stack(trials.counts) / cell.total)
            Y = torch.as_tensor(trials.values).unsqueeze(-1)
            self._trained = fit_neural_ensemble(X, Y, seed=int(rng.integers(2**31)))
        ensemble = self._trained

        def draws(fractions: Array) -> Array:
            with torch.no_grad():
                members = ensemble(torch.as_tensor(fractions))[..., 0].numpy()
            return -rng.normal(members.mean(axis=0), members.std(axis=0))

        return draws


SURROGATES = {"gp": GaussianProcess, "nep": NeuralEnsembles}


def from_trust_region(trials: Trials, cell: Cell, rng: np.random.Generator) -> Array:
    """The pool of ``anasod-bo``."""
    values = trials.values
    beta = TrustRegionSchedule().replay([min(values[:NUM_INITIAL]), *values[NUM_INITIAL:]])
    return drawn(trials, cell, beta, rng)


def uniform(trials: Trials, cell: Cell, rng: np.random.Generator) -> Array:
    """As many draws, with the trust region always open."""
    return drawn(trials, cell, 0.0, rng)


def drawn(trials: Trials, cell: Cell, beta: float, rng: np.random.Generator) -> Array:
    """Encodings around the best one."""
    best, tried = trials.counts[trials.best(1)[0]], np.stack(trials.counts)
    return draw_candidates(cell, 100 * cell.num_operations, beta, best, {}, tried, rng)


def everything(trials: Trials, cell: Cell, rng: np.random.Generator) -> Array:
    """Every encoding that some architecture has."""
    return not_exhausted(exhaustive(cell), np.stack(trials.counts), cell)


def near_the_best(trials: Trials, cell: Cell, rng: np.random.Generator) -> Array:
    """One block moved from one operation to another."""
    moved = np.concatenate([neighbours(trials.counts[row]) for row in trials.best(NUM_PARENTS)])
    left = not_exhausted(moved[cell.is_feasible(moved)], np.stack(trials.counts), cell)
    return unique_counts(left, cell) if len(left) else uniform(trials, cell, rng)


ENCODING_POOLS = {
    "trust-region": from_trust_region,
    "uniform": uniform,
    "exhaustive": everything,
    "neighbours": near_the_best,
}
MUTANTS = "mutants"
POOLS = (*ENCODING_POOLS, MUTANTS)


def new_mutants(trials: Trials, cell: Cell, rng: np.random.Generator) -> Array:
    """Codes of mutants that have no trial yet."""
    parents = np.stack([trials.codes[row] for row in trials.best(NUM_PARENTS)])
    drawn = mutate(cell, np.repeat(parents, 10 * cell.num_operations, axis=0), rng)
    seen = {code.tobytes() for code in trials.codes}
    fresh = [code for code in np.unique(drawn, axis=0) if code.tobytes() not in seen]
    return np.stack(fresh) if fresh else cell.sample(1, rng)


def propose(
    pool: str, score: Scorer, trials: Trials, cell: Cell, rng: np.random.Generator, seed: int
) -> tuple[Array, Array]:
    """The code to evaluate, and the counts that the surrogate is told."""
    if pool == MUTANTS:
        codes = new_mutants(trials, cell, rng)
        chosen = codes[int(score(cell.encode(codes) / cell.num_blocks).argmax())]
        return chosen, cell.snap(cell.encode(chosen[None]) / cell.num_blocks)[0]
    candidates = ENCODING_POOLS[pool](trials, cell, rng)
    counts = candidates[int(score(candidates / cell.total).argmax())]
    return draw(cell, counts, seed, len(trials.values)), counts


def draw(cell: Cell, counts: Array, seed: int, trial: int) -> Array:
    """The architecture of an encoding."""
    return cell.decode(counts[None], architecture_rng(seed, trial, counts))[0]


def search(benchmark: Benchmark, surrogate: str, pool: str, number: int, seed: int) -> Array:
    """The best value after each trial."""
    cell, name = benchmark.cell, benchmark.objectives[0].name
    model = SURROGATES[surrogate]()
    trials = Trials([], [], [])
    for trial in range(number):
        rng = proposal_rng(seed, trial)
        if trial < NUM_INITIAL:
            counts = cell.snap(pool_fractions(cell, 1, 0.0, None, rng))[0]
            code = draw(cell, counts, seed, trial)
        else:
            score = model.score(trials, cell, rng)
            code, counts = propose(pool, score, trials, cell, rng, seed)
        trials.codes.append(code)
        trials.counts.append(counts)
        trials.values.append(float(benchmark.query(code[None])[name][0]))
    return np.minimum.accumulate(trials.values)


def main() -> None:
    """Run all pools with all seeds in this process and print what they have found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--surrogate", choices=SURROGATES, default="gp")
    parser.add_argument("--pools", default=",".join(POOLS))
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=10)
    add_benchmark_options(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    benchmark = make_benchmark(arguments)
    early = max(arguments.trials // 3, 1)
    found: dict[str, Array] = {}
    summary = {}
    for pool in arguments.pools.split(","):
        found[pool] = np.stack(
            [
                search(benchmark, arguments.surrogate, pool, arguments.trials, seed)
                for seed in range(arguments.seeds)
            ]
        )
        first = next(iter(found.values()))
        summary[pool] = {
            str(early): mean_and_error(found[pool][:, early - 1]),
            str(arguments.trials): mean_and_error(found[pool][:, -1]),
            "p_against_first": signed_rank_p(found[pool][:, -1] - first[:, -1]),
        }
        words = "  ".join(
            f"after {n}: {summary[pool][n]['mean']:.3f} ± {summary[pool][n]['standard_error']:.3f}"
            for n in (str(early), str(arguments.trials))
        )
        print(f"{pool:>14}  {words}  p {summary[pool]['p_against_first']:.3f}")
    print(
        json.dumps(
            {
                "benchmark": benchmark.name,
                "objective": benchmark.objectives[0].name,
                "surrogate": arguments.surrogate,
                "seeds": arguments.seeds,
                "pools": summary,
            }
        )
    )


if __name__ == "__main__":
    main()
