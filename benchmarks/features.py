"""How many queries two-level-bo needs with what is known beforehand.

Generators propose one trial after the other, without Ax, as in ``two_level.py``:

    python benchmarks/features.py --data nb201.csv.gz --target cifar10_test_200 --seeds 10 \
        --choices cold,feature=cifar10_valid_12,start=-latency_ms_pixel3
    python benchmarks/features.py --data nb201.csv.gz --target cifar100_valid_12 --seeds 10 \
        --choices source=cifar10_valid_12:100:5,shuffled=cifar10_valid_12:100:5

A choice is a sum of parts, separated by ``+``:

``cold``: nothing;
``feature=COLUMN``: a column of the table as a feature;
``start=[-]COLUMN``: the five cells of distinct function with the largest (smallest) values first;
``feature=PROXY`` and ``start=[-]PROXY``: the same of a proxy that needs no training, such as
synflow, whose first weights are drawn from the seed of the run;
``source=COLUMN:TRIALS:CELLS``: a cold search of another column, with as many trials, of which the
model is a feature and the best cells are the first trials;
``shuffled=COLUMN:TRIALS:CELLS``: the same on a table whose values are shuffled among the cells;
``convolutions`` and ``few-convolutions``: the number of 3 x 3 convolutions as a feature, and as a
start with the fewest first, which misleads.

All choices have the same random cells, fewer of them where cells are given. Prints one JSON object
a choice: queries to the optimum of the target (of a source too: queries of the target alone), of
each seed (null: not found within ``--trials``; it counts as one query more), their mean, median
and largest, and the processor seconds of a proposal.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import cache

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.core import History, KnownMetric
from ax_anasod.core.seeding import start_rng
from ax_anasod.generators import TwoLevelGenerator
from ax_anasod.generators.known_features import KnownFeatures, best_architectures
from ax_anasod.generators.two_level_generator import FEATURE_SEPARATOR
from ax_anasod.metrics import EarlierSearch, KnownProxy
from ax_anasod.metrics.known_quantities import KnownFunction
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.proxies import PROXIES, ProxyConfig
from ax_anasod.typing import Codes, Values

NUM_INITIAL = 10
FIRST = 5
CONVOLUTION = "nor_conv_3x3"


class Table:
    """The columns of a table, accuracies as errors, looked up by architecture.

    Args:
        path: The file.
        name: Name of its cell.
    """

    def __init__(self, path: str, name: str) -> None:
        self._path, self._name = path, name
        self._columns: dict[str, TableBenchmark] = {}

    def benchmark(self, column: str) -> TableBenchmark:
        """The benchmark that reports a column as it is."""
        if column not in self._columns:
            self._columns[column] = TableBenchmark(self._path, self._name, minimize=column)
        return self._columns[column]

    @property
    def cell(self) -> Cell:
        """The cell."""
        return next(iter(self._columns.values())).cell

    def values(self, column: str, codes: Codes) -> Values:
        """The values of ``n x d`` codes, ``n``: of an accuracy the error, others as they are."""
        values = self.benchmark(column).query(codes)[column]
        return 100.0 - values if "valid" in column or "test" in column else values


class Search:
    """A search of a column with what is known.

    Args:
        table: The table.
        column: The column that is searched.
        seed: The seed of the run.
        features: What is known, by name.
        first: The first trials, ``n x d``.
        num_initial: Trials before the first of the model.
        permutation: Which cell has the value of each; None where each has its own.
    """

    def __init__(
        self,
        table: Table,
        column: str,
        seed: int,
        features: dict[str, KnownMetric],
        first: Codes,
        num_initial: int = NUM_INITIAL,
        permutation: np.ndarray | None = None,
    ) -> None:
        cell = table.cell
        self._table, self._column, self._features = table, column, features
        self._permutation = permutation
        self._generator = TwoLevelGenerator(
            cell.to_dict(), seed, NUM_INITIAL, features=FEATURE_SEPARATOR.join(features)
        )
        drawn = cell.sample(NUM_INITIAL, np.random.default_rng([seed, 77]))
        new = ~np.isin(cell.keys(drawn), cell.keys(first))
        self.codes = np.concatenate([first, drawn[new]])[:num_initial]
        self.values = self._evaluate(self.codes)
        # Computed before the first trial, and then looked up.
        KnownFeatures(cell, features.values())
        self.seconds: list[float] = []

    def _evaluate(self, codes: Codes) -> Values:
        if self._permutation is not None:
            every = self._table.cell.enumerate()
            keys = self._table.cell.keys
            codes = every[self._permutation[np.searchsorted(keys(every), keys(codes))]]
        return self._table.values(self._column, codes)

    def go_on(self, trials: int, stop_at: float | None = None) -> None:
        """Propose until there are ``trials`` trials, or one has the value ``stop_at``."""
        while len(self.values) < trials and stop_at not in self.values:
            n = len(self.values)
            history = History(
                rows=self.codes,
                values=self.values[:, None],
                trial_indices=np.arange(n),
                failed=np.zeros(n, dtype=np.bool_),
                position=n,
                features=self._features,
            )
            begin = time.process_time()
            code = self._generator.propose(1, history, {})
            self.seconds.append(time.process_time() - begin)
            self.codes = np.concatenate([self.codes, code])
            self.values = np.append(self.values, self._evaluate(code))


@cache
def source(table: Table, column: str, trials: int, seed: int, *, shuffled: bool) -> EarlierSearch:
    """A cold search of another column, with a seed of its own."""
    table.benchmark(column)
    size = len(table.cell.enumerate())
    permutation = np.random.default_rng([seed, 78]).permutation(size) if shuffled else None
    none = np.empty((0, len(table.cell.code_sizes)), dtype=np.int64)
    search = Search(table, column, 1000 + seed, {}, none, permutation=permutation)
    search.go_on(trials)
    architectures = table.cell.to_strings(search.codes)
    return EarlierSearch("source", table.cell, architectures, search.values.tolist())


def known(table: Table, choice: str, seed: int) -> tuple[dict[str, KnownMetric], Codes]:
    """The features and the first trials of a choice."""
    cell = table.cell
    features: dict[str, KnownMetric] = {}
    first = [np.empty((0, len(cell.code_sizes)), dtype=np.int64)]
    convolution = cell.operations.index(CONVOLUTION) if CONVOLUTION in cell.operations else 0
    size = KnownFunction("size", lambda codes: 1.0 * (codes == convolution).sum(axis=1))
    for part in choice.split("+"):
        kind, _, text = part.partition("=")
        if kind == "feature":
            features[text] = metric_of(table, text, seed)
        elif kind == "start":
            metric = metric_of(table, text.removeprefix("-"), seed)
            smallest = text.startswith("-")
            first.append(
                best_architectures(cell, metric, FIRST, start_rng(seed), smallest=smallest)
            )
        elif kind in ("source", "shuffled"):
            column, trials, cells = text.split(":")
            found = source(table, column, int(trials), seed, shuffled=kind == "shuffled")
            features["source"] = found
            first.insert(0, found.best(int(cells)))
        elif kind == "convolutions":
            features["size"] = size
        elif kind == "few-convolutions":
            first.append(best_architectures(cell, size, FIRST, start_rng(seed), smallest=True))
        elif kind != "cold":
            raise SystemExit(f"there is no choice {part!r}")
    return features, np.concatenate(first)


def metric_of(table: Table, name: str, seed: int) -> KnownMetric:
    """A proxy, or a column as a known quantity."""
    if name in PROXIES:
        return KnownProxy(name, table.cell, ProxyConfig(seed=seed))
    return column_metric(table, name)


@cache
def column_metric(table: Table, column: str) -> KnownMetric:
    """A column as a known quantity."""
    return KnownFunction(column, lambda codes: table.values(column, codes))


def main() -> None:
    """Print one JSON object a choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="the table")
    parser.add_argument("--cell", default="nas-bench-201", help="its cell")
    parser.add_argument("--target", required=True, help="column that is searched")
    parser.add_argument("--choices", default="cold")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--num-initial", type=int, default=NUM_INITIAL)
    arguments = parser.parse_args()
    table = Table(arguments.data, arguments.cell)
    table.benchmark(arguments.target)
    optimum = float(table.values(arguments.target, table.cell.enumerate()).min())
    for choice in arguments.choices.split(","):
        found: list[int | None] = []
        seconds: list[float] = []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            search = Search(
                table, arguments.target, seed, *known(table, choice, seed), arguments.num_initial
            )
            search.go_on(arguments.trials, optimum)
            reached = optimum in search.values
            found.append(int((search.values == optimum).argmax()) + 1 if reached else None)
            seconds += search.seconds
        counted = np.array([arguments.trials + 1 if n is None else n for n in found])
        content = {
            "target": arguments.target,
            "choice": choice,
            "queries": found,
            "mean": round(float(counted.mean()), 1),
            "standard_error": round(float(counted.std(ddof=1) / len(counted) ** 0.5), 1),
            "median": float(np.median(counted)),
            "largest": int(counted.max()),
            "seconds_per_proposal": round(float(np.mean(seconds)), 4) if seconds else None,
        }
        print(json.dumps(content), flush=True)


if __name__ == "__main__":
    main()
