from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.analysis.axis import ValueAxis
from ax_anasod.exceptions import OptionError

finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=1, max_size=30), st.booleans(), finite)
def test_best_value_and_optimum_are_visible(values, minimize, optimum):
    axis = ValueAxis.fit(values, optimum, minimize=minimize)
    best = min(values) if minimize else max(values)
    assert axis.lower < axis.upper
    assert not axis.beyond([best, optimum]).any()


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_a_logarithmic_axis_shows_all_values(values):
    axis = ValueAxis.fit(values, log_scale=True)
    assert (axis.place(values) > 0).all()
    assert not axis.beyond(values).any()


@pytest.mark.parametrize(("minimize", "outlier"), [(True, 90.0), (False, 0.5)])
def test_far_out_values_on_the_bad_side_are_cut_off(minimize, outlier):
    values = [6.0, 6.1, 5.9, 6.3, 6.2, 6.0, 5.8, 6.4, outlier]
    axis = ValueAxis.fit(values, minimize=minimize)
    assert axis.beyond(values).tolist() == [False] * 8 + [True]


def test_far_out_values_on_the_good_side_are_what_we_look_for():
    values = [6.0, 6.1, 5.9, 6.3, 6.2, 6.0, 5.8, 6.4, 0.5]
    assert not ValueAxis.fit(values, minimize=True).beyond(values).any()


def test_few_or_equal_values_are_never_cut_off():
    assert not ValueAxis.fit([6.0, 6.1, 90.0]).beyond([90.0]).any()
    assert not ValueAxis.fit([6.0] * 20 + [90.0]).beyond([90.0]).any()


@pytest.mark.parametrize("constant", [0.0, 5.0, -3.0])
def test_a_constant_has_room_around_it(constant):
    axis = ValueAxis.fit([constant] * 12)
    assert axis.lower < constant < axis.upper
    assert axis.upper - axis.lower > 0.1


def test_zero_lies_at_half_of_the_smallest_positive_value_on_a_logarithmic_axis():
    axis = ValueAxis.fit([0.0, 4.0, 10.0], log_scale=True)
    assert axis.place([0.0, 4.0]).tolist() == [2.0, 4.0]


def test_zeros_alone_lie_at_one_on_a_logarithmic_axis():
    axis = ValueAxis.fit([0.0, 0.0], log_scale=True)
    assert axis.place([0.0]).tolist() == [1.0]
    assert axis.lower < 1 < axis.upper


def test_a_logarithmic_axis_refuses_negative_values():
    with pytest.raises(OptionError):
        ValueAxis.fit([1.0, -2.0], log_scale=True)


def test_nan_is_no_value():
    axis = ValueAxis.fit([np.nan, 1.0, 2.0])
    assert axis.lower < 1 < 2 < axis.upper


def test_without_values_there_is_still_an_axis():
    axis = ValueAxis.fit([])
    assert axis.lower < axis.upper
