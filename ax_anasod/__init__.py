"""ANASOD: neural architecture search over operation distributions, on top of Ax.

The public names of the package, each loaded from its room on first use (PEP 562):
a bare ``import ax_anasod`` pulls in neither torch nor Ax nor numpy, so that the
command line answers at once.

Example:
    >>> import ax_anasod
    >>> ax_anasod.UnknownNameError("dataset", "corra", ["cora", "arxiv"]).hint
    "did you mean 'cora'?"
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ax_anasod.exceptions import AnasodError as AnasodError
    from ax_anasod.exceptions import ArchitectureError as ArchitectureError
    from ax_anasod.exceptions import BenchmarkError as BenchmarkError
    from ax_anasod.exceptions import CellError as CellError
    from ax_anasod.exceptions import EncodingError as EncodingError
    from ax_anasod.exceptions import ObservationError as ObservationError
    from ax_anasod.exceptions import OptionalImportError as OptionalImportError
    from ax_anasod.exceptions import OptionError as OptionError
    from ax_anasod.exceptions import RunError as RunError
    from ax_anasod.exceptions import UnknownNameError as UnknownNameError

_ROOMS = {
    "exceptions": (
        "AnasodError",
        "ArchitectureError",
        "BenchmarkError",
        "CellError",
        "EncodingError",
        "ObservationError",
        "OptionError",
        "OptionalImportError",
        "RunError",
        "UnknownNameError",
    ),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = sorted(_ROOM_OF)  # noqa: PLE0605


def __getattr__(name: str) -> object:
    if name in _ROOM_OF:
        value: object = getattr(importlib.import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM_OF, *_ROOMS})
