"""The options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, TypedDict

import typer
from annotated_types import Ge, Gt, Le

from ax_anasod.cli.option_groups import OptionGroup, option
from ax_anasod.networks.network_config import NetworkConfig
from ax_anasod.runs.execution import Execution
from ax_anasod.runs.run_config import Screening
from ax_anasod.settings import LARGEST_SEED, Count, NonNegativeInt, PositiveInt
from ax_anasod.training.hardware import Hardware
from ax_anasod.training.training_config import DataConfig, TrainingConfig


def _resolved(text: str) -> str:
    """A parser of paths, whole ones since a run may be continued from another folder."""
    return str(Path(text).resolve())


class BenchmarkArguments(TypedDict, total=False):
    """Arguments of the classes of benchmarks, as far as the command line gives them.

    Args:
        dataset: Data set of the benchmark.
        path: File or folder with the benchmark's data.
        cell: Cell of a table: a built-in name, or a TOML file.
        accuracy: Accuracy in percent, searched as error = 100 - accuracy. May be repeated.
        minimize: Quantity to minimise as it is. May be repeated: several objectives give a
            Pareto front.
        maximize: Quantity to maximise as it is, of any sign and scale: AUC, R2, images a
            second. May be repeated.
        report: Not searched, but given for the incumbent. May be repeated.
        cost: Cost of an evaluation in seconds.
        parameter: Searched beside the cell, such as a learning rate: rows of one architecture
            differ in it. Numbers are tried in their order, texts have none. May be repeated.
        present_only: Search only the architectures that the data has, where some lack.
        epochs: Epochs trained: 12 or 200 of nas-bench-201, 1 to 98 of nas-bench-301.
        seeds: Values of nas-bench-201 and hybrid-lm: the 'mean' over training seeds, or a
            'single' one a query.
        cache: Keep the content of a nas-bench-201 file as Parquet beside it.
        surrogate: Surrogate of nas-bench-301, where the folder holds several: yahpo-nb301, or
            a kind of model such as xgb, lgb, gnn_gin.
        noise: Errors of nas-bench-301 as noisy as single training runs.
        python: Interpreter with the package nasbench301, for its ensembles; see: ax-anasod
            setup-nasbench301.
        timeout: Longest time that an ensemble of nas-bench-301 may take for 256 architectures.
    """

    dataset: str
    path: Path
    cell: str
    accuracy: list[str]
    minimize: list[str]
    maximize: list[str]
    report: list[str]
    cost: str
    parameter: list[str]
    present_only: bool
    epochs: PositiveInt
    seeds: str
    cache: bool
    surrogate: str
    noise: bool
    python: str
    timeout: float


class StartArguments(TypedDict, total=False):
    """The differentiable search that a search starts from.

    Args:
        place: Start from a differentiable search (its folder or found.json): its best cells are
            the first trials, and the other initial ones are drawn from its distribution.
        cells: With --from: how many of its cells are the first trials (1).
        uniform: With --from: share of a uniform distribution that is mixed into the other one
            (0.25).
    """

    place: Path
    cells: NonNegativeInt
    uniform: Annotated[float, Gt(0), Le(1)]


_SEARCH: Final = "Search"
_OUTPUT: Final = "Output"
_COLUMN: Final = {"metavar": "COLUMN"}
_SWITCH: Final = {"default": False}

BENCHMARK: Final = OptionGroup(
    BenchmarkArguments,
    "Benchmark",
    tuple(BenchmarkArguments.__annotations__),
    changes={
        "path": {"flag": "--data"},
        **dict.fromkeys(
            ("accuracy", "minimize", "maximize", "report", "cost", "parameter"), _COLUMN
        ),
        **dict.fromkeys(("present_only", "cache", "noise"), _SWITCH),
        "seeds": {"flag": "--training-seeds"},
        "surrogate": {"metavar": "NAME"},
        "python": {"metavar": "PATH"},
        "timeout": {"metavar": "SECONDS"},
    },
)
START: Final = OptionGroup(
    StartArguments,
    _SEARCH,
    ("place", "cells", "uniform"),
    changes={
        "place": {"flag": "--from", "metavar": "DIR"},
        "cells": {"flag": "--from-cells"},
        "uniform": {"flag": "--from-uniform", "metavar": "SHARE"},
    },
)
SCREEN: Final = OptionGroup(
    Screening,
    _SEARCH,
    ("column", "cost", "trials"),
    changes={
        "column": {"flag": "--screen", "metavar": "COLUMN"},
        "cost": {"flag": "--screen-cost"},
        "trials": {"flag": "--screen-trials"},
    },
)
IMAGES: Final = OptionGroup(
    DataConfig,
    "Images",
    ("dataset", "path", "images", "validation", "image_size", "seed", "skip_damaged"),
    changes={
        "dataset": {"metavar": "NAME"},
        "path": {"flag": "--data", "metavar": "DIR", "parser": _resolved},
        "seed": {"flag": "--data-seed"},
    },
)
NETWORK: Final = OptionGroup(
    NetworkConfig,
    "Networks",
    ("skeleton", "channels", "cells"),
    "as published with the cell; small on the digits",
)
TRAINING: Final = OptionGroup(
    TrainingConfig,
    "Training",
    ("epochs", "batch_size", "learning_rate"),
    "as in the paper; short on the digits",
)
HARDWARE: Final = OptionGroup(
    Hardware,
    "Hardware",
    ("device", "precision", "deterministic", "threads"),
    changes={
        "threads": {
            "help": "Threads of the CPU for each training. On a CPU, another number gives other "
            "bits.",
            "show_default": "what OMP_NUM_THREADS says, otherwise one",
        }
    },
)
RUNNER: Final = OptionGroup(Execution, "Hardware", ("runner", "address", "cpus", "gpus", "retries"))


STORED: Final = Path(__file__).with_name("strategies.json")
"""The built-in strategies that ``ax-anasod strategies`` shows, which does not load Ax."""


def strategy_names() -> list[str]:
    """The names of the built-in strategies, for shells that complete them."""
    return [each["name"] for each in json.loads(STORED.read_text())]


def benchmark_names() -> list[str]:
    """The names of benchmarks, for shells that complete them."""
    from ax_anasod.nasbench import names

    return list(names())


BenchmarkName = Annotated[
    str,
    option(
        "Benchmark",
        "What answers for the architectures; see: ax-anasod benchmarks.",
        autocompletion=benchmark_names,
    ),
]
StrategyName = Annotated[
    str,
    option(
        _SEARCH,
        "How trials are proposed; see: ax-anasod strategies.",
        autocompletion=strategy_names,
    ),
]
StrategyOptions = Annotated[
    list[str],
    option(_SEARCH, "Option of the strategy. May be repeated.", "--option", metavar="NAME=VALUE"),
]
Limits = Annotated[
    list[str],
    option(
        _SEARCH,
        "What an architecture must keep, such as 'latency_ms<=5', a column in its own unit, or "
        "'flops<=5M' (k, M, G). May be repeated; on one of several objectives it is the worst "
        "value that counts.",
        "--limit",
        metavar="COLUMN<=X",
    ),
]
Searched = Annotated[
    list[str],
    option(
        _SEARCH,
        "Number of the training or the network that is searched beside the cell, such as "
        "'learning_rate=1e-3..1e-1:log' or 'channels=8,16,24'. May be repeated.",
        "--search",
        metavar="NAME=RANGE",
    ),
]
Constraints = Annotated[
    list[str],
    option(
        _SEARCH,
        "What the counts of the operations must keep, such as 'n_skip_connect <= 3' or 'n_conv + "
        "n_pool >= 2'. May be repeated.",
        "--constrain",
        metavar="CONSTRAINT",
    ),
]
Known = Annotated[
    list[str],
    option(
        _SEARCH,
        "Column that is known without a trial, such as the number of parameters: two-level-bo does "
        "not model it, and proposes nothing that breaks a limit on it. May be repeated.",
        "--known",
        metavar="COLUMN",
    ),
]
Features = Annotated[
    list[str],
    option(
        _SEARCH,
        "Column or proxy (see: ax-anasod proxies) that is known without a trial and may help "
        "two-level-bo to predict what is searched; how much it says is fitted. May be repeated.",
        "--feature",
        metavar="NAME",
    ),
]
First = Annotated[
    str,
    option(
        _SEARCH,
        "Begin with the five architectures of distinct function for which this column or proxy, "
        "known without a trial, is largest; -NAME: smallest.",
        "--start",
        metavar="NAME",
    ),
]
StartWith = Annotated[
    list[Path],
    option(
        _SEARCH,
        "Table with architectures (column arch) that are the first trials; with a column for each "
        "quantity of the run, or for the folder of a run: trials of earlier work, which come in "
        "addition to --trials. May be repeated.",
        "--start-with",
        metavar="FILE",
    ),
]
Sources = Annotated[
    list[Path],
    option(
        _SEARCH,
        "Folder of an earlier search of the same cell, on other data or with shorter trainings, "
        "that helps two-level-bo; its best architectures are the first trials. May be repeated.",
        "--source",
        metavar="DIR",
    ),
]
Pick = Annotated[
    str | None,
    option(
        _SEARCH,
        "Which point of the front of several objectives is meant: knee; 'latency_ms<=5', the best "
        "first objective within a limit; or weights in the columns' own units, such as "
        "'error=1,latency_ms=0.2'. By default the best value of the first objective.",
        "--pick",
        metavar="RULE",
        show_default=False,
    ),
]
UntilImprovementBelow = Annotated[
    float | None,
    Ge(0),
    Le(100),
    option(
        _SEARCH,
        "End the search before its last trial once five trials in a row were each expected to "
        "improve the best value by less than this (two-level-bo); 0: never.",
        metavar="PERCENT",
    ),
]
Seed = Annotated[
    int, Ge(0), Le(LARGEST_SEED), option(_SEARCH, "Every random number is derived from it.")
]
Parallel = Annotated[Count, option(_SEARCH, "Trials proposed at a time.")]
TrainedCell = Annotated[
    str, option("Networks", "Cell that is searched: a built-in name, or a TOML file.", "--cell")
]
Operations = Annotated[
    str | None,
    option(
        "Networks",
        "Mapping of modules for operations of your own; PYTHONPATH says where modules are found.",
        metavar="MODULE:NAME",
    ),
]
TrainingOptions = Annotated[
    list[str],
    option(
        "Training",
        "Any other value of the training protocol, such as cutout=16. May be repeated.",
        "--training",
        metavar="NAME=VALUE",
    ),
]
Out = Annotated[
    Path | None,
    option(_OUTPUT, "New folder of the run. Without it nothing is written.", metavar="DIR"),
]
Track = Annotated[
    list[str],
    option(
        _OUTPUT,
        "Tell a tracker of every trial: tensorboard (a log in the folder of the run), mlflow or "
        "wandb, which their own environment variables configure. May be repeated.",
        "--track",
        metavar="NAME",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
RunDirectory = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")]
