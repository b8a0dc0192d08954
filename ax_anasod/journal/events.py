"""The events of a trial, as the lines of a run's journal.

One event is one line: a JSON object whose last entry, ``crc32``, is the checksum of the
others and of all lines before. So a line that was changed, damaged, removed or moved is
noticed and never taken for a result.
Numbers are written with all their digits: reading gives the same floats, bit for bit.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

BETWEEN_LAYERS: Final = " ; "
"""The separator between the architectures of a network whose layers differ."""

_CHECKSUM: Final = "crc32"


@dataclass(frozen=True)
class Started:
    """A trial was proposed.

    Args:
        trial: Index of the trial.
        last: Index of the last trial that was proposed together with it.
        parameters: Its Ax parameters.
        node: The node of the generation strategy that proposed it.
        generator: The key of the generator.
        metadata: What the generator says about the proposal, e.g. ``beta``.
    """

    trial: int
    last: int
    parameters: dict[str, Any]
    node: str
    generator: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Completed:
    """A trial has its results.

    Args:
        trial: Index of the trial.
        values: Objective or reported quantity -> value.
        architecture: The architecture that was evaluated, as the benchmark's string; of a
            network whose layers differ one a layer, with `BETWEEN_LAYERS` between them.
        encoding: Operation -> count of the trial's encoding; for a strategy that searches
            architectures, of the whole architecture.
        cost_seconds: Simulated cost of the evaluation in seconds, None where unknown.
        seconds: Wall time since the trial before it ended, in seconds.
    """

    trial: int
    values: dict[str, float]
    architecture: str
    encoding: dict[str, int]
    cost_seconds: float | None
    seconds: float


@dataclass(frozen=True)
class Stopped(Completed):
    """A trial was stopped early; its results are those that it had then."""


@dataclass(frozen=True)
class Failed:
    """A trial has ended without results.

    Args:
        trial: Index of the trial.
        reason: Why, on one line.
        encoding: Operation -> count, as in :class:`Completed`; empty where there is none.
        seconds: Wall time since the trial before it ended, in seconds.
        values: Objective or reported quantity -> value of what was known of it nevertheless, such
            as a latency that breaks a limit.
    """

    trial: int
    reason: str
    encoding: dict[str, int]
    seconds: float
    values: dict[str, float] = field(default_factory=dict)


Event = Started | Completed | Failed

_KINDS: Final[dict[str, type[Event]]] = {
    "start": Started,
    "complete": Completed,
    "stop": Stopped,
    "fail": Failed,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_INTEGERS: Final = frozenset({"trial", "last"})
_NUMBERS: Final = frozenset({"seconds"})
# Of an index or a count; what is larger is no number that this package has written.
_LARGEST: Final = 2**53


def plain_entries(metadata: dict[str, Any] | None) -> dict[str, Any]:
    """The entries that are plain JSON data; a generator may also report its own objects."""

    def is_plain(value: Any) -> bool:
        try:
            return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
        except (TypeError, ValueError):
            return False

    return {name: value for name, value in (metadata or {}).items() if is_plain(value)}


def to_lines(events: Iterable[Event], before: int = 0) -> tuple[bytes, int]:
    """Events as lines of the journal, each with its end of line.

    Args:
        events: The events, in order.
        before: The checksum of the line before, 0 at the beginning.

    Returns:
        The lines, and the checksum of the last one.

    Raises:
        ValueError: A number is not finite.
    """
    lines = []
    for event in events:
        text = _compact({"event": _NAMES[type(event)], **asdict(event)})
        before = zlib.crc32(text.encode(), before)
        lines.append(f'{text[:-1]},"{_CHECKSUM}":{before}}}\n'.encode())
    return b"".join(lines), before


def from_line(line: bytes, before: int | None = 0) -> tuple[Event, int]:
    """The event of a line, and its checksum.

    Args:
        line: The line, without its end.
        before: The checksum of the line before, 0 at the beginning; None where it is not
            known, and the checksum is not looked at.

    Raises:
        ValueError: The line is damaged; the message says how, to be put after its number.
    """
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):  # also a number of thousands of digits
        raise ValueError("is no JSON") from None
    name = content.get("event") if isinstance(content, dict) else None
    if not isinstance(name, str) or name not in _KINDS:
        raise ValueError("is no event of a trial")
    checksum = content.pop(_CHECKSUM, None)
    if type(checksum) is not int or (before is not None and checksum != _checksum(content, before)):
        raise ValueError(
            "does not have the checksum that it was written with: it was changed, or lines "
            "before it were removed or moved"
        )
    kind = _KINDS[content.pop("event")]
    if [f.name for f in fields(kind)] != list(content):
        raise ValueError(f"has the entries {', '.join(content)}")
    wrong = [name for name, value in content.items() if not _is_of_type(name, value)]
    if wrong:
        raise ValueError(f"has {wrong[0]} = {content[wrong[0]]!r}")
    return kind(**content), checksum


def _compact(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def _checksum(content: dict[str, Any], before: int) -> int | None:
    """The checksum of an event; None where a number in it is not finite."""
    try:
        return zlib.crc32(_compact(content).encode(), before)
    except ValueError:
        return None


def _is_of_type(name: str, value: Any) -> bool:
    if name in _INTEGERS:
        return _is_count(value)
    if name in _NUMBERS:
        return _is_number(value)
    if name == "cost_seconds":
        return value is None or _is_number(value)
    if name in _OBJECTS:
        return isinstance(value, dict) and all(map(_OBJECTS[name], value.values()))
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


_OBJECTS: Final[dict[str, Callable[[Any], bool]]] = {
    "parameters": lambda value: isinstance(value, str | bool) or _is_number(value),
    "metadata": lambda value: True,
    "values": _is_number,
    "encoding": _is_count,
}
