"""Parts of typer without documented names on which the command line relies, with the reasons.

Typer contains click under private names, so that most of this cannot be imported from it.
`tests/test_ax_seams.py` has a test for each.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import typer
from typer.models import OptionInfo as OptionInfo  # the class of what `typer.Option` returns
from typer.models import ParameterInfo as ParameterInfo  # its base, and that of arguments

from ax_anasod.exceptions import nearest_hint

UsageError: Final = cast(type[Exception], typer.BadParameter.__mro__[1])
"""The base of all errors with which typer refuses arguments; it is not exported."""


def set_parameters(function: Callable[..., Any], parameters: Iterable[inspect.Parameter]) -> None:
    """Give a function that takes any keywords the parameters that typer makes options of.

    Typer reads the signature and the annotations, and both of the function that it wraps.
    """
    listed = list(parameters)
    function.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]
    function.__annotations__ = {each.name: each.annotation for each in listed}
    function.__dict__.pop("__wrapped__", None)


def flag_of(parameter: str, info: ParameterInfo) -> str:
    """The long name of an option, without that of its opposite.

    Within ``Annotated`` typer keeps the first name as the default of the option.
    """
    names = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]
    return (names[0] if names else f"--{parameter.replace('_', '-')}").partition("/")[0]


def was_given(context: typer.Context, parameter: str) -> bool:
    """Return True if a parameter was given on the command line or in a run file."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name != "DEFAULT"


def explain(error: Any) -> tuple[str, str | None]:
    """Get the message and the hint of a `UsageError`, whose subclasses are not exported."""
    message = str(error.format_message()).split(" Did you mean")[0].rstrip(".")
    hint = None
    context = getattr(error, "ctx", None)
    if context is not None and hasattr(error, "possibilities"):
        options = (name for p in context.command.params for name in (*p.opts, *p.secondary_opts))
        message = f"no such option {error.option_name!r}"
        names = [name for name in options if name.startswith("--")]
        hint = nearest_hint(error.option_name, names, f"see: {context.command_path} --help")
    elif context is not None and message.startswith("No such command"):
        hint = nearest_hint(message.split("'")[1], context.command.commands)
    return message[:1].lower() + message[1:], hint


def run_command(app: typer.Typer, arguments: list[str], program: str) -> object:
    """Run a command of an application; its errors are raised, which `app(...)` would print."""
    return typer.main.get_command(app).main(arguments, prog_name=program, standalone_mode=False)
