"""The options of the commands, with what ``--help`` says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def at_least(least: int) -> Callable[[str], int]:
    """A parser of whole numbers that are not smaller than ``least``.

    Typer's own check does not say which value it refuses.
    """

    def whole_number(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or number < least:
            raise typer.BadParameter(f"{text!r} is not a whole number of at least {least}")
        return number

    return whole_number


def _option(panel: str, help_text: str, *flags: str, **settings: Any) -> Any:
    return typer.Option(*flags, help=help_text, rich_help_panel=panel, **settings)


def _number(panel: str, help_text: str, least: int) -> Any:
    return _option(panel, help_text, parser=at_least(least), metavar="N")


_DATA = "Benchmark"
_SEARCH = "Search"
_COMPARISON = "Comparison"
_PROTOCOL = "Protocol"
_OUTPUT = "Output"

BenchmarkName = Annotated[
    str, _option(_DATA, "What answers for the architectures; see: ax-anasod benchmarks.")
]
Dataset = Annotated[str | None, _option(_DATA, "Data set of the benchmark.")]
Data = Annotated[Path | None, _option(_DATA, "File or folder with the benchmark's data.")]
CellName = Annotated[
    str | None, _option(_DATA, "Cell of a table: a built-in name, or a TOML file.")
]
Accuracy = Annotated[
    list[str] | None,
    _option(
        _DATA,
        "Accuracy in percent, searched as error = 100 - accuracy. May be repeated.",
        metavar="COLUMN",
    ),
]
Minimize = Annotated[
    list[str] | None,
    _option(
        _DATA,
        "Quantity to minimise as it is. May be repeated: several objectives give a Pareto front.",
        metavar="COLUMN",
    ),
]
Report = Annotated[
    list[str] | None,
    _option(_DATA, "Not searched, but given for the incumbent. May be repeated.", metavar="COLUMN"),
]
Cost = Annotated[str | None, _option(_DATA, "Cost of an evaluation in seconds.", metavar="COLUMN")]
PresentOnly = Annotated[
    bool,
    _option(
        _DATA,
        "Search only the architectures that the data has, where some lack.",
        "--present-only",
    ),
]
Epochs = Annotated[
    int | None, _number(_DATA, "Training schedule of nas-bench-201: 12 or 200 epochs.", 1)
]
TrainingSeeds = Annotated[
    str | None,
    _option(
        _DATA,
        "Values of nas-bench-201: the 'mean' over training seeds, or a 'single' one a query.",
    ),
]
Cache = Annotated[
    bool,
    _option(_DATA, "Keep the content of a nas-bench-201 file as Parquet beside it.", "--cache"),
]
StrategyName = Annotated[
    str, _option(_SEARCH, "How trials are proposed; see: ax-anasod strategies.")
]
StrategyOptions = Annotated[
    list[str] | None,
    _option(_SEARCH, "Option of the strategy. May be repeated.", "--option", metavar="NAME=VALUE"),
]
Trials = Annotated[int, _number(_SEARCH, "How many trials.", 1)]
TrialsInAll = Annotated[
    int | None,
    typer.Option(
        parser=at_least(1),
        metavar="N",
        help="How many trials in all, those so far included; by default as many as were planned.",
    ),
]
Seed = Annotated[int, _number(_SEARCH, "Every random number is derived from it.", 0)]
Parallel = Annotated[int, _number(_SEARCH, "Trials proposed at a time.", 1)]
Out = Annotated[
    Path | None,
    _option(_OUTPUT, "New folder of the run. Without it nothing is written.", metavar="DIR"),
]
Contenders = Annotated[
    str,
    _option(
        _COMPARISON,
        "Strategies, each with options that differ from the defaults as NAME:OPTION=VALUE:...; "
        "'all' for every one; see: ax-anasod strategies.",
        "--strategies",
        metavar="NAME,NAME,...",
    ),
]
TrialsEach = Annotated[int, _number(_COMPARISON, "How many trials each run has.", 1)]
Seeds = Annotated[
    int,
    _number(_COMPARISON, "How many runs each strategy has: with the seeds 0, 1, ..., N - 1.", 1),
]
Jobs = Annotated[
    int, _number(_COMPARISON, "How many processes work at a time, each with one thread.", 1)
]
Regret = Annotated[
    float | None,
    _option(
        _COMPARISON,
        "Also count the queries until the incumbent is within R of the optimum.",
        metavar="R",
    ),
]
Reference = Annotated[
    str | None,
    _option(
        _COMPARISON,
        "Strategy that the others are tested against; by default the first.",
        metavar="NAME",
    ),
]
ComparisonOut = Annotated[
    Path | None,
    _option(
        _OUTPUT,
        "Folder of the comparison; one that was stopped goes on, and more trials, seeds or "
        "strategies extend it. Without it nothing is written.",
        metavar="DIR",
    ),
]
Target = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="table1, table2, table6, figure2, figure3 or figure6."),
]
ProtocolSeeds = Annotated[
    int, _number(_PROTOCOL, "How many runs each method has, or how many samples are drawn.", 1)
]
MostTrials = Annotated[
    int | None,
    _number(_PROTOCOL, "Cut the paper's budgets of 150 and 300 queries to this.", 1),
]
ProtocolJobs = Annotated[
    int, _number(_PROTOCOL, "How many processes work at a time, each with one thread.", 1)
]
ReproductionOut = Annotated[
    Path | None,
    _option(
        _OUTPUT,
        "Folder of the searches and results; searches that it has are not made again, so that "
        "targets can share one. Without it nothing is written.",
        metavar="DIR",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
RunDirectory = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")]
