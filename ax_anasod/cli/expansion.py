"""Options that several commands have, written once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

GIVEN = "given"
"""Name of the parameter that stands for the common options."""


def expand(
    command: Callable[..., int],
    options: Sequence[inspect.Parameter],
    names: Mapping[str, str] | None = None,
) -> Callable[..., int]:
    """Give a command common options in the place of its parameter ``given``.

    Args:
        command: Has a parameter ``given``, which it gets as a dictionary.
        options: The parameters of the command line, in the order of ``--help``.
        names: Name of a parameter -> its key in the dictionary, where that is another one.

    Returns:
        The command as the command line sees it.
    """
    names = names or {}
    own = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        if parameter.name == GIVEN:
            parameters += options
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def with_options(**values: Any) -> int:
        given = {names.get(o.name, o.name): values.pop(o.name) for o in options}
        return command(**values, **{GIVEN: given})

    # typer reads both, and not through the wrapped function.
    with_options.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    del with_options.__wrapped__
    return with_options
