"""Every registered strategy on every built-in cell."""

from __future__ import annotations

from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.testing import StrategyConformance


class TestStrategies(StrategyConformance):
    names = tuple(STRATEGIES)
