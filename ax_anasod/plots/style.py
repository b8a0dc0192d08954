"""Colours and wording that the cards and the pictures share."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import chain, cycle
from typing import Any, Final

import numpy as np
from ax.analysis.plotly.color_constants import AX_BLUE, LIGHT_AX_BLUE
from ax.analysis.plotly.utils import BEST_LINE_SETTINGS

from ax_anasod.cells.drawing import operation_colours as operation_colours
from ax_anasod.core.means import as_stored

GOLD: Final = str(BEST_LINE_SETTINGS["line"]["color"])  # type: ignore[index]
"""The colour of Ax's best line."""

BEST: Final = "#E8A400"
"""The colour of the mark on the best trial: Ax's gold, darker, to stand on white."""

FAILED: Final = "#D1495B"
OPTIMUM: Final = "#2E9E6B"
GREY: Final = "#8A8F98"

_NODES: Final = (AX_BLUE, "#973d96", "#f7931e", "#16A5A5")

ABOVE_BARS: Final = 1.045
"""Height of the marks above stacked bars of height 1."""

# Gaps between bars that are only a few pixels wide would flicker.
_MOST_BARS_WITH_GAPS: Final = 60

MOST_LABELS: Final = 10
"""Up to this number of trials, each has a tick; plotly's own ticks would include halves."""

_UNITS: Final = {"percent": "%", "seconds": "s"}


def node_colours(nodes: Sequence[str]) -> dict[str, str]:
    """A colour for each generation node; the random start before a model is pale.

    Args:
        nodes: The nodes in the order in which they appear in a run.
    """
    pale = [LIGHT_AX_BLUE] if len(nodes) > 1 else []
    return dict(zip(nodes, chain(pale, cycle(_NODES)), strict=False))


def bar_gap(num_bars: int) -> float:
    """The gap between bars, as a share of their distance."""
    return 0.06 if num_bars <= _MOST_BARS_WITH_GAPS else 0.0


def trial_axis(positions: Sequence[int]) -> dict[str, Any]:
    """The settings of plotly's axis of the trials, which shows whole trials only.

    Args:
        positions: Where the trials stand; at least one.
    """
    first, last = min(positions), max(positions)
    return {
        "title": {"text": "trial"},
        "range": [first - 0.5, last + 0.5],
        "dtick": 1 if last - first < MOST_LABELS else None,
        "zeroline": False,
    }


def axis_label(name: str, unit: str = "") -> str:
    """The title of an axis.

    Example:
        >>> axis_label("valid_error", "percent")
        'valid_error [%]'
    """
    return f"{name} [{_UNITS.get(unit, unit)}]" if unit else name


def value_axis(name: str, unit: str = "", **more: Any) -> dict[str, Any]:
    """The settings of plotly's axis of a quantity.

    Args:
        name: The quantity.
        unit: Its unit.
        more: Further settings of the axis.
    """
    return {"title": {"text": plotly_text(axis_label(name, unit))}, "zeroline": False, **more}


def with_unit(value: float, unit: str = "") -> str:
    """A value for people.

    Example:
        >>> with_unit(18.0666667, "percent")
        '18.07 %'
    """
    text = f"{value:.4g}"
    return f"{text} {_UNITS.get(unit, unit)}" if unit else text


def gap_in_words(value: float, optimum: float, unit: str = "") -> str:
    """The distance of a value from an optimum; percentages differ in points.

    Example:
        >>> gap_in_words(19.0666667, 18.0666667, "percent")
        '1 percentage point above the optimum of 18.07 %'
    """
    # A run that was stored has ten decimals of each value.
    stored = as_stored(np.array([value, optimum])).tolist()
    gap = 0.0 if stored[0] == stored[1] else value - optimum
    side = "from" if not gap else "above" if gap > 0 else "below"
    away = with_unit(abs(gap), unit_of_difference(unit))
    away = away.removesuffix("s") if away == "1 percentage points" else away
    return f"{away} {side} the optimum of {with_unit(optimum, unit)}"


def unit_of_difference(unit: str) -> str:
    """The unit of a difference: percentages differ in points.

    Example:
        >>> unit_of_difference("percent"), unit_of_difference("ms")
        ('percentage points', 'ms')
    """
    return "percentage points" if unit == "percent" else unit


def plotly_text(text: str) -> str:
    """Text of a user for plotly, which takes ``<b>`` and the like for markup."""
    return html.escape(text, quote=False)
