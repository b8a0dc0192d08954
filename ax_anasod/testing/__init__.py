"""Test classes that every built-in strategy and benchmark passes; subclass them for yours."""

from ax_anasod.testing.benchmark import BenchmarkConformance
from ax_anasod.testing.objective import SyntheticObjective
from ax_anasod.testing.rounds import Rounds
from ax_anasod.testing.strategy import StrategyConformance, built_in_cells

__all__ = [
    "BenchmarkConformance",
    "Rounds",
    "StrategyConformance",
    "SyntheticObjective",
    "built_in_cells",
]
