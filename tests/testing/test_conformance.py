"""Every registered strategy on every built-in cell."""

from __future__ import annotations

import pytest

from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.testing import StrategyConformance


@pytest.mark.slow
class TestStrategies(StrategyConformance):
    names = tuple(STRATEGIES)
