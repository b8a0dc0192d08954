"""The commands of ``ax-anasod``, and what happens when one of them fails."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final, cast

import typer

from ax_anasod.cli.catalogue import benchmarks, strategies
from ax_anasod.cli.compare import compare
from ax_anasod.cli.dnas import dnas
from ax_anasod.cli.doctor import doctor
from ax_anasod.cli.evaluate import ensemble, evaluate, transfer
from ax_anasod.cli.failures import Failure, hint_of, say_error, usage_error
from ax_anasod.cli.own_modules import import_modules
from ax_anasod.cli.reproduce import reproduce
from ax_anasod.cli.resume import resume
from ax_anasod.cli.search import search
from ax_anasod.cli.setup_nasbench301 import setup_nasbench301
from ax_anasod.cli.show import show
from ax_anasod.cli.train import train
from ax_anasod.exceptions import AnasodError, RunLostError
from ax_anasod.optional import require_docstrings

TRACEBACK = "AX_ANASOD_TRACEBACK"
"""Environment variable that lets unexpected errors show where they come from."""

app = typer.Typer(
    name="ax-anasod",
    help="Neural architecture search over operation distributions (ANASOD), on top of Ax.",
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _help_of(command: Callable[..., object]) -> str:
    """Its docstring with each paragraph on one line: typer keeps the line ends of the source."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _stoppable(command: Callable[..., object]) -> Callable[..., object]:
    """Let Ctrl-C reach `run`: typer would end the process without a word."""

    @functools.wraps(command)
    def stoppable(*arguments: Any, **options: Any) -> object:
        try:
            return command(*arguments, **options)
        except KeyboardInterrupt as error:
            raise typer.Abort from error

    return stoppable


for command in (
    search,
    resume,
    train,
    dnas,
    evaluate,
    transfer,
    ensemble,
    compare,
    reproduce,
    show,
    benchmarks,
    strategies,
    setup_nasbench301,
    doctor,
):
    app.command(help=_help_of(command))(_stoppable(command))


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ax-anasod {version('ax-anasod')}")
        raise typer.Exit


@app.callback()
@_stoppable
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


# Whatever typer itself refuses; it does not export the class.
_UsageError: Final = cast(type[Exception], typer.BadParameter.__mro__[1])


def run(arguments: list[str]) -> int:
    """Run one command.

    Args:
        arguments: The arguments after the program's name.

    Returns:
        The exit code.
    """
    try:
        require_docstrings()
        code = typer.main.get_command(app).main(
            arguments, prog_name="ax-anasod", standalone_mode=False
        )
        sys.stdout.flush()
    except _UsageError as error:
        return usage_error(error)
    except AnasodError as error:
        # Nobody has asked wrongly where a folder was deleted under a run.
        code = 1 if isinstance(error, RunLostError) else 2
        return say_error(error.message, hint_of(error), code)
    except Failure as failure:
        return say_error(failure.message, failure.hint, code=1)
    except (KeyboardInterrupt, typer.Abort):
        return say_error("interrupted", None, code=130)
    except BrokenPipeError:
        # Whoever read the output has gone, as in `ax-anasod strategies | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get(TRACEBACK) == "1":
            raise
        text = " ".join(str(error).split())
        return say_error(
            f"{type(error).__name__}: {text}" if text else type(error).__name__,
            f"unexpected; {TRACEBACK}=1 shows where it comes from",
            code=1,
        )
    return code if isinstance(code, int) else 0
