"""Examinations that our own strategies pass, for strategies of your own to inherit."""

from ax_anasod.testing.objective import SyntheticObjective
from ax_anasod.testing.rounds import Rounds
from ax_anasod.testing.strategy import StrategyConformance, built_in_cells

__all__ = ["Rounds", "StrategyConformance", "SyntheticObjective", "built_in_cells"]
