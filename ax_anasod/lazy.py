"""Packages whose public names are loaded on first use (PEP 562).

The names stand once, in the stub ``__init__.pyi`` beside the package, which type checkers read.
"""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path


def names_of_stub(package: str) -> dict[str, str]:
    """Read which names a package has.

    Args:
        package: The ``__name__`` of the package.

    Returns:
        Public name -> the module that it is imported from.
    """
    stub = Path(str(sys.modules[package].__file__)).with_suffix(".pyi")
    return {
        alias.name: str(statement.module)
        for statement in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def lazy_names(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Make the ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Args:
        package: The ``__name__`` of the package.
    """
    modules = names_of_stub(package)

    def load(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        # Names from the package itself are its modules; an import makes them its attributes.
        if modules[name] == package:
            return importlib.import_module(f"{package}.{name}")
        value: object = getattr(importlib.import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return load, names, sorted(modules)
