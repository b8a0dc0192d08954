"""When a search is over: Ax strategies for stopping it before its last trial.

The names are loaded on first use: the rule itself needs none of Ax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ax_anasod.lazy import lazy_names

if TYPE_CHECKING:
    from ax_anasod.global_stopping.rule import promises_too_little as promises_too_little
    from ax_anasod.global_stopping.rule import stop_reason as stop_reason
    from ax_anasod.global_stopping.stopping_strategy import (
        ExpectedImprovementStoppingStrategy as ExpectedImprovementStoppingStrategy,
    )
    from ax_anasod.global_stopping.stopping_strategy import (
        check_until_improvement_below as check_until_improvement_below,
    )
    from ax_anasod.global_stopping.stopping_strategy import (
        stopping_strategy_to_dict as stopping_strategy_to_dict,
    )

_MODULES: Final = {
    "ExpectedImprovementStoppingStrategy": "stopping_strategy",
    "check_until_improvement_below": "stopping_strategy",
    "promises_too_little": "rule",
    "stop_reason": "rule",
    "stopping_strategy_to_dict": "stopping_strategy",
}

__all__ = sorted(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
