"""``--search NAME=RANGE``: numbers of the training and the network that are searched, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ax_anasod.cli.parsing import parse_texts
from ax_anasod.exceptions import OptionError
from ax_anasod.hyperparameters import Choice, Hyperparameter, Hyperparameters, Range
from ax_anasod.settings import type_name
from ax_anasod.training import TrainingTask
from ax_anasod.training.searched import check_searchable, searchable, with_values

_HINT = "learning_rate=1e-3..1e-1:log, channels=8..32 or batch_size=32,64,128, for example"


def parse_searched(texts: Sequence[str], task: TrainingTask) -> Hyperparameters:
    """Read what is searched beside the cell.

    Args:
        texts: ``NAME=LOW..HIGH``, with ``:log`` behind it on a log scale, or ``NAME=A,B,C``.
        task: The training; every bound and value must be possible there.

    Raises:
        OptionError: A text is none of these, a field cannot be searched, or a value is out of
            its range.
        UnknownNameError: There is no such field.
    """
    found = Hyperparameters(tuple(_parse(text) for text in texts))
    for parameter in found.parameters:
        ends = parameter.values if isinstance(parameter, Choice) else _ends(parameter)
        for value in ends:
            with_values(task, {parameter.name: value})
    return found


def _ends(parameter: Any) -> tuple[Any, Any]:
    return parameter.value(parameter.lower), parameter.value(parameter.upper)


def _parse(text: str) -> Hyperparameter:
    name, equals, spec = text.partition("=")
    name, spec = name.strip().replace("-", "_"), spec.strip()
    if not equals or not spec:
        raise OptionError(f"--search {text!r} names no range", _HINT)
    check_searchable(name)
    if ".." not in spec:
        values = [_value(name, value.strip()) for value in spec.split(",")]
        if len(values) < 2:
            raise OptionError(f"--search {text!r} has one value", _HINT)
        ordered = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        return Choice(name, tuple(sorted(values) if ordered else values), ordered)
    bounds, _, scale = spec.partition(":")
    if scale not in ("", "log"):
        raise OptionError(f"--search {text!r}: {scale!r} is no scale", "log is, or leave it out")
    low, high = (_value(name, bound.strip()) for bound in bounds.split("..", 1))
    for bound in (low, high):
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise OptionError(f"--search {text!r}: {bound!r} is no bound of a range", _HINT)
    integer = isinstance(low, int) and isinstance(high, int)
    return Range(name, float(low), float(high), integer=integer, log=scale == "log")


def _value(name: str, text: str) -> Any:
    types = {name: type_name(kind) for name, kind in searchable().items()}
    return parse_texts([f"{name}={text}"], types, "--search", "searched number")[name]
