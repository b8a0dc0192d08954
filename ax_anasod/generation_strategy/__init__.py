"""Which generator when: one builder a strategy, looked up by name."""

from ax_anasod.generation_strategy.builders import STRATEGIES, Strategy, get, make
from ax_anasod.generation_strategy.options import (
    AnasodBOOptions,
    BiasedRandomOptions,
    RandomOptions,
)

__all__ = [
    "STRATEGIES",
    "AnasodBOOptions",
    "BiasedRandomOptions",
    "RandomOptions",
    "Strategy",
    "get",
    "make",
]
