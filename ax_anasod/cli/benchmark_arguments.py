"""The options of every command that queries a benchmark, written once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from ax_anasod.cli.arguments import BENCHMARK, number, option
from ax_anasod.cli.expansion import expand


@dataclass(frozen=True)
class BenchmarkArgument:
    """An option of the command line that becomes an argument of a benchmark's class.

    Args:
        argument: Name of the argument.
        annotation: Type and help of the option.
        name: Name of the option's parameter, where it is another one.
        default: Value of an option that was not given.
    """

    argument: str
    annotation: Any
    name: str = ""
    default: Any = None

    @property
    def parameter(self) -> inspect.Parameter:
        """The parameter of the command."""
        return inspect.Parameter(
            self.name or self.argument,
            inspect.Parameter.KEYWORD_ONLY,
            default=self.default,
            annotation=self.annotation,
        )

    @property
    def flag(self) -> str:
        """What is typed."""
        return f"--{self.parameter.name.replace('_', '-')}"


def _text(help_text: str, **settings: Any) -> Any:
    return Annotated[str | None, option(BENCHMARK, help_text, **settings)]


def _columns(help_text: str) -> Any:
    return Annotated[list[str] | None, option(BENCHMARK, help_text, metavar="COLUMN")]


def _switch(help_text: str, flag: str) -> Any:
    return Annotated[bool, option(BENCHMARK, help_text, flag)]


ARGUMENTS: Final = (
    BenchmarkArgument("dataset", _text("Data set of the benchmark.")),
    BenchmarkArgument(
        "path",
        Annotated[Path | None, option(BENCHMARK, "File or folder with the benchmark's data.")],
        name="data",
    ),
    BenchmarkArgument("cell", _text("Cell of a table: a built-in name, or a TOML file.")),
    BenchmarkArgument(
        "accuracy",
        _columns("Accuracy in percent, searched as error = 100 - accuracy. May be repeated."),
    ),
    BenchmarkArgument(
        "minimize",
        _columns(
            "Quantity to minimise as it is. May be repeated: several objectives give a "
            "Pareto front."
        ),
    ),
    BenchmarkArgument(
        "maximize",
        _columns(
            "Quantity to maximise as it is, of any sign and scale: AUC, R2, images a second. May "
            "be repeated."
        ),
    ),
    BenchmarkArgument(
        "report", _columns("Not searched, but given for the incumbent. May be repeated.")
    ),
    BenchmarkArgument("cost", _text("Cost of an evaluation in seconds.", metavar="COLUMN")),
    BenchmarkArgument(
        "present_only",
        _switch(
            "Search only the architectures that the data has, where some lack.", "--present-only"
        ),
        default=False,
    ),
    BenchmarkArgument(
        "epochs",
        Annotated[
            int | None,
            number(
                BENCHMARK,
                "Epochs trained: 12 or 200 of nas-bench-201, 1 to 98 of nas-bench-301.",
                1,
            ),
        ],
    ),
    BenchmarkArgument(
        "seeds",
        _text(
            "Values of nas-bench-201: the 'mean' over training seeds, or a 'single' one a query."
        ),
        name="training_seeds",
    ),
    BenchmarkArgument(
        "cache",
        _switch("Keep the content of a nas-bench-201 file as Parquet beside it.", "--cache"),
        default=False,
    ),
    BenchmarkArgument(
        "surrogate",
        _text(
            "Surrogate of nas-bench-301, where the folder holds several: yahpo-nb301, or a kind "
            "of model such as xgb, lgb, gnn_gin.",
            metavar="NAME",
        ),
    ),
    BenchmarkArgument(
        "noise",
        _switch("Errors of nas-bench-301 as noisy as single training runs.", "--noise"),
        default=False,
    ),
    BenchmarkArgument(
        "python",
        _text(
            "Interpreter with the package nasbench301, for its ensembles; see: ax-anasod "
            "setup-nasbench301.",
            metavar="PATH",
        ),
    ),
    BenchmarkArgument(
        "timeout",
        Annotated[
            float | None,
            option(
                BENCHMARK,
                "How long an ensemble of nas-bench-301 may take for 256 architectures.",
                metavar="SECONDS",
            ),
        ],
    ),
)
"""In the order in which ``--help`` lists them."""

FLAGS: Final = {argument.argument: argument.flag for argument in ARGUMENTS}
"""Argument of a benchmark's class -> option of the command line."""

Given = Mapping[str, Any]
"""Argument of a benchmark's class -> value, as it came from the command line."""


def takes_benchmark(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of benchmarks in the place of its parameter ``given``.

    Args:
        command: Has a parameter ``given``, which it gets as :data:`Given`.

    Returns:
        The command as the command line sees it.
    """
    names = {argument.parameter.name: argument.argument for argument in ARGUMENTS}
    return expand(command, [argument.parameter for argument in ARGUMENTS], names)
