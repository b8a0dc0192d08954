"""Packages of the optional extras."""

from __future__ import annotations

import importlib.util

from ax_anasod.exceptions import OptionalImportError


def require(package: str, extra: str) -> None:
    """Make sure that a package is installed, without importing it.

    Args:
        package: Its name.
        extra: The extra of ``ax-anasod`` that brings it.

    Raises:
        OptionalImportError: It is not installed.

    Example:
        >>> require("numpy", "baselines")
    """
    if importlib.util.find_spec(package) is None:
        raise OptionalImportError(package, extra)
