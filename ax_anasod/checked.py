"""Options whose values have the types that their fields say."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from ax_anasod.exceptions import OptionError

_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "None": (type(None),),
}


def check_types(options: Any) -> None:
    """Refuse a field whose value is not of its type.

    A whole number is a ``float``, too; a truth value is no number.

    Args:
        options: A dataclass instance.

    Raises:
        OptionError: A value has another type.
    """
    for field in fields(options):
        value = getattr(options, field.name)
        allowed = [part.strip() for part in str(field.type).split("|")]
        if not any(_is(value, kind) for kind in allowed):
            raise OptionError(f"{field.name} must be {field.type}, got {value!r}")


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind != "bool":
        return False
    if kind in _KINDS:
        return isinstance(value, _KINDS[kind])
    return type(value).__name__ == kind
