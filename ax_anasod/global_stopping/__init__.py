"""When a search is over: Ax strategies for stopping it before its last trial."""

from ax_anasod.global_stopping.expected_improvement import (
    ExpectedImprovementStoppingStrategy,
    check_until_improvement_below,
    promises_too_little,
    stop_reason,
    stopping_strategy_to_dict,
)

__all__ = [
    "ExpectedImprovementStoppingStrategy",
    "check_until_improvement_below",
    "promises_too_little",
    "stop_reason",
    "stopping_strategy_to_dict",
]
