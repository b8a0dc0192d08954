"""The two schedules of beta, by hand and by property."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.exceptions import ObservationError, OptionError
from ax_anasod.simplex import (
    LinearSchedule,
    TrustRegionSchedule,
    bomze_round,
    sample_biased,
    sample_uniform,
)

observations = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60)
tolerances = st.integers(1, 5)


@st.composite
def trust_regions(draw: st.DrawFn) -> TrustRegionSchedule:
    low, high = sorted(draw(st.tuples(st.floats(0.01, 64), st.floats(0.01, 64))))
    return TrustRegionSchedule(
        beta_max=high,
        beta_min=low,
        success_tolerance=draw(tolerances),
        failure_tolerance=draw(tolerances),
    )


def test_linear_schedule_is_that_of_the_paper() -> None:
    # Appendix A.1: beta_t = t * beta_max / T with beta_max = 2.
    schedule = LinearSchedule(num_trials=300)
    assert schedule.beta(0) == 0
    assert schedule.beta(75) == pytest.approx(0.5)
    assert schedule.beta(300) == 2
    assert schedule.beta(1000) == 2
    assert LinearSchedule(num_trials=10, beta_max=5).beta(4) == pytest.approx(2)


@given(st.integers(1, 1000), st.floats(0, 100), st.integers(0, 2000), st.integers(0, 2000))
def test_linear_schedule_never_falls(num_trials: int, beta_max: float, s: int, t: int) -> None:
    schedule = LinearSchedule(num_trials=num_trials, beta_max=beta_max)
    early, late = sorted((s, t))
    assert 0 <= schedule.beta(early) <= schedule.beta(late) <= beta_max * (1 + 1e-12)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], 0, id="no observation"),
        pytest.param([5, 4, 3], 0, id="halving 0 gives 0"),
        pytest.param([5, 5], 0, id="one failure is not two"),
        pytest.param([5, 5, 6], 1, id="out of 0"),
        pytest.param([5, 6, 6, 6, 6], 2, id="doubled"),
        pytest.param([5, *[6] * 6], 4, id="doubled twice"),
        pytest.param([5, *[6] * 9], 5, id="capped"),
        pytest.param([5, *[6] * 6, 4], 4, id="one success is not two"),
        pytest.param([5, *[6] * 6, 4, 3], 2, id="halved"),
        pytest.param([5, *[6] * 6, 4, 6, 3], 4, id="a failure breaks the row of successes"),
        pytest.param([5, 6, 4, 6, 3, 6], 0, id="a success breaks the row of failures"),
        pytest.param([5, *[6] * 6, 4, 3, 2], 2, id="successes start again after a change"),
        pytest.param([5, *[6] * 6, 4, 3, 2, 1], 1, id="halved twice"),
        pytest.param([5, *[6] * 6, 4, 3, 2, 1, 0, -1], 0, id="below the minimum"),
        pytest.param([5, 6, 6, 6], 1, id="failures start again after a change"),
        pytest.param([5, *[6] * 8, 4, 3], 2.5, id="halved from the cap"),
    ],
)
def test_trust_region_by_hand(values: list[float], expected: float) -> None:
    schedule = TrustRegionSchedule(beta_max=5, beta_min=1, success_tolerance=2, failure_tolerance=2)
    assert schedule.replay(values) == expected


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_failures(bad: float) -> None:
    schedule = TrustRegionSchedule(failure_tolerance=2)
    assert schedule.replay([bad, bad]) == schedule.beta_min
    assert schedule.replay([3.0, bad, bad]) == schedule.beta_min
    # Minus infinity must not become the best value, which nothing could then improve.
    assert schedule.replay([3.0, bad, bad, 2.0]) == 0


@given(trust_regions(), observations)
def test_beta_is_zero_or_within_its_bounds(
    schedule: TrustRegionSchedule, values: list[float]
) -> None:
    beta = schedule.replay(values)
    assert beta == 0 or schedule.beta_min <= beta <= schedule.beta_max


@given(trust_regions(), observations)
def test_replay_depends_on_nothing_but_the_values(
    schedule: TrustRegionSchedule, values: list[float]
) -> None:
    beta = schedule.replay(values)
    schedule.replay([1.0, 2.0])
    assert schedule.replay(np.array(values)) == beta
    assert schedule.replay(iter(values)) == beta
    assert dataclasses.replace(schedule).replay(values) == beta


@given(trust_regions(), st.lists(st.integers(-50, 50), max_size=60))
def test_only_the_order_of_the_values_counts(
    schedule: TrustRegionSchedule, values: list[int]
) -> None:
    assert schedule.replay([math.exp(value / 10) for value in values]) == schedule.replay(values)


@given(trust_regions(), st.integers(0, 400))
def test_failures_alone_only_narrow_and_improvements_alone_only_widen(
    schedule: TrustRegionSchedule, count: int
) -> None:
    failures = [0.0, *[1.0] * 400]
    narrowing = [schedule.replay(failures[:stop]) for stop in (count, count + 1)]
    assert narrowing[0] <= narrowing[1]
    assert schedule.replay(failures) == schedule.beta_max
    improvements = [-float(step) for step in range(1, 401)]
    widening = [schedule.replay(failures + improvements[:stop]) for stop in (count, count + 1)]
    assert widening[0] >= widening[1]
    assert schedule.replay(failures + improvements) == 0


def test_default_steps() -> None:
    schedule = TrustRegionSchedule()
    betas = [schedule.replay([0.0, *[1.0] * (3 * step)]) for step in range(9)]
    assert betas == [0, 0.25, 0.5, 1, 2, 4, 8, 16, 16]
    assert schedule.replay([0.0, *[1.0] * 24, -1.0]) == 8


@pytest.mark.parametrize(
    ("total", "num_operations", "beta", "same", "moved"),
    [
        (6, 5, 0.25, 0.02, 2.3),
        (6, 5, 16.0, 0.89, 0.1),
        (10, 8, 2.0, 0.02, 2.1),
        (10, 8, 16.0, 0.69, 0.3),
        (40, 12, 16.0, 0.00, 3.0),
    ],
)
def test_table_of_the_docstring(
    total: int, num_operations: int, beta: float, same: float, moved: float
) -> None:
    rng = np.random.default_rng(0)
    best = bomze_round(total * sample_uniform(num_operations, 200, rng), total)
    draws = np.stack([sample_biased(row / total, beta, 200, rng) for row in best])
    blocks = np.abs(bomze_round(total * draws, total) - best[:, None]).sum(axis=-1) / 2
    assert (blocks == 0).mean() == pytest.approx(same, abs=0.03)
    assert blocks.mean() == pytest.approx(moved, abs=0.12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta_min": 0}, "beta_min must be above 0, got 0"),
        ({"beta_min": -1.0}, "beta_min must be above 0, got -1.0"),
        ({"beta_min": math.nan}, "beta_min must be finite, got nan"),
        ({"beta_max": math.inf}, "beta_max must be finite, got inf"),
        ({"beta_max": "8"}, "beta_max must be a number, got '8'"),
        ({"beta_min": 2.0, "beta_max": 1.0}, "beta_min must not be above beta_max, got 2.0 > 1.0"),
        ({"success_tolerance": 0}, "success_tolerance must be at least 1, got 0"),
        ({"failure_tolerance": 2.5}, "failure_tolerance must be a whole number"),
    ],
)
def test_trust_region_refuses_options_out_of_range(options: dict[str, float], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        TrustRegionSchedule(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_trials": 0}, "num_trials must be at least 1, got 0"),
        ({"num_trials": 5, "beta_max": -1.0}, "beta_max must be at least 0, got -1.0"),
        ({"num_trials": 5, "beta_max": math.nan}, "beta_max must be finite, got nan"),
    ],
)
def test_linear_schedule_refuses_options_out_of_range(
    options: dict[str, float], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        LinearSchedule(**options)  # type: ignore[arg-type]


def test_linear_schedule_refuses_a_negative_trial() -> None:
    with pytest.raises(OptionError):
        LinearSchedule(num_trials=5).beta(-1)


def test_replay_refuses_what_is_no_number() -> None:
    with pytest.raises(ObservationError):
        TrustRegionSchedule().replay([1.0, None])  # type: ignore[list-item]


def test_schedules_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrustRegionSchedule().beta_max = 1.0  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        LinearSchedule(num_trials=1).num_trials = 2  # type: ignore[misc]
