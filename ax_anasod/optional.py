"""Checks before an import: packages of the extras, and docstrings."""

from __future__ import annotations

import importlib.util
import sys

from ax_anasod.exceptions import OptionalImportError, OptionError


def require(package: str, extra: str) -> None:
    """Make sure that a package is installed, without importing it.

    Args:
        package: Its name.
        extra: The extra of ``ax-anasod`` that brings it.

    Raises:
        OptionalImportError: The package is not installed.

    Example:
        >>> require("numpy", "baselines")
    """
    if importlib.util.find_spec(package) is None:
        raise OptionalImportError(package, extra)


def require_docstrings() -> None:
    """Make sure that Python has kept docstrings, without which Ax cannot be imported.

    Raises:
        OptionError: Python was started with ``-OO``.
    """
    if sys.flags.optimize > 1:
        raise OptionError(
            "Ax cannot be imported under python -OO, which drops the docstrings that it copies",
            "use python -O, or unset PYTHONOPTIMIZE",
        )
