"""What the benchmark scripts share: which data they run on, and how they sum up."""

from __future__ import annotations

import argparse

import numpy as np

from ax_anasod import nasbench
from ax_anasod.nasbench import Benchmark


def add_benchmark_options(parser: argparse.ArgumentParser) -> None:
    """The options that choose a data set of NAS-Bench-Graph, or a table."""
    parser.add_argument("--dataset", default="cora", help="of NAS-Bench-Graph")
    parser.add_argument("--data", help="a table instead")
    parser.add_argument("--cell", default="nas-bench-201", help="cell of the table")
    parser.add_argument("--accuracy", help="column of the table, in percent")
    parser.add_argument("--minimize", help="column of the table that is searched as it is, instead")


def make_benchmark(arguments: argparse.Namespace) -> Benchmark:
    """The benchmark that these options name."""
    if arguments.data is None:
        return nasbench.make("nas-bench-graph", dataset=arguments.dataset)
    column = (
        {"accuracy": arguments.accuracy}
        if arguments.minimize is None
        else {"minimize": arguments.minimize}
    )
    return nasbench.make("table", path=arguments.data, cell=arguments.cell, **column)


def mean_and_error(values: np.ndarray) -> dict[str, float]:
    """Mean and standard error of the best values of several seeds, rounded for JSON."""
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return {"mean": round(float(values.mean()), 4), "standard_error": round(float(error), 4)}
