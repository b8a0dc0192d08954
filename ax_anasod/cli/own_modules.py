"""``--import``: modules with strategies, benchmarks and cells of a user's own."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from ax_anasod.exceptions import AnasodError, OptionError


def import_modules(names: Iterable[str]) -> None:
    """Import modules, so that what they register is known.

    They are looked for in the current folder first, as Python does for a script.

    Args:
        names: As in an ``import`` statement.

    Raises:
        OptionError: One is not the name of a module, or cannot be imported.
    """
    from ax_anasod.cli.session import quiet_libraries, waiting

    # A console script has its own folder there instead. Processes that are started get the path.
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    for name in names:
        if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
            raise OptionError(
                f"--import {name!r} is not the name of a module",
                "write it as in an import statement: mine for a file mine.py",
            )
        with quiet_libraries(), waiting(f"importing {name}"):
            _import(name)


def _import(name: str) -> None:
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise _refusal(name, error) from error
        raise OptionError(
            f"--import {name}: there is no such module",
            "it is looked for in this folder, on PYTHONPATH and among installed packages",
        ) from error
    # Whatever a module does while it is imported can fail in any way.
    except Exception as error:
        raise _refusal(name, error) from error


def _refusal(name: str, error: Exception) -> OptionError:
    if isinstance(error, AnasodError):
        return OptionError(f"--import {name}: {error.message}", error.hint)
    message = f"--import {name}: {type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):  # says itself where it is
        return OptionError(message)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return OptionError(message, f"in {Path(frame.filename).name}, line {frame.lineno}")
