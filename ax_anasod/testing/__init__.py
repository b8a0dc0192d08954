"""Test classes that every built-in strategy and benchmark passes; subclass them for yours."""

from ax_anasod.testing.benchmark_conformance import BenchmarkConformance
from ax_anasod.testing.objective import SyntheticObjective
from ax_anasod.testing.strategy_conformance import Rounds, StrategyConformance, built_in_cells

__all__ = [
    "BenchmarkConformance",
    "Rounds",
    "StrategyConformance",
    "SyntheticObjective",
    "built_in_cells",
]
