"""Run files: the options of a command in TOML, which the command line goes before."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, get_args

import typer

from ax_anasod.cli._typer import OptionInfo, flag_of, set_parameters, was_given
from ax_anasod.exceptions import OptionError, nearest_hint, shown
from ax_anasod.files import read_bytes, write_whole
from ax_anasod.settings import alternatives, check_value

_MOST_BYTES: Final = 2**20
_FILE: Final = "run_file"
_SAVE: Final = "save_options"
# TOML has no paths.
_IN_FILE: Final = {Path: str, list[Path]: list[str]}


@dataclass(frozen=True)
class _Option:
    """An option of a command.

    Args:
        name: Name in the file: that of the command line without its dashes.
        parameter: The parameter of the command.
        kind: The type of its value in the file, with its range.
        text: Its help.
    """

    name: str
    parameter: str
    kind: Any
    text: str

    def words(self, value: Any, file: Path) -> Any:
        """A value of the file as on the command line.

        Raises:
            OptionError: The value is of another type, or out of range.
            UnknownNameError: The value is a text that the option does not allow.
        """
        check_value(f"{self.name} in the run file {file}", value, self.kind)
        if isinstance(value, list):
            return [str(each) for each in value]
        return value if isinstance(value, bool) else str(value)

    def schema(self) -> dict[str, Any]:
        """The JSON schema of a value."""
        from pydantic import TypeAdapter

        return {"description": self.text, **TypeAdapter(self.kind).json_schema()}


def with_run_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command with options an argument, its run file, and an option that writes one."""

    @functools.cache
    def options() -> dict[str, _Option]:
        return {option.name: option for option in _options(command)}

    def read(context: typer.Context, value: Path | None) -> Path | None:
        if value is not None and not context.resilient_parsing:
            context.default_map = _read(value, options(), context.command_path)
        return value

    @functools.wraps(command)
    def from_file(*, context: typer.Context, **values: Any) -> Any:
        values.pop(_FILE)
        place = values.pop(_SAVE)
        if place is None:
            return command(context=context, **values)
        if place.is_file():
            raise OptionError(f"{place} is there already", "delete it, or choose another name")
        given = {
            option.name: values[option.parameter]
            for option in options().values()
            if was_given(context, option.parameter)
        }
        lines = [f"{name} = {_toml(value)}\n" for name, value in given.items()]
        head = f"# ax-anasod {context.info_name} {place}\n"
        write_whole(place, head + "".join(lines), "choose another place")
        return 0

    argument = typer.Argument(
        metavar="FILE",
        help="Run file: options as 'trials = 30' in TOML; what is on the command line wins.",
        callback=read,
        is_eager=True,
        show_default=False,
    )
    option = typer.Option(
        "--save-options",
        metavar="FILE",
        help="Write the options that are given into a run file, and do nothing else.",
        rich_help_panel="Output",
    )
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in (
            (_FILE, Annotated[Path | None, argument]),
            (_SAVE, Annotated[Path | None, option]),
        )
    ]
    set_parameters(from_file, [*inspect.signature(command).parameters.values(), *parameters])
    return from_file


def schema(name: str, command: Callable[..., Any]) -> dict[str, Any]:
    """The JSON schema of the run files of a command.

    Args:
        name: Its name.
        command: The command function, with its option groups expanded.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Options of ax-anasod {name}",
        "type": "object",
        "additionalProperties": False,
        "properties": {option.name: option.schema() for option in _options(command)},
    }


def _options(command: Callable[..., Any]) -> Iterator[_Option]:
    for name, parameter in inspect.signature(command).parameters.items():
        hint, *metadata = get_args(parameter.annotation) or (None,)
        found = [each for each in metadata if isinstance(each, OptionInfo)]
        if not found or name == _SAVE or found[0].hidden:
            continue
        (kind,) = (each for each in alternatives(hint) if each is not NoneType)
        yield _Option(
            name=flag_of(name, found[0])[2:],
            parameter=name,
            kind=Annotated[(_IN_FILE.get(kind, kind), *metadata)],
            text=found[0].help or "",
        )


def _read(file: Path, options: Mapping[str, _Option], command: str) -> dict[str, Any]:
    """The options of a run file: parameter -> value as on the command line.

    Args:
        file: The file.
        options: Name -> option of the command.
        command: The command, as it is called.

    Raises:
        OptionError: It cannot be read, is no TOML, there is no such option, or a value is of
            another type.
    """
    import tomllib

    try:
        content = tomllib.loads(read_bytes(file, _MOST_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise OptionError(f"the run file {file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise OptionError(f"the run file {file} is no TOML: {error}") from error
    for name, value in content.items():
        if name in options:
            continue
        if isinstance(value, dict):
            raise OptionError(
                f"the run file {file} has a table {shown(name)}",
                "options stand in none: NAME = VALUE, above the first [...]",
            )
        hint = nearest_hint(name, options, f"they are those of {command} --help")
        raise OptionError(f"the run file {file} has {shown(name)}, which is no option", hint)
    return {options[k].parameter: options[k].words(v, file) for k, v in content.items()}


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    # A JSON string is a valid TOML string, except for the character DEL.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
