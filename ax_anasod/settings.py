"""Checks of settings, each stated once, by the annotation of the argument that takes it.

Pydantic checks strictly (no text is a number, no truth value either); what it refuses is an
error of this package.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from functools import cache, wraps
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    Self,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from annotated_types import Ge, Gt, Le, Lt

from ax_anasod.exceptions import OptionError, UnknownNameError, shown

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Class = TypeVar("Class", bound=type[Any])
Kind = TypeVar("Kind")

MOST_TRIALS: Final = 10_000_000
"""Largest number of trials and of seeds; also the most architectures that a cell can list."""

LARGEST_SEED: Final = 2**32 - 1
"""The largest seed on the command line, as in NumPy and scikit-learn."""

Count = Annotated[int, Ge(1), Le(MOST_TRIALS)]
PositiveInt = Annotated[int, Ge(1)]
NonNegativeInt = Annotated[int, Ge(0)]
PositiveFloat = Annotated[float, Gt(0)]
NonNegativeFloat = Annotated[float, Ge(0)]
Probability = Annotated[float, Ge(0), Le(1)]
ProperFraction = Annotated[float, Ge(0), Lt(1)]
ProperPercentage = Annotated[float, Gt(0), Lt(100)]

_WORDS: Final = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "finite_number": "finite",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "string_type": "a text",
    "tuple_type": "a tuple",
}
_BOUNDS: Final = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def checked(kind: Class) -> Class:
    """Class decorator: the constructor refuses what its annotations do not allow.

    Floats must be finite, and may be given as whole numbers. Texts annotated as a ``Literal``
    must be one of its values.

    Args:
        kind: A class whose constructor (which may be that of a dataclass) is annotated.

    Raises:
        OptionError: When called: an argument is of another type, or out of its range.
        UnknownNameError: When called: there is no such argument, or a text is none of those
            that its annotation allows.

    Example:
        >>> from dataclasses import dataclass
        >>> @checked
        ... @dataclass
        ... class Training:
        ...     epochs: PositiveInt = 10
        >>> Training(epochs=0)
        Traceback (most recent call last):
        ax_anasod.exceptions.OptionError: epochs must be at least 1, got 0
    """
    init = kind.__init__
    if getattr(init, "is_checked", False):
        return kind
    signature = inspect.signature(init)
    # Names that annotations use may be defined below the class.
    types = cache(lambda: argument_types(kind))

    @wraps(init)
    def checked_init(self: Any, *args: Any, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in signature.parameters:
                known = list(signature.parameters)[1:]
                raise UnknownNameError("option", name, known or ["(none)"])
        annotations = types()
        bound = signature.bind(self, *args, **kwargs)
        for name, value in bound.arguments.items():
            if name in annotations:
                bound.arguments[name] = check_value(name, value, annotations[name])
        init(*bound.args, **bound.kwargs)

    checked_init.is_checked = True  # type: ignore[attr-defined]
    kind.__init__ = checked_init
    return kind


def check_value(name: str, value: Any, annotation: Any) -> Any:
    """Check that a value is what an annotation says.

    Args:
        name: What the value is called.
        value: The value.
        annotation: A type, with its range where it has one.

    Returns:
        The value.

    Raises:
        OptionError: The value is of another type, or out of range.
        UnknownNameError: A text is none of those that the annotation allows.
    """
    from pydantic import ValidationError

    if isinstance(annotation, type) and is_dataclass(annotation):
        # Its own constructor has checked it.
        if isinstance(value, annotation):
            return value
        raise OptionError(f"{name} must be of {annotation.__name__}, got {shown(value)}")
    try:
        return _adapter(annotation).validate_python(value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    given = errors[0]["input"]
    if choices(annotation) and isinstance(given, str):
        raise UnknownNameError(name, given, choices(annotation))
    # For a union, report range errors of the matching type rather than type errors of the others.
    wrong = [e for e in errors if not e["type"].endswith("_type")] or errors
    allowed = list(dict.fromkeys(_words(each, annotation) for each in wrong))
    allowed += ["None"] if NoneType in alternatives(annotation) else []
    raise OptionError(f"{name} must be {' or '.join(allowed)}, got {shown(given)}")


def type_name(annotation: Any) -> str:
    """A type as Python writes it, without its range.

    Example:
        >>> type_name(PositiveInt | None), type_name(Literal["pool", "exhaustive"])
        ('int | None', 'str')
    """
    names = []
    for kind in alternatives(annotation):
        kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        kind = str if choices(kind) else kind
        names.append("None" if kind is NoneType else getattr(kind, "__name__", str(kind)))
    return " | ".join(names)


def _words(error: Mapping[str, Any], annotation: Any) -> str:
    if error["type"].startswith(("greater_than", "less_than")):
        kinds = [kind for each in alternatives(annotation) for kind in (each, *get_args(each))]
        metadata = [each for kind in kinds for each in getattr(kind, "__metadata__", ())]
        bounds = [each for each in metadata if isinstance(each, Ge | Gt | Le | Lt)]
        named = [pair for bound in bounds for pair in asdict(bound).items()]
        return " and ".join(f"{_BOUNDS[name]} {value:,}" for name, value in named)
    return _WORDS.get(error["type"]) or error["msg"].removeprefix("Input should be ")


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the one type.

    Example:
        >>> alternatives(int | None)
        (<class 'int'>, <class 'NoneType'>)
    """
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def choices(annotation: Any) -> tuple[str, ...]:
    """The texts that an annotation allows; empty where it allows any, or none.

    Example:
        >>> choices(PositiveInt | Literal["auto"])
        ('auto',)
    """
    literals = (kind for kind in alternatives(annotation) if get_origin(kind) is Literal)
    return tuple(text for literal in literals for text in get_args(literal))


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    # Pydantic takes a tenth of a second to import, which help and version do without.
    from pydantic import ConfigDict, TypeAdapter

    config = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
    return TypeAdapter(annotation, config=config)


@dataclass(frozen=True)
class Configuration:
    """The base of dataclasses of settings: as JSON-able data, and back from what a file holds."""

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """The settings that `to_dict` described, as a file may hold them.

        Raises:
            OptionError: The description is no mapping, or a value is of another type or range.
            UnknownNameError: There is no option of a name.
        """
        if not isinstance(description, Mapping):
            raise OptionError(f"the options of a {cls.__name__} are {shown(description)}")
        return cls(**description)

    def with_options(self, **options: Any) -> Self:
        """The same settings with other values.

        Raises:
            UnknownNameError: There is no option of a name.
            OptionError: A value is of another type, or out of its range.
        """
        return replace(self, **options)


def argument_types(kind: type[Any]) -> dict[str, Any]:
    """The resolved annotations of a constructor's arguments, by name."""
    return get_type_hints(kind.__init__, include_extras=True)


def argument_texts(kind: type[Any]) -> dict[str, str]:
    """The texts of the ``Args`` section of a class's docstring, by argument.

    Example:
        >>> from ax_anasod.simplex import LinearSchedule
        >>> argument_texts(LinearSchedule)["beta_max"]
        'Beta once all planned trials are done; 0 draws uniformly throughout.'
    """
    section = inspect.cleandoc(kind.__doc__ or "").partition("\nArgs:\n")[2]
    section = re.split(r"\n(?=\S)", section)[0]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}
