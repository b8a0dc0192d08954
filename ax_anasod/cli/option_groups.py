"""Options of commands that are read from the fields of dataclasses."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cached_property
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import typer
from annotated_types import BaseMetadata

from ax_anasod.cli._typer import OptionInfo, ParameterInfo, flag_of, set_parameters, was_given
from ax_anasod.settings import alternatives, argument_texts, check_value, type_name

Given = Mapping[str, Any]
"""Field -> value, of the options that were given on the command line."""

Arguments = Callable[[typer.Context, Mapping[str, Any]], dict[str, Any]]
"""Maker of the arguments of a function from the values of all parameters of a command."""

_METAVARS: Final = {int: "N", float: "X"}
_TEXTS: Final = {int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class OptionGroup:
    """Options of a command that are the fields of a class, and are read from it.

    Type and default of an option are those of its field, its help is what the docstring says of
    it. A command takes the whole group as one parameter, annotated with it, which gets the
    values that were given. A dataclass checks its values together, before anything heavy loads.

    Args:
        kind: A dataclass, or a ``TypedDict`` where nothing else has these fields; with a
            docstring in Google style. Annotations say the ranges of numbers.
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

    @property
    def types(self) -> dict[str, str]:
        """Field -> its type as Python writes it."""
        hints = get_type_hints(self.kind)
        return {name: type_name(hints[name]) for name in self.names}

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Field -> parameter of the command, as typer reads it."""
        hints = get_type_hints(self.kind, include_extras=True)
        texts = argument_texts(self.kind)
        parameters = {}
        for name, flag in self.flags.items():
            settings = {
                "help": texts[name],
                "show_default": self.default or True,
                "default": None if self.default else getattr(self.kind, name, None),
                **self.changes.get(name, {}),
            }
            default = settings.pop("default")
            settings.pop("flag", None)
            text = plain_words(settings.pop("help"))
            made = option(self.panel, text, flag, **settings)
            parameter = inspect.Parameter(
                f"{name}_of_{self.kind.__name__}",
                inspect.Parameter.KEYWORD_ONLY,
                default=default,
                annotation=Annotated[hints[name], made],
            )
            parameters[name] = _for_typer(parameter)
        return parameters

    def given(self, context: typer.Context, values: Mapping[str, Any]) -> Given:
        """The options that were given, and those for which the command has another default.

        Args:
            context: The context of the command.
            values: Parameter -> value, of the whole command.

        Raises:
            AnasodError: The dataclass refuses the values together.
        """
        given = {name: c["default"] for name, c in self.changes.items() if c.get("default")}
        for name, parameter in self.parameters.items():
            if was_given(context, parameter.name):
                given[name] = values[parameter.name]
        if is_dataclass(self.kind) and given.keys() >= {*_required(self.kind)}:
            self.kind(**given)
        return given


def _required(kind: type[Any]) -> Iterator[str]:
    for each in fields(kind):
        if each.default is each.default_factory is MISSING:
            yield each.name


def expanded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of its groups, in the place of the parameters of the groups.

    A parameter that is a dataclass stands for those of its constructor.
    """
    parameters, arguments = _expand(command)

    @functools.wraps(command)
    def with_options(*, context: typer.Context, **values: Any) -> Any:
        return command(**arguments(context, values))

    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    set_parameters(with_options, [context, *parameters])
    return with_options


def _expand(function: Callable[..., Any]) -> tuple[list[inspect.Parameter], Arguments]:
    """The options of a function, and what makes its arguments of their values."""
    parameters: list[inspect.Parameter] = []
    own: list[str] = []
    groups: dict[str, OptionGroup] = {}
    bundles: dict[str, tuple[type[Any], Arguments]] = {}
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        kind = parameter.annotation
        group = next((each for each in get_args(kind) if isinstance(each, OptionGroup)), None)
        if group is not None:
            groups[name] = group
            parameters += group.parameters.values()
        elif isinstance(kind, type) and is_dataclass(kind):
            inner, arguments_of_kind = _expand(kind)
            bundles[name] = kind, arguments_of_kind
            parameters += inner
        else:
            parameters.append(_for_typer(parameter))
            own.append(name)

    def arguments(context: typer.Context, values: Mapping[str, Any]) -> dict[str, Any]:
        made = {name: group.given(context, values) for name, group in groups.items()}
        made |= {name: kind(**inner(context, values)) for name, (kind, inner) in bundles.items()}
        return {name: values[name] for name in own} | made

    return parameters, arguments


def option(panel: str, help_text: str, *flags: str, **settings: Any) -> Any:
    """An option, listed by ``--help`` in a panel."""
    return typer.Option(*flags, help=help_text, rich_help_panel=panel, **settings)


def plain_words(text: str) -> str:
    """A text of a docstring without its marks of code and links."""
    return re.sub(r":\w+:`~?([^`]*)`", r"\1", text).replace("``", "")


def _for_typer(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter as typer can read it, with a parser that checks what its annotation says.

    An option that may be repeated is an empty list where it is not given.
    """
    hint, *metadata = get_args(parameter.annotation)
    (info,) = (copy(each) for each in metadata if isinstance(each, ParameterInfo))
    (hint,) = (kind for kind in alternatives(hint) if kind is not NoneType)
    kind, *bounds = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    bounds += [each for each in metadata if isinstance(each, BaseMetadata)]
    if info.parser is None and (kind in _TEXTS or get_origin(kind) is Literal):
        info.parser = _parser(flag_of(parameter.name, info), kind, bounds)
        info.metavar = info.metavar or _METAVARS.get(kind)
    default = parameter.default
    if default is parameter.empty and get_origin(kind) is list and isinstance(info, OptionInfo):
        default = []
    return parameter.replace(
        kind=parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[(kind | None if default is None else kind, info, *bounds)],
    )


def _parser(flag: str, kind: Any, bounds: Sequence[BaseMetadata]) -> Callable[[str], Any]:
    """A parser of numbers within bounds, or of a choice of texts.

    Typer's own does not say which value it refuses, nor which choice is near.
    """

    def parse(text: str) -> Any:
        if kind not in _TEXTS:
            return check_value(flag[2:].replace("-", " "), text, kind)
        try:
            number = kind(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not {_TEXTS[kind]}") from None
        return check_value(flag, number, Annotated[(kind, *bounds)] if bounds else kind)

    return parse
