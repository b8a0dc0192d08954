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
    EncodingOptions,
    RandomOptions,
)
from ax_anasod.generation_strategy.registration import OwnOptions, register_strategy
from ax_anasod.generation_strategy.start import Start
from ax_anasod.generation_strategy.strategy import Strategy
from ax_anasod.generation_strategy.surrogate_options import (
    AdjacencyBOOptions,
    AdjacencyNEPOptions,
    AnasodNEPOptions,
    BananasOptions,
    GCNBOOptions,
    NASBowlOptions,
    PathBOOptions,
    PathNEPOptions,
)
from ax_anasod.generation_strategy.two_level import TwoLevelOptions

__all__ = [
    "STRATEGIES",
    "AdjacencyBOOptions",
    "AdjacencyNEPOptions",
    "AnasodBOOptions",
    "AnasodNEPOptions",
    "BananasOptions",
    "BiasedRandomOptions",
    "EncodingOptions",
    "EvolutionOptions",
    "GCNBOOptions",
    "LocalSearchOptions",
    "NASBowlOptions",
    "OwnOptions",
    "PathBOOptions",
    "PathNEPOptions",
    "RandomOptions",
    "ReinforceOptions",
    "SMACOptions",
    "Start",
    "Strategy",
    "TPEOptions",
    "TwoLevelOptions",
    "get",
    "make",
    "register_strategy",
]
