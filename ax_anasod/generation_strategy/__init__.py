"""Generation strategies, looked up by name: one row each, with its generator."""

from ax_anasod.generation_strategy.one_shot_start import Start
from ax_anasod.generation_strategy.registration import register_strategy
from ax_anasod.generation_strategy.strategies import (
    STRATEGIES,
    check_objectives,
    check_searched_beside,
    check_takes_features,
    get,
    make,
)
from ax_anasod.generation_strategy.strategy import Option, Strategy

__all__ = [
    "STRATEGIES",
    "Option",
    "Start",
    "Strategy",
    "check_objectives",
    "check_searched_beside",
    "check_takes_features",
    "get",
    "make",
    "register_strategy",
]
