"""What a level of order is worth on the cell of hybrid language models.

    python benchmarks/order.py
    python benchmarks/order.py --data t.csv.gz --columns loss recall_error_0 --seeds 20

``none`` compares distributions and blocks only; ``ordered`` is the cell as it is, of whose residual
blocks it counts which operation stands before which; ``adjacent`` takes the cell for a chain
without residual connections, so that its path and the neighbours on it are compared.

For each column of the table one JSON object a level: the rank correlation of predicted and true
values of all other architectures after so many random ones (mean of 16 draws, with the standard
error of the difference from ``none``), and how many trials `two-level-bo` needs to the best of all
(twice the budget where it has not found it).
"""

from __future__ import annotations

import argparse
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from common import mean_and_error
from scipy.stats import spearmanr
from two_level import NUM_INITIAL, Run

from ax_anasod import nasbench
from ax_anasod.cells import Cell, register_cell
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.cells.hybrid_lm import HybridLMCell
from ax_anasod.generators import TwoLevelGenerator
from ax_anasod.generators.targets import half_ranked, standardized
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.surrogates import LevelFeatures, LevelName, TwoLevelGP, levels_of

TABLE: Final = Path(nasbench.__file__).with_name("hybrid_lm.csv.gz")
COLUMNS: Final = tuple(
    f"{name}{seed}"
    for name in ("loss", "recall_error", "facts_error")
    for seed in ("", "_0", "_1", "_2")
)
OBSERVED: Final = (30, 60, 120)
DRAWS: Final = 16
TRIALS: Final = 150


@register_cell
class ChainCell(HybridLMCell):
    """The same architectures, as if a block read only what the one before it wrote."""

    @cached_property
    def block_graph(self) -> BlockGraph:
        """A chain without residual connections."""
        return BlockGraph.chain(self.num_blocks)


BLOCKS: Final[tuple[LevelName, ...]] = ("distribution", "blocks")
LEVELS: Final[dict[str, tuple[Cell, str, tuple[LevelName, ...]]]] = {
    "none": (HybridLMCell(), "blocks", BLOCKS),
    "ordered": (HybridLMCell(), "alternating", (*BLOCKS, "order")),
    "adjacent": (ChainCell(), "alternating", (*BLOCKS, "paths", "steps")),
}


def agreement(
    benchmark: TableBenchmark, levels: tuple[LevelName, ...], observed: int
) -> np.ndarray:
    """Rank correlations of predicted and true values of what was not observed, one a draw."""
    cell = benchmark.cell
    codes = cell.enumerate()
    values = np.log1p(benchmark.query(codes)[benchmark.objectives[0].name])
    features, available = LevelFeatures(cell, codes), levels_of(cell)
    found = []
    for draw in range(DRAWS):
        order = np.random.default_rng([draw, observed]).permutation(len(codes))
        seen, others = order[:observed], order[observed:]
        known = features[seen]
        model = TwoLevelGP(
            [available[name] for name in levels],
            known.distances(known, levels),
            standardized(half_ranked(values[seen]))[0],
        )
        predicted = model.predict(features[others].distances(known, levels))[0]
        found.append(spearmanr(predicted, values[others]).statistic)
    return np.array(found)


def trials_to_best(benchmark: TableBenchmark, surrogate: str, seeds: int) -> np.ndarray:
    """Trials to the best of all, one a seed."""
    best = benchmark.optimum(benchmark.objectives[0].name)

    def make(cell: dict[str, Any], seed: int) -> TwoLevelGenerator:
        return TwoLevelGenerator(cell, seed, NUM_INITIAL, surrogate)

    runs = [Run(benchmark, make, seed) for seed in range(seeds)]
    for run in runs:
        run.go_on(TRIALS, best)
    return np.array([len(run.values) if run.values.min() == best else 2 * TRIALS for run in runs])


def main() -> None:
    """Print one JSON object a column and level."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=TABLE, help="another table of the cell")
    parser.add_argument("--columns", nargs="+", default=COLUMNS)
    parser.add_argument("--seeds", type=int, default=40)
    arguments = parser.parse_args()
    for column in arguments.columns:
        without: dict[int, np.ndarray] = {}
        for name, (cell, surrogate, levels) in LEVELS.items():
            benchmark = TableBenchmark(arguments.data, cell, minimize=column)
            ranks: dict[str, Any] = {}
            for observed in OBSERVED:
                found = agreement(benchmark, levels, observed)
                gain = found - without.setdefault(observed, found)
                ranks[str(observed)] = mean_and_error(found) | {
                    "gain": mean_and_error(gain)["mean"],
                    "error_of_gain": mean_and_error(gain)["standard_error"],
                }
            trials = trials_to_best(benchmark, surrogate, arguments.seeds)
            row = {
                "column": column,
                "level": name,
                "rank_correlation": ranks,
                "trials_to_best": mean_and_error(trials) | {"median": float(np.median(trials))},
                "found": int((trials <= TRIALS).sum()),
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
