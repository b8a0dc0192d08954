"""The rule: the last trials were all expected to improve the best value by too little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ax_anasod.metadata import EXPECTED_IMPROVEMENT

WINDOW: Final = 5


def promises_too_little(
    metadata: Sequence[Mapping[str, Any] | None],
    improvement_below: float,
    window_size: int = WINDOW,
) -> bool:
    """Return True if the last trials were all expected to improve the best value by too little.

    Args:
        metadata: The ``gen_metadata`` of all trials, in order.
        improvement_below: The threshold, in percent of the best value.
        window_size: The number of last trials; a single proposal may promise little because
            of an unlucky fit.

    Example:
        >>> trials = [{"expected_improvement_percent": p} for p in (3.0, 0.4, 0.2)]
        >>> promises_too_little(trials, improvement_below=0.5, window_size=2)
        True
        >>> promises_too_little(trials, improvement_below=0.5, window_size=3)
        False
    """
    last = [(entry or {}).get(EXPECTED_IMPROVEMENT) for entry in metadata[-window_size:]]
    return len(last) == window_size and all(
        isinstance(percent, int | float) and percent < improvement_below for percent in last
    )


def stop_reason(improvement_below: float, window_size: int = WINDOW) -> str:
    """The reason why a search was stopped, for people."""
    return (
        f"the last {window_size} trials were each expected to improve the best value by less "
        f"than {improvement_below:g} %"
    )
