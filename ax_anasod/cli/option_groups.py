"""Options of commands that are read from the fields of dataclasses."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import cached_property
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import typer
from annotated_types import Ge

from ax_anasod.exceptions import OptionError
from ax_anasod.settings import alternatives, argument_texts

Given = Mapping[str, Any]
"""Field -> value, of the options that were given on the command line."""

_METAVARS: Final = {int: "N", float: "X"}


@dataclass(frozen=True)
class OptionGroup:
    """Options of a command that are the fields of a class, and are read from it.

    Type and default of an option are those of its field, its help is what the docstring says of
    it. A command takes the whole group as one parameter, annotated with it, which gets the
    values that were given. Those of a dataclass are checked by it, before anything heavy loads.

    Args:
        kind: A dataclass, or a ``TypedDict`` where nothing else has these fields; with a
            docstring in Google style. `Annotated` may add the least whole number, or a parser.
        panel: Heading of the options in ``--help``.
        names: The fields that are options, in the order of ``--help``.
        default: In words, what holds for an option that is not given, where that is not the
            default of the field.
        changes: Field -> settings of `typer.Option` that differ, and ``flag`` or ``default``.
    """

    kind: type[Any]
    panel: str
    names: tuple[str, ...]
    default: str | None = None
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def flags(self) -> dict[str, str]:
        """Field -> option of the command line."""
        return {
            name: self.changes.get(name, {}).get("flag", f"--{name.replace('_', '-')}")
            for name in self.names
        }

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Field -> parameter of the command, as typer reads it."""
        hints = get_type_hints(self.kind, include_extras=True)
        texts = argument_texts(self.kind)
        parameters = {}
        for name, flag in self.flags.items():
            # A dataclass checks its ranges itself, and knows both ends.
            kind, parser = _type_of(hints[name], in_range=not is_dataclass(self.kind))
            settings = {
                "help": texts[name].replace("``", ""),
                "metavar": _METAVARS.get(kind),
                "parser": parser,
                "show_default": self.default or True,
                "default": None if self.default else getattr(self.kind, name, None),
                **self.changes.get(name, {}),
            }
            default = settings.pop("default")
            settings.pop("flag", None)
            option = typer.Option(flag, rich_help_panel=self.panel, **settings)
            parameters[name] = inspect.Parameter(
                f"{name}_of_{self.kind.__name__}",
                inspect.Parameter.KEYWORD_ONLY,
                default=default,
                annotation=Annotated[kind if default is not None else kind | None, option],
            )
        return parameters

    def given(self, context: typer.Context, values: Mapping[str, Any]) -> Given:
        """The options that were given, and those for which the command has another default.

        Args:
            context: Of the command.
            values: Parameter -> value, of the whole command.

        Raises:
            AnasodError: The dataclass refuses a value.
        """
        given = {name: c["default"] for name, c in self.changes.items() if c.get("default")}
        for name, parameter in self.parameters.items():
            source = context.get_parameter_source(parameter.name)
            if source is not None and source.name != "DEFAULT":
                given[name] = values[parameter.name]
        if is_dataclass(self.kind):
            try:
                self.kind(**given)
            except OptionError as error:
                name, _, wrong = error.message.partition(" ")
                if "flag" not in self.changes.get(name, {}):
                    raise
                flag = self.flags[name].partition("/")[0]
                raise OptionError(f"{flag} {wrong}", error.hint) from error
        return given


def expanded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of its groups, in the place of the parameters of the groups."""
    own = inspect.signature(command, eval_str=True)
    groups: dict[str, OptionGroup] = {}
    options: set[str] = set()
    parameters = [
        inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    ]
    for parameter in own.parameters.values():
        group = next(
            (m for m in get_args(parameter.annotation) if isinstance(m, OptionGroup)), None
        )
        if group is None:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        else:
            groups[parameter.name] = group
            parameters += group.parameters.values()
            options |= {option.name for option in group.parameters.values()}

    @functools.wraps(command)
    def with_options(*, context: typer.Context, **values: Any) -> Any:
        given = {name: group.given(context, values) for name, group in groups.items()}
        return command(**{n: v for n, v in values.items() if n not in options}, **given)

    # typer reads both, and not through the wrapped function.
    with_options.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    del with_options.__wrapped__
    return with_options


def at_least(least: int | None = None, *, counts: bool = False) -> Callable[[str], int]:
    """A parser of whole numbers, none smaller than ``least`` and, of counts, none without end.

    Typer's own check does not say which value it refuses.
    """

    def whole_number(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or (least is not None and number < least):
            wanted = "a whole number" + ("" if least is None else f" of at least {least}")
            raise typer.BadParameter(f"{text!r} is not {wanted}")
        if counts:
            from ax_anasod.runs.run_config import MOST_TRIALS

            if number > MOST_TRIALS:
                raise typer.BadParameter(f"{text!r} is more than {MOST_TRIALS:,}")
        return number

    whole_number.least = least  # type: ignore[attr-defined]
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
    return option(panel, help_text, parser=at_least(least, counts=True), metavar="N")


def _type_of(hint: Any, *, in_range: bool) -> tuple[Any, Callable[[str], Any] | None]:
    """The type of an option without None, and its parser, which checks the least value or not."""
    (hint,) = (kind for kind in alternatives(hint) if kind is not NoneType)
    kind, *metadata = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if kind is int:
        bounds = [int(str(m.ge)) for m in metadata if isinstance(m, Ge) and in_range]
        return int, at_least(max(bounds, default=None))
    parser = next((m for m in metadata if callable(m)), None)
    return str if get_origin(kind) is Literal else kind, parser
