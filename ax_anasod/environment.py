"""The things that the last digit of a result depends on: versions, and the processor."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("ax-anasod", "ax-platform", "botorch", "gpytorch", "torch", "numpy", "scipy")
_UNKNOWN: Final = "unknown"


def environment() -> dict[str, str]:
    """Name -> version of Python and the packages that compute, and the processor's name.

    Example:
        >>> sorted(environment())[:3]
        ['Python', 'ax-anasod', 'ax-platform']
    """
    return {
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "processor": _processor(),
    }


def changes(then: Mapping[str, str]) -> str | None:
    """The differences between an environment and this one, for a message; None if there are none.

    Args:
        then: What :func:`environment` returned earlier.

    Example:
        >>> changes({**environment(), "numpy": "1.0", "torch": "1.0"})  # doctest: +ELLIPSIS
        'numpy 1.0 (now ...), torch 1.0 (now ...)'
        >>> changes(environment())
    """
    now = environment()
    different = [
        f"{name} {then.get(name, _UNKNOWN)} (now {now.get(name, _UNKNOWN)})"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    return ", ".join(different) or None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine() or _UNKNOWN
