"""Every registered strategy on every built-in cell, and on one that constraints leave little of."""

from __future__ import annotations

import pytest

from ax_anasod.cells import Cell, ConstrainedCell
from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.simplex import CountConstraint
from ax_anasod.testing import StrategyConformance


@pytest.mark.slow
class TestStrategies(StrategyConformance):
    names = tuple(STRATEGIES)


@pytest.mark.slow
class TestConstraints(StrategyConformance):
    names = tuple(STRATEGIES)
    cells = (
        ConstrainedCell(
            Cell("few", operations=["conv 3x3", "pool", "skip"], num_blocks=5, wiring=[2]),
            [
                CountConstraint((0.0, 0.0, 1.0), 2.0, text="n_skip <= 2"),
                CountConstraint((0.0, 1.0, 0.0), 1.0, True, "n_pool == 1"),
                CountConstraint((-1.0, 0.0, -1.0), -2.0, text="n_conv_3x3 + n_skip >= 2"),
            ],
        ),
    )
