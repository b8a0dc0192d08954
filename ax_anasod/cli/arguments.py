"""The options of the commands, with what ``--help`` says of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

BENCHMARK: Final = "Benchmark"
"""Panel of the options that say what answers for the architectures."""


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


def share(text: str) -> float:
    """A parser of shares: numbers above 0 and at most 1."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1:
        raise typer.BadParameter(f"{text!r} is not a number above 0 and at most 1")
    return number


def option(panel: str, help_text: str, *flags: str, **settings: Any) -> Any:
    """An option, listed by ``--help`` in a panel."""
    return typer.Option(*flags, help=help_text, rich_help_panel=panel, **settings)


def number(panel: str, help_text: str, least: int) -> Any:
    """An option that is a whole number of at least ``least``."""
    return option(panel, help_text, parser=at_least(least), metavar="N")


_SEARCH = "Search"
_COMPARISON = "Comparison"
_PROTOCOL = "Protocol"
_OUTPUT = "Output"

BenchmarkName = Annotated[
    str, option(BENCHMARK, "What answers for the architectures; see: ax-anasod benchmarks.")
]
StrategyName = Annotated[
    str, option(_SEARCH, "How trials are proposed; see: ax-anasod strategies.")
]
StrategyOptions = Annotated[
    list[str] | None,
    option(_SEARCH, "Option of the strategy. May be repeated.", "--option", metavar="NAME=VALUE"),
]
From = Annotated[
    Path | None,
    option(
        _SEARCH,
        "Start from a differentiable search (its folder or found.json): its best cells are the "
        "first trials, and the other initial ones are drawn from its distribution.",
        "--from",
        metavar="DIR",
    ),
]
FromCells = Annotated[
    int | None, number(_SEARCH, "With --from: how many of its cells are the first trials (5).", 0)
]
FromUniform = Annotated[
    float | None,
    option(
        _SEARCH,
        "With --from: share of a uniform distribution that is mixed into the other one (0.25).",
        parser=share,
        metavar="SHARE",
    ),
]
Trials = Annotated[int, number(_SEARCH, "How many trials.", 1)]
TrialsInAll = Annotated[
    int | None,
    typer.Option(
        parser=at_least(1),
        metavar="N",
        help="How many trials in all, those so far included; by default as many as were planned.",
    ),
]
UntilImprovementBelow = Annotated[
    float | None,
    option(
        _SEARCH,
        "End the search before its last trial once five trials in a row were each expected to "
        "improve the best value by less than this (two-level-bo); 0: never.",
        metavar="PERCENT",
    ),
]
TrustedProgram = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Interpreter with the package nasbench301 for a run that you did not start here; "
        "it loads the ensemble that the run names.",
    ),
]
TrustedAddress = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Address of the Ray cluster for a run that you did not start here, or that has moved.",
    ),
]
Seed = Annotated[int, number(_SEARCH, "Every random number is derived from it.", 0)]
Parallel = Annotated[int, number(_SEARCH, "Trials proposed at a time.", 1)]
Out = Annotated[
    Path | None,
    option(_OUTPUT, "New folder of the run. Without it nothing is written.", metavar="DIR"),
]
Contenders = Annotated[
    str,
    option(
        _COMPARISON,
        "Strategies, each with options that differ from the defaults as NAME:OPTION=VALUE:... "
        "(and from=DIR, as --from of search); "
        "'all' for every one; see: ax-anasod strategies.",
        "--strategies",
        metavar="NAME,NAME,...",
    ),
]
TrialsEach = Annotated[int, number(_COMPARISON, "How many trials each run has.", 1)]
Seeds = Annotated[
    int,
    number(_COMPARISON, "How many runs each strategy has: with the seeds 0, 1, ..., N - 1.", 1),
]
Jobs = Annotated[
    int, number(_COMPARISON, "How many processes work at a time, each with one thread.", 1)
]
Regret = Annotated[
    float | None,
    option(
        _COMPARISON,
        "Also count the queries until the incumbent is within R of the optimum.",
        metavar="R",
    ),
]
Reference = Annotated[
    str | None,
    option(
        _COMPARISON,
        "Strategy that the others are tested against; by default the first.",
        metavar="NAME",
    ),
]
ComparisonOut = Annotated[
    Path | None,
    option(
        _OUTPUT,
        "Folder of the comparison; one that was stopped goes on, and more trials, seeds or "
        "strategies extend it. Without it nothing is written.",
        metavar="DIR",
    ),
]
Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET", help="table1 to table6, figure2, figure3, figure5, figure6 or figure7."
    ),
]
ProtocolBenchmark = Annotated[
    str | None,
    option(
        BENCHMARK,
        "What answers for the architectures, nas-bench-201 by default; see: ax-anasod benchmarks.",
        metavar="NAME",
    ),
]
ProtocolSeeds = Annotated[
    int | None,
    number(
        _PROTOCOL,
        "How many runs each method has, or how many samples are drawn: by default 10, of table3, "
        "figure5 and figure7 3.",
        1,
    ),
]
MostTrials = Annotated[
    int | None,
    number(_PROTOCOL, "Cut the paper's budgets of 150 and 300 queries to this.", 1),
]
ProtocolJobs = Annotated[
    int, number(_PROTOCOL, "How many processes work at a time, each with one thread.", 1)
]
ReproductionOut = Annotated[
    Path | None,
    option(
        _OUTPUT,
        "Folder of the searches and results; searches that it has are not made again, so that "
        "targets can share one. Without it nothing is written.",
        metavar="DIR",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
RunDirectory = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")]
