"""Architectures that keep the limits on known quantities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.cells.keys import LISTED
from ax_anasod.core import History, KnownMetric
from ax_anasod.exceptions import OptionError
from ax_anasod.generators.fixed import list_with_fixed
from ax_anasod.objectives import Limit
from ax_anasod.truth import best_in_words
from ax_anasod.typing import Codes

# The size of a batch of draws, and the most batches.
_BATCH: Final = 1024
_BATCHES: Final = 100


def draw_allowed(
    cell: Cell,
    n: int,
    history: History,
    draw: Callable[[int], Codes],
    fixed: Mapping[int, int],
    rng: np.random.Generator,
) -> Codes:
    """Draw architectures until ``n`` or more of them keep the limits on known quantities.

    If a cell can be listed, and about as many draws as it has codes find too few, all architectures
    that keep the limits are listed and drawn from uniformly.

    Args:
        cell: The cell.
        n: The number that is wanted.
        history: The run, which knows the limits.
        draw: Draws a given number of codes, or more.
        fixed: Column -> value that they have.
        rng: Source of randomness, used if they are listed.

    Returns:
        Codes, ``n x d`` or more.

    Raises:
        OptionError: No architecture keeps the limits; or, in a cell too large to list, fewer than
            ``n`` of a hundred thousand draws do.
    """
    if not history.known_limits:
        return draw(n)
    found = np.empty((0, len(cell.code_sizes)), dtype=np.int64)
    is_listed = cell.num_listed <= LISTED
    for _ in range(1 + cell.num_listed // _BATCH if is_listed else _BATCHES):
        codes = draw(_BATCH)
        found = np.concatenate([found, codes[history.allowed(codes)]])
        if len(found) >= n:
            return found
    if is_listed:
        codes = list_with_fixed(cell, fixed) if fixed else cell.enumerate()
        kept = codes[history.allowed(codes)]
        if len(kept):
            return np.asarray(kept[rng.integers(len(kept), size=n)])
    raise none_allowed(cell, history, codes)


def check_can_be_kept(
    cell: Cell, limits: Sequence[Limit], known: Mapping[str, KnownMetric]
) -> None:
    """Check that an architecture keeps the limits, for strategies that know encodings only.

    Args:
        cell: The cell.
        limits: The limits.
        known: Name -> metric that computes it from codes; it holds the limited ones, or more.

    Raises:
        OptionError: No architecture keeps the limits; or, in a cell too large to list, none of a
            hundred thousand draws does.
    """
    rng = np.random.default_rng(0)
    no_trials = History(
        rows=np.empty((0, len(cell.code_sizes)), dtype=np.int64),
        values=np.empty((0, 1)),
        trial_indices=np.empty(0, dtype=np.int64),
        failed=np.empty(0, dtype=np.bool_),
        position=0,
        limits=tuple(limits),
        known=known,
    )
    draw_allowed(cell, 1, no_trials, lambda n: cell.sample(n, rng), {}, rng)


def none_allowed(cell: Cell, history: History, codes: Codes) -> OptionError:
    """The error if no architecture keeps the limits, with limits that can be kept as its hint.

    Args:
        cell: The cell.
        history: The run, which knows the limits.
        codes: ``m x d`` codes that were tried.
    """
    limits = history.known_limits
    values = {limit.name: history.known[limit.name].checked_values(codes) for limit in limits}
    return OptionError(
        f"no architecture of cell {cell.name!r} was found with " + " and ".join(map(str, limits)),
        best_in_words(limits, values),
    )
