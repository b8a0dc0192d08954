r"""Errors, named after the thing that the user can repair.

Every error of the package carries a message (the offending value and what is
allowed) and, where there is one, a hint (what to do about it). The command line
prints exactly the two, on one line. In both, control characters and the like are written
as in Python (``\x1b``), so that no name of a file acts on the terminal that shows the error.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable

from ax_anasod.escaping import for_terminal

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100


class AnasodError(Exception):
    """Base class of all errors that the package raises on purpose.

    Args:
        message: What is wrong, naming the offending value and what is allowed.
        hint: What to do about it.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        # Both name what was read from files and folders, whose names may hold anything.
        self.message = for_terminal(message)
        self.hint = None if hint is None else for_terminal(hint)
        super().__init__(self.message if hint is None else f"{self.message} ({self.hint})")

    def __reduce__(self) -> tuple[type[AnasodError], tuple[str, str | None]]:
        # The default reduction passes the joined text only, so that an error sent
        # from a worker process would show its hint twice.
        return type(self), (self.message, self.hint)


class EncodingError(AnasodError):
    """Counts or fractions that are no encoding of the cell (sum, sign, integrality)."""


class CellError(AnasodError):
    """A cell definition that describes no search space, or cannot be read."""


class ArchitectureError(AnasodError):
    """An architecture string or code that the cell cannot hold."""


class ParameterError(AnasodError):
    """A value of a parameter beside the cell that is outside of its range or choice."""


class BenchmarkError(AnasodError):
    """A benchmark file or table that is missing, damaged, or lacks what was asked for."""


class ObservationError(AnasodError):
    """There is no objective value that a surrogate could be fitted to, or was trained to."""


class OptionError(AnasodError):
    """An option outside its allowed range, or one that a strategy does not have."""


class DataError(AnasodError):
    """Training images that are missing, damaged, or do not fit together."""


class TrainingError(AnasodError):
    """A network that cannot be trained: it diverged, or the device is not there or too small."""


class ExportError(AnasodError):
    """A network that the format of a file cannot hold, or that a file does not give back."""


class RunError(AnasodError):
    """A run folder that cannot be written, read, or continued."""


class RunLostError(RunError):
    """A run whose folder or journal was deleted, moved, replaced or changed while it worked.

    Args:
        message: What has happened.
        hint: What to do about it.
        moved: Whether all that was written is there, under another name.
    """

    def __init__(self, message: str, hint: str | None = None, *, moved: bool = False) -> None:
        super().__init__(message, hint)
        self.moved = moved


class AnasodWarning(UserWarning):
    """Base class of all warnings of the package."""


class ObservationWarning(AnasodWarning):
    """A value that was reported of a trial cannot be used; the search goes on without it."""


class ObjectiveWarning(AnasodWarning):
    """The objectives of a search are probably not those that were meant."""


class UnknownNameError(AnasodError):
    """A name (cell, operation, strategy, benchmark, data set, column) that does not exist.

    Args:
        kind: What the name should have been, e.g. ``"strategy"``.
        name: The name that was given, or what was given for one.
        known: The names that exist.
    """

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(f"unknown {kind} {shown(name)}", nearest_hint(str(name), self.known))

    def __reduce__(self) -> tuple[type[AnasodError], tuple[str, object, tuple[str, ...]]]:  # type: ignore[override]
        return type(self), (self.kind, self.name, self.known)


class OptionalImportError(AnasodError):
    """A package of an optional extra is not installed.

    Args:
        package: The package that is missing.
        extra: The extra of ``ax-anasod`` that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(
            f"the package {package!r} is not installed", f'pip install "ax-anasod[{extra}]"'
        )

    def __reduce__(self) -> tuple[type[AnasodError], tuple[str, str]]:
        return type(self), (self.package, self.extra)


def shown(value: object) -> str:
    """A value for a message: short, whatever a file holds.

    Example:
        >>> shown("conv"), len(shown("x" * 1000)), shown([1, [2] * 1000])
        ("'conv'", 100, '[1, [2, 2, 2, 2, 2, 2, ...]]')
    """
    try:
        return _SHORT.repr(value)
    except ValueError:
        return "a number of thousands of digits"


def nearest_hint(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """The nearest known name as a suggestion, or all names where none is near.

    Args:
        name: The name that was given.
        known: The names that exist.
        otherwise: What to say where none is near and the names are too many for a line.

    Example:
        >>> nearest_hint("corra", ["cora", "citeseer"])
        "did you mean 'cora'?"
    """
    names = list(known)
    # Comparing takes the product of the lengths; a name of a thousand letters is no mistyped one.
    near = difflib.get_close_matches(name, names, n=1) if len(name) <= 1000 else []
    return f"did you mean {near[0]!r}?" if near else otherwise or f"known: {', '.join(names)}"
