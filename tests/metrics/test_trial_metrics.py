"""Looked-up values as Ax metrics."""

from __future__ import annotations

import pytest
from ax.api.protocols.metric import IMetric
from ax.core.metric import Metric

from ax_anasod.exceptions import UnknownNameError
from ax_anasod.metrics import LookupMetric

METADATA = {"architecture": "conv|skip", "values": {"valid_error": 3.5, "test_error": 4}}


def test_it_is_a_metric_in_both_of_axs_forms() -> None:
    metric = LookupMetric("valid_error")

    assert isinstance(metric, IMetric)
    assert isinstance(metric, Metric)
    assert metric.name == "valid_error"


def test_it_fetches_its_own_value_without_noise() -> None:
    assert LookupMetric("valid_error").fetch(0, METADATA) == (0, 3.5)
    assert LookupMetric("test_error").fetch(0, METADATA) == (0, 4.0)


def test_a_quantity_that_was_not_looked_up_is_named() -> None:
    with pytest.raises(UnknownNameError):
        LookupMetric("valid_eror").fetch(0, METADATA)
