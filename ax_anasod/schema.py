"""The form of a file, stated once as a type: a dataclass with annotated fields, or a container.

Settings are checked by pydantic (:mod:`ax_anasod.settings`). Files are not: pydantic's strict mode
refuses a dictionary in the place of a dataclass and a list in the place of a tuple, its reader of
JSON refuses names of files that are no UTF-8, and both take NaN.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Literal,
    NoReturn,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from ax_anasod.exceptions import shown

Kind = TypeVar("Kind")

_KINDS: Final[dict[Any, tuple[type, ...]]] = {
    bool: (bool,),
    int: (int,),
    float: (int, float),
    str: (str,),
    NoneType: (NoneType,),
}
_WORDS: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "a text",
    NoneType: "null",
    list: "a list",
    tuple: "a list",
    Mapping: "an object",
    dict: "an object",
}


def parse_json(kind: type[Kind], text: str | bytes) -> Kind:
    """Read a JSON text as a value of a type.

    Args:
        kind: The type, see `conform`.
        text: The text; as bytes, in UTF-8.

    Raises:
        ValueError: The text is no JSON, or of another form; the message says what is wrong, to be
            put after the name of the text.

    Example:
        >>> parse_json(dict[str, float | None], '{"valid": 1, "test": null}')
        {'valid': 1.0, 'test': None}
    """
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"is no JSON: {str(error).partition(';')[0]}") from None
    return conform(kind, content)


def conform(kind: type[Kind], content: object) -> Kind:
    """Read plain data as a value of a type.

    Args:
        kind: A dataclass; bool, int, float (which is finite), str, None, Literal or Any; or
            list, tuple, dict or a union of these. Entries that a dataclass does not have are
            left out; those that it has a default for may be missing.
        content: Dictionaries, lists, texts, numbers and None.

    Raises:
        ValueError: The data are of another form; the message says what is wrong, to be put after
            the name of the file.
        AnasodError: A dataclass refuses a value.
    """
    fitting: Kind = _fit(kind, content, "")
    return fitting


def _fit(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if is_dataclass(hint):
        # A nested dataclass with ``from_dict`` parses its own part.
        stored = getattr(hint, "from_dict", None) if where else None
        return _build(hint, value, where) if stored is None else stored(_mapping(value, where))
    if hint in _KINDS:
        if not _is(value, hint):
            _refuse(hint, value, where)
        return _number(value, where) if hint is float else value
    if origin is Literal:
        if not isinstance(value, str) or value not in arguments:
            _refuse(hint, value, where)
        return value
    if origin in (Union, UnionType):
        kinds = [kind for kind in arguments if _looks_like(value, kind)]
        return _fit(kinds[0], value, where) if kinds else _refuse(hint, value, where)
    if origin in (dict, Mapping):
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            _refuse(hint, value, where)
        return {k: _fit(arguments[1], v, f"{where}[{shown(k)}]") for k, v in value.items()}
    if not isinstance(value, list | tuple):
        _refuse(hint, value, where)
    return origin(_fit(arguments[0], v, f"{where}[{i}]") for i, v in enumerate(value))


def _mapping(value: Any, where: str) -> dict[str, Any]:
    return value if isinstance(value, dict) else _refuse(dict, value, where)


def _build(kind: Any, value: Any, where: str) -> Any:
    value = _mapping(value, where)
    hints, arguments = _hints(kind), {}
    for field in fields(kind):
        name = f"{where}.{field.name}" if where else field.name
        if field.name in value:
            arguments[field.name] = _fit(hints[field.name], value[field.name], name)
        elif field.default is field.default_factory is MISSING:
            raise ValueError(f"lacks {name}")
    try:
        return kind(**arguments)
    except ValueError as error:
        raise ValueError(
            f"is wrong in {where}: {error}" if where else f"is wrong: {error}"
        ) from None


def _is(value: Any, kind: Any) -> bool:
    if kind in _KINDS:
        return isinstance(value, _KINDS[kind]) and (kind is bool or not isinstance(value, bool))
    return kind is Any or (isinstance(kind, type) and isinstance(value, kind))


def _looks_like(value: Any, hint: Any) -> bool:
    """Return True if a value may be of one of several types; its parts are checked later."""
    if is_dataclass(hint) or get_origin(hint) in (dict, Mapping):
        return isinstance(value, dict)
    if get_origin(hint) in (list, tuple):
        return isinstance(value, list | tuple)
    return _is(value, hint)


def _number(value: float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return number if math.isfinite(number) else _refuse(float, value, where)


def _refuse(hint: Any, value: Any, where: str) -> NoReturn:
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType, Literal) else (hint,)
    words = " or ".join(_WORDS.get(get_origin(kind) or kind, repr(kind)) for kind in kinds)
    what = f"has {where} = {shown(value)}" if where else f"is {shown(value)}"
    raise ValueError(f"{what}, not {words}")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
