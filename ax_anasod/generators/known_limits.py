"""Architectures that keep the limits on known quantities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from ax_anasod.cells import Cell
from ax_anasod.core.history import History
from ax_anasod.exceptions import OptionError

# Draws at a time, and how many of these.
_BATCH: Final = 1024
_BATCHES: Final = 100


def draw_allowed(
    cell: Cell,
    n: int,
    history: History,
    draw: Callable[[int], npt.NDArray[np.int64]],
) -> npt.NDArray[np.int64]:
    """Draw architectures until ``n`` or more of them keep the limits on known quantities.

    Args:
        cell: The cell.
        n: How many are wanted.
        history: The run, which knows the limits.
        draw: Draws so many codes, or more.

    Returns:
        Codes, ``n x d`` or more.

    Raises:
        OptionError: Not so many are among the first hundred thousand draws.
    """
    if not history.known_limits:
        return draw(n)
    found = np.empty((0, len(cell.code_sizes)), dtype=np.int64)
    for _ in range(_BATCHES):
        codes = draw(_BATCH)
        found = np.concatenate([found, codes[history.allowed(codes)]])
        if len(found) >= n:
            return found
    raise none_allowed(cell, history, codes)


def none_allowed(cell: Cell, history: History, codes: npt.NDArray[np.int64]) -> OptionError:
    """The error where nobody can keep the limits on known quantities, and what they may be.

    Args:
        cell: The cell.
        history: The run, which knows the limits.
        codes: ``m x d`` codes that were tried.
    """
    limits = history.known_limits
    nearest = {
        limit.name: limit.sign
        * float((limit.sign * history.known[limit.name].checked_values(codes)).min())
        for limit in limits
    }
    return OptionError(
        f"no architecture of cell {cell.name!r} was found with " + " and ".join(map(str, limits)),
        "by itself each can be as good as "
        + ", ".join(f"{metric} = {value:g}" for metric, value in nearest.items()),
    )
