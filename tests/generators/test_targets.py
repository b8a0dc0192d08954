"""Values as the targets of a Gaussian process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from ax_anasod.core import History
from ax_anasod.generators.targets import half_ranked, standardized_targets

Build = Callable[..., History]


def test_logarithms_with_mean_zero_and_variance_one(history: Build) -> None:
    past = history([[0], [1], [2]], [1.0, 10.0, 1000.0])

    rows, targets = standardized_targets(past, log_targets=True)

    logs = np.array([0.0, 1.0, 3.0])
    np.testing.assert_allclose(targets, (logs - logs.mean()) / logs.std(ddof=1))
    assert rows.tolist() == [[0], [1], [2]]


def test_values_as_they_are(history: Build) -> None:
    _, targets = standardized_targets(history([[0], [1]], [-1.0, 3.0]), log_targets=False)

    np.testing.assert_allclose(targets, np.array([-1.0, 1.0]) / np.sqrt(2.0))


def test_failed_trials_are_the_worst_and_pending_ones_left_out(history: Build) -> None:
    past = replace(
        history([[0], [1], [2], [3]], [1.0, np.nan, np.nan, 4.0]),
        failed=np.array([False, True, False, False]),
    )

    rows, targets = standardized_targets(past, log_targets=True)

    assert rows.tolist() == [[0], [1], [3]]
    assert targets[1] == targets[2] == targets.max()


def test_an_error_of_zero_counts_as_half_the_smallest(history: Build) -> None:
    zero, half = (
        standardized_targets(history([[0], [1], [2]], [value, 2.0, 8.0]), log_targets=True)[1]
        for value in (0.0, 1.0)
    )

    np.testing.assert_allclose(zero, half)


def test_what_is_maximised_keeps_its_order(history: Build) -> None:
    # A history turns the sign of what is maximised.
    _, targets = standardized_targets(history([[0], [1], [2]], [-1.0, -10.0, -100.0]), True)

    np.testing.assert_allclose(targets, [1.0, 0.0, -1.0])


@pytest.mark.parametrize("values", [[3.0, 0.0, -2.0], [0.0, 0.0, 0.0]], ids=str)
def test_values_without_a_logarithm_are_taken_as_they_are(
    history: Build, values: list[float]
) -> None:
    past = history([[0], [1], [2]], values)

    with_log, without = (standardized_targets(past, log_targets=log)[1] for log in (True, False))

    np.testing.assert_array_equal(with_log, without)


@pytest.mark.parametrize("log_targets", [True, False])
@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0, 5.0], [0.0, 0.0], [1e308, 1e300]])
def test_degenerate_values_are_finite(
    history: Build, values: list[float], log_targets: bool
) -> None:
    _, targets = standardized_targets(
        history([[i] for i in range(len(values))], values), log_targets
    )

    assert np.isfinite(targets).all()
    assert (np.abs(targets) < 2).all()


def test_nothing_observed(history: Build) -> None:
    rows, targets = standardized_targets(history([[0]], [np.nan]), log_targets=True)

    assert len(rows) == len(targets) == 0


def test_the_worse_half_keeps_its_order_only() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 1e9])

    warped = half_ranked(values)

    width = np.sqrt((4.0 + 1.0 + 0.0) / 3)
    np.testing.assert_array_equal(warped[:3], values[:3])
    np.testing.assert_allclose(warped[3:], 3.0 + width * norm.ppf([2 / 3, 5 / 6]))
    np.testing.assert_array_equal(half_ranked(np.array([1.0, 2.0, 3.0, 70.0, 80.0])), warped)


@given(st.lists(st.floats(-1e6, 1e6), max_size=30).map(np.array))
def test_half_ranks_keep_the_order_and_the_better_half(values: npt.NDArray[np.float64]) -> None:
    warped = half_ranked(values)

    order = np.argsort(values, kind="stable")
    assert (np.diff(warped[order]) >= 0).all()
    assert np.isfinite(warped).all()
    if len(values):
        better = values <= np.median(values)
        np.testing.assert_array_equal(warped[better], values[better])


@pytest.mark.parametrize("values", [[], [2.0], [2.0, 2.0, 2.0]])
def test_constant_values_stay_as_they_are(values: list[float]) -> None:
    np.testing.assert_array_equal(half_ranked(np.array(values)), values)


def test_a_constant_better_half_takes_the_width_of_all() -> None:
    warped = half_ranked(np.array([1.0, 1.0, 1.0, 3.0]))

    np.testing.assert_allclose(warped[3], 1.0 + norm.ppf(0.75))
