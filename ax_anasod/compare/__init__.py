"""Comparing strategies: many runs in many processes, and what they say together.

The names are loaded on first use, so that the processes of a comparison can begin in this
room without loading Ax before they have silenced it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ax_anasod.lazy import lazy_names

if TYPE_CHECKING:
    from ax_anasod.compare.comparison import Comparison as Comparison
    from ax_anasod.compare.comparison import compare_strategies as compare_strategies
    from ax_anasod.compare.comparison_plan import Plan as Plan
    from ax_anasod.compare.contender import Contender as Contender
    from ax_anasod.compare.contender_summary import Summary as Summary
    from ax_anasod.compare.tally import Observer as Observer

_MODULES: Final = {
    "Comparison": "comparison",
    "Contender": "contender",
    "Observer": "tally",
    "Plan": "comparison_plan",
    "Summary": "contender_summary",
    "compare_strategies": "comparison",
}

__all__ = sorted(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
