from __future__ import annotations

import pytest
from ax.api.client import Client
from ax.api.configs import RangeParameterConfig

from ax_anasod._ax import experiment_of
from ax_anasod.analysis import (
    BlockExchangePlot,
    DistributionSlicePlot,
    IncumbentPlot,
    OperationDistributionPlot,
    SearchSummary,
)
from ax_anasod.analysis.applicability import given
from ax_anasod.exceptions import OptionError

CARDS = [
    BlockExchangePlot,
    DistributionSlicePlot,
    IncumbentPlot,
    OperationDistributionPlot,
    SearchSummary,
]


@pytest.mark.parametrize("kind", CARDS)
def test_a_foreign_experiment_gets_a_sentence(kind):
    client = Client()
    client.configure_experiment(
        [RangeParameterConfig(name="x", parameter_type="float", bounds=(0, 1))]
    )
    reason = kind().validate_applicable_state(experiment_of(client))
    assert reason.startswith("the experiment does not say which cell it searches")


@pytest.mark.parametrize("kind", CARDS)
def test_no_experiment_gets_a_sentence(kind):
    assert kind().validate_applicable_state() == "An experiment must be given."
    with pytest.raises(OptionError, match="the card needs an experiment"):
        kind().compute()


def test_given_passes_values_on():
    assert given(0, "a number") == 0
