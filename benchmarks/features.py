"""How many queries two-level-bo needs with what is known beforehand.

Generators propose one trial after the other, without Ax, as in ``two_level.py``:

    python benchmarks/features.py --data nb201.csv.gz --target cifar10_test_200 --seeds 10 \
        --choices cold,feature=cifar10_valid_12,start=-latency_ms_pixel3
    python benchmarks/features.py --data nb201.csv.gz --target cifar100_valid_12 --seeds 10 \
        --choices source=cifar10_valid_12:100:5,shuffled=cifar10_valid_12:100:5
    python benchmarks/features.py --dataset cora --seeds 10 --trials 50 --after 25,50 \
        --choices cold,feature=parameters_millions,source=citeseer:50:5

With ``--dataset`` the validation error of a data set of NAS-Bench-Graph is searched, a column is
one of its quantities, and that of a source another data set. With ``--mislead`` the target is
changed so that its size misleads (:func:`known_tables.misleading`).

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
and largest, after each number of trials in ``--after`` the rank of the best so far (how many
architectures are better) and its regret, and the processor seconds of a proposal. ``minus_first``
and ``times_first`` compare them with those of the first choice: paired differences by seed, and the
ratio of the seconds at those positions that both have.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import cache

import numpy as np
from common import mean_and_error
from known_tables import MISLEADING, GraphTable, Table, num_convolutions

from ax_anasod.core import History, KnownMetric
from ax_anasod.core.seeding import start_rng
from ax_anasod.generators import TwoLevelGenerator
from ax_anasod.generators.known_features import KnownFeatures, best_architectures
from ax_anasod.generators.two_level_generator import FEATURE_SEPARATOR
from ax_anasod.metrics import EarlierSearch, KnownProxy
from ax_anasod.metrics.known_quantities import KnownFunction
from ax_anasod.proxies import PROXIES, ProxyConfig
from ax_anasod.typing import Codes, Values

NUM_INITIAL = 10
FIRST = 5


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
            codes = self._table.every[self._permutation[self._table.rows(codes)]]
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
    size = len(table.every)
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
    size = KnownFunction("size", lambda codes: num_convolutions(cell, codes))
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


def searched(table: Table, arguments: argparse.Namespace) -> dict[str, list[Search]]:
    """A search of each choice and seed, seed by seed: what else the machine does hits all."""
    choices = arguments.choices.split(",")
    searches: dict[str, list[Search]] = {choice: [] for choice in choices}
    optimum = float(table.values(table.target, table.every).min())
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for choice in choices:
            search = Search(
                table, table.target, seed, *known(table, choice, seed), arguments.num_initial
            )
            search.go_on(arguments.trials, optimum)
            searches[choice].append(search)
    return searches


def seconds_ratio(searches: list[Search], others: list[Search]) -> float | None:
    """The processor seconds of proposals over those of others, where both have a position."""
    sums = np.zeros(2)
    for pair in zip(searches, others, strict=True):
        starts = [len(search.values) - len(search.seconds) for search in pair]
        begin = max(starts)
        end = min(len(search.values) for search in pair)
        for i, (search, start) in enumerate(zip(pair, starts, strict=True)):
            sums[i] += sum(search.seconds[begin - start : max(end, begin) - start])
    return round(float(sums[0] / sums[1]), 3) if sums[1] else None


class Measures:
    """What is measured of the searches of a choice.

    Args:
        searches: One a seed.
        all_values: The values of all architectures.
        trials: The most trials of a search.
        after: The numbers of trials after which ranks and regrets are taken.
    """

    def __init__(
        self, searches: list[Search], all_values: Values, trials: int, after: list[int]
    ) -> None:
        ordered = np.sort(all_values)
        values = [search.values for search in searches]
        self.found = [int(v.argmin()) + 1 if ordered[0] in v else None for v in values]
        self.by_name = {
            "queries": np.array([trials + 1 if n is None else n for n in self.found], dtype=float)
        }
        for n in after:
            best = np.array([v[:n].min() for v in values])
            self.by_name[f"rank_{n}"] = 1.0 * np.searchsorted(ordered, best)
            self.by_name[f"regret_{n}"] = best - ordered[0]

    def differences(self, other: Measures) -> dict[str, list[float]]:
        """The mean and the standard error of each difference by seed."""
        pairs = {name: self.by_name[name] - other.by_name[name] for name in self.by_name}
        return {name: list(mean_and_error(values).values()) for name, values in pairs.items()}


def main() -> None:
    """Print one JSON object a choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="the table")
    parser.add_argument("--cell", default="nas-bench-201", help="its cell")
    parser.add_argument("--target", help="column that is searched")
    parser.add_argument("--dataset", help="of NAS-Bench-Graph, instead of a table")
    parser.add_argument("--mislead", choices=MISLEADING, help="make size mislead")
    parser.add_argument("--margin", type=float, default=0.25, help="of --mislead small")
    parser.add_argument("--choices", default="cold")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--after", default="", help="numbers of trials, such as 25,50")
    parser.add_argument("--num-initial", type=int, default=NUM_INITIAL)
    arguments = parser.parse_args()
    if (arguments.dataset is None) == (arguments.data is None or arguments.target is None):
        parser.error("give --data and --target, or --dataset")
    table = (
        Table(arguments.data, arguments.cell, arguments.target, arguments.mislead, arguments.margin)
        if arguments.dataset is None
        else GraphTable(arguments.dataset)
    )
    searches = searched(table, arguments)
    after = [int(n) for n in arguments.after.split(",") if n]
    every = table.values(table.target, table.every)
    measures = {
        choice: Measures(found, every, arguments.trials, after)
        for choice, found in searches.items()
    }
    first = next(iter(measures))
    for choice, measured in measures.items():
        counted = measured.by_name["queries"]
        seconds = [second for search in searches[choice] for second in search.seconds]
        content = {
            "target": table.target,
            "choice": choice,
            "queries": measured.found,
            **mean_and_error(counted),
            "median": float(np.median(counted)),
            "largest": int(counted.max()),
            **{
                name: [*mean_and_error(v).values(), float(np.median(v))]
                for name, v in measured.by_name.items()
                if name != "queries"
            },
            "seconds_per_proposal": round(float(np.mean(seconds)), 4) if seconds else None,
            "minus_first": measured.differences(measures[first]),
            "times_first": seconds_ratio(searches[choice], searches[first]),
        }
        print(json.dumps(content), flush=True)


if __name__ == "__main__":
    main()
