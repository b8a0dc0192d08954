"""Which generator when: one builder a strategy, looked up by name."""

from ax_anasod.generation_strategy.baseline_options import (
    EvolutionOptions,
    LocalSearchOptions,
    ReinforceOptions,
    SMACOptions,
    TPEOptions,
)
from ax_anasod.generation_strategy.builders import STRATEGIES, get, make
from ax_anasod.generation_strategy.options import (
    AnasodBOOptions,
    BiasedRandomOptions,
    RandomOptions,
)
from ax_anasod.generation_strategy.strategy import Strategy

__all__ = [
    "STRATEGIES",
    "AnasodBOOptions",
    "BiasedRandomOptions",
    "EvolutionOptions",
    "LocalSearchOptions",
    "RandomOptions",
    "ReinforceOptions",
    "SMACOptions",
    "Strategy",
    "TPEOptions",
    "get",
    "make",
]
