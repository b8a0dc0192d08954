"""The commands of ``ax-anasod``, modules of a user's own, and what happens when one fails."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ax_anasod.cli._typer import run_command
from ax_anasod.cli.catalogue import benchmarks, strategies
from ax_anasod.cli.compare import compare
from ax_anasod.cli.deploy import export, latency
from ax_anasod.cli.dnas import dnas
from ax_anasod.cli.doctor import doctor
from ax_anasod.cli.evaluate import ensemble, evaluate, transfer
from ax_anasod.cli.failures import TRACEBACK, ErrorReport, say_error
from ax_anasod.cli.image_predictions import predict
from ax_anasod.cli.option_groups import expanded
from ax_anasod.cli.processes import MultiProcessRequest, run_in_processes
from ax_anasod.cli.proxies import proxies
from ax_anasod.cli.reproduce import reproduce
from ax_anasod.cli.run_file import with_run_file
from ax_anasod.cli.search import resume, search
from ax_anasod.cli.setup_nasbench301 import setup_nasbench301
from ax_anasod.cli.show import show
from ax_anasod.cli.train import train
from ax_anasod.exceptions import AnasodError, OptionError

app = typer.Typer(
    name="ax-anasod",
    help="Neural architecture search over operation distributions (ANASOD), on top of Ax.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _help_of(command: Callable[..., object]) -> str:
    """Its docstring with each paragraph on one line: typer keeps the line ends of the source."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _quiet(command: Callable[..., object]) -> Callable[..., object]:
    """Keep what libraries say off the terminal, and let Ctrl-C reach `run`.

    Typer would end the process without a word.
    """

    @functools.wraps(command)
    def quiet(*arguments: Any, **options: Any) -> object:
        from ax_anasod.cli.terminal import quiet_libraries

        try:
            with quiet_libraries():
                return command(*arguments, **options)
        except KeyboardInterrupt as error:
            raise typer.Abort from error

    return quiet


COMMANDS_WITH_FILES: Final = {
    command.__name__: expanded(command) for command in (search, train, compare)
}
"""The commands that take a run file."""

for command in (
    search,
    resume,
    train,
    dnas,
    evaluate,
    transfer,
    ensemble,
    export,
    latency,
    predict,
    compare,
    reproduce,
    show,
    benchmarks,
    strategies,
    proxies,
    setup_nasbench301,
    doctor,
):
    with_options = COMMANDS_WITH_FILES.get(command.__name__)
    made = expanded(command) if with_options is None else with_run_file(with_options)
    app.command(help=_help_of(command))(_quiet(made))


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ax-anasod {version('ax-anasod')}")
        raise typer.Exit


@app.callback()
@_quiet
def _before_command(
    context: typer.Context,
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="Import a module with strategies, benchmarks or cells of your own, from this "
            "folder or an installed package. May be repeated; before the command.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Neural architecture search over operation distributions (ANASOD), on top of Ax."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    elif modules:
        import_modules(modules)


def import_modules(names: Iterable[str]) -> None:
    """Import modules, so that what they register is known.

    They are looked for in the current folder first, as Python does for a script.

    Args:
        names: Names of modules, as in an ``import`` statement.

    Raises:
        OptionError: One is not the name of a module, or cannot be imported.
    """
    from ax_anasod.cli.terminal import waiting

    # A console script has its own folder there instead. Processes that are started get the path.
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    for name in names:
        if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
            raise OptionError(
                f"--import {name!r} is not the name of a module",
                "write it as in an import statement: mine for a file mine.py",
            )
        with waiting(f"importing {name}"):
            _import(name)


def _import(name: str) -> None:
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise _refusal(name, error) from error
        raise OptionError(
            f"--import {name}: there is no such module",
            "it is looked for in this folder, on PYTHONPATH and among installed packages",
        ) from error
    # The code of a module can raise any error while it is imported, or end the program.
    except (Exception, SystemExit) as error:
        raise _refusal(name, error) from error


def _refusal(name: str, error: Exception | SystemExit) -> OptionError:
    if isinstance(error, AnasodError):
        return OptionError(f"--import {name}: {error.message}", error.hint)
    message = f"--import {name}: {type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):  # a SyntaxError already names its file and line
        return OptionError(message)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return OptionError(message, f"in {Path(frame.filename).name}, line {frame.lineno}")


def run(arguments: list[str], end: Callable[[ErrorReport], int] = ErrorReport.say) -> int:
    """Run one command.

    Args:
        arguments: The arguments after the program's name.
        end: Handler of an error that ends the command; returns the exit code.

    Returns:
        The exit code.
    """
    for text in arguments:
        # An empty text would mean the current folder where a path is expected.
        if not text or (text.startswith("--") and text.find("=") == len(text) - 1):
            name = text.removesuffix("=") or "an argument"
            return say_error(f"{name} is empty", "is a variable of the shell not set?", code=2)
    try:
        code = run_command(app, arguments, "ax-anasod")
        sys.stdout.flush()
    except MultiProcessRequest as request:
        return run_in_processes(run, arguments, request)
    except BrokenPipeError:
        # The reader has closed the pipe, as in `ax-anasod strategies | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, Exception) as error:
        report = ErrorReport.of(error)
        if not report.expected and os.environ.get(TRACEBACK) == "1":
            raise
        return end(report)
    return code if isinstance(code, int) else 0
