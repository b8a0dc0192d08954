"""Run files: the options of a command in TOML, which the command line goes before."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin

import typer

from ax_anasod.exceptions import OptionError, nearest_hint, shown
from ax_anasod.files import read_bytes, write_whole
from ax_anasod.settings import alternatives, choices

_MOST_BYTES: Final = 2**20
_FILE: Final = "run_file"
_SAVE: Final = "save_options"
# Type of an option -> what a value in the file must be, in words, and in JSON schema.
_TYPES: Final[dict[type, tuple[tuple[type, ...], str, str]]] = {
    bool: ((bool,), "true or false", "boolean"),
    int: ((int,), "a whole number", "integer"),
    float: ((int, float), "a number", "number"),
    str: ((str,), "a text", "string"),
    Path: ((str,), "a text", "string"),
}


@dataclass(frozen=True)
class _Option:
    """An option of a command.

    Args:
        name: As in the file: that of the command line without its dashes.
        parameter: The parameter of the command.
        kind: The type of its value, or of each where it may be repeated.
        repeated: Whether it may be.
        text: Its help.
        least: The least whole number.
        choices: The texts that it may be; empty for any.
    """

    name: str
    parameter: str
    kind: type
    repeated: bool
    text: str
    least: int | None
    choices: tuple[str, ...]

    def words(self, value: Any, file: Path) -> Any:
        """A value of the file as on the command line.

        Raises:
            OptionError: It is of another type.
        """
        types, words, _ = _TYPES[self.kind]
        values = value if self.repeated and isinstance(value, list) else [value]
        right = isinstance(value, list) == self.repeated
        if not right or not all(type(each) in types for each in values):
            wanted = f"a list ([{words}, ...])" if self.repeated else words
            raise OptionError(f"{self.name} in the run file {file} is {shown(value)}, not {wanted}")
        texts = [each if isinstance(each, bool) else str(each) for each in values]
        return texts if self.repeated else texts[0]

    def schema(self) -> dict[str, Any]:
        """What a value must be, as a JSON schema."""
        one: dict[str, Any] = {"type": _TYPES[self.kind][2]}
        if self.least is not None:
            one["minimum"] = self.least
        if self.choices:
            one["enum"] = list(self.choices)
        whole = {"type": "array", "items": one} if self.repeated else one
        return {"description": self.text, **whole}


def with_run_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command with options an argument, its run file, and an option that writes one."""
    own = inspect.signature(command)

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
            if (source := context.get_parameter_source(option.parameter)) is not None
            and source.name != "DEFAULT"
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
    from_file.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[*own.parameters.values(), *parameters]
    )
    from_file.__annotations__ = {
        **command.__annotations__,
        **{p.name: p.annotation for p in parameters},
    }
    del from_file.__wrapped__
    return from_file


def schema(name: str, command: Callable[..., Any]) -> dict[str, Any]:
    """The JSON schema of the run files of a command.

    Args:
        name: Its name.
        command: It, with its options expanded.
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
        found = [m for m in get_args(parameter.annotation) if isinstance(m, _OptionInfo)]
        if not found or name == _SAVE:
            continue
        info, hint = found[0], get_args(parameter.annotation)[0]
        if info.hidden:
            continue
        (hint,) = (kind for kind in alternatives(hint) if kind is not NoneType)
        repeated = get_origin(hint) is list
        # Of an annotation typer takes the first of its names for a default.
        flags = [t for t in (info.default, *(info.param_decls or ())) if isinstance(t, str)]
        kind = get_args(hint)[0] if repeated else hint
        flag = next(iter(flags), f"--{name.replace('_', '-')}")
        yield _Option(
            name=flag.partition("/")[0].removeprefix("--"),
            parameter=name,
            kind=str if choices(kind) else kind,
            repeated=repeated,
            text=info.help or "",
            least=getattr(info.parser, "least", None),
            choices=choices(kind),
        )


# Typer does not export the class of what `typer.Option` returns.
_OptionInfo: Final = type(typer.Option())


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
    # A JSON text is one of TOML, but for one character.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
