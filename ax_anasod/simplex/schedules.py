"""Schedules of beta in Eq. 3, the strength of the bias towards the best encoding.

The meaning of beta: Dir(k * beta * p + 1) has its mode at p and puts the share
beta / (beta + 1) of its mean on p, the rest on the uniform distribution.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ax_anasod.exceptions import ObservationError, OptionError
from ax_anasod.settings import NonNegativeFloat, PositiveFloat, PositiveInt, checked
from ax_anasod.simplex.counts import whole_number


@checked
@dataclass(frozen=True, kw_only=True)
class LinearSchedule:
    """Beta of biased random search, growing linearly from 0.

    Source: paper, Eq. 3 and Appendix A.1 (beta_t = t * beta_max / T, beta_max = 2).

    Args:
        beta_max: Beta once all planned trials are done; 0 draws uniformly throughout.
        num_trials: The planned number of trials T, over which beta grows linearly: after t
            trials it is ``t * beta_max / T``.

    Raises:
        OptionError: A value is out of range.

    Example:
        >>> LinearSchedule(num_trials=100).beta(50)
        1.0
    """

    beta_max: NonNegativeFloat = 2.0
    num_trials: PositiveInt = 300

    def beta(self, t: int) -> float:
        """Beta after ``t`` trials; stays at ``beta_max`` beyond the planned number of trials.

        Args:
            t: Number of trials so far, 0 before the first.

        Raises:
            OptionError: If ``t`` is negative.
        """
        t = min(whole_number("t", t, 0), self.num_trials)
        return t * self.beta_max / self.num_trials


@checked
@dataclass(frozen=True, kw_only=True)
class TrustRegionSchedule:
    """Beta of the probabilistic trust region of ANASOD-BO, driven by success and failure.

    Beta starts at 0, the uniform distribution. A value strictly below all before it is a
    success. After ``success_tolerance`` successes in a row beta is halved, and becomes 0
    where it falls below ``beta_min``; after ``failure_tolerance`` failures in a row it is
    doubled, from 0 to ``beta_min``, up to ``beta_max``. Either change starts both counts
    again. The paper says only "halve" and "double", which never leaves 0: ``beta_min``
    is the step out of it.

    The meaning of the defaults: every success widens, since two improvements in a row become
    rare once a search is under way, and a region that waits for them only ever narrows.
    From 0 to ``beta_max`` it takes 21 failures (7 steps of 3). The table gives the share
    of the draws of Eq. 3 that are the best encoding itself, once rounded / the share at
    most one block away / the mean number of blocks moved, for best encodings that are
    themselves uniform draws:

    ====  ====================  ====================  ====================
    beta  N = 6, k = 5          N = 10, k = 8         N = 40, k = 12
    ====  ====================  ====================  ====================
    0     0.01 / 0.11 / 2.8     0.00 / 0.01 / 4.9     0.00 / 0.00 / 19
    1/4   0.02 / 0.20 / 2.3     0.00 / 0.01 / 4.1     0.00 / 0.00 / 16
    2     0.15 / 0.72 / 1.2     0.02 / 0.26 / 2.1     0.00 / 0.00 / 9.0
    16    0.89 / 1.00 / 0.1     0.69 / 1.00 / 0.3     0.00 / 0.07 / 3.0
    32    0.98 / 1.00 / 0.0     0.93 / 1.00 / 0.1     0.03 / 0.33 / 1.9
    ====  ====================  ====================  ====================

    So 1/4 is hardly narrower than uniform, and at 16 a pool of 100 k draws holds the best
    encoding and its neighbours for the cells of the paper; beyond it the pool collapses to
    the best encoding alone. Cells of 40 blocks bear a larger ``beta_max``.

    Source: paper, Section 3.2 and Algorithm 2, lines 2 and 9.

    Args:
        beta_max: Largest beta.
        beta_min: Smallest beta other than 0.
        success_tolerance: Successes in a row that widen the region.
        failure_tolerance: Failures in a row that narrow it.

    Raises:
        OptionError: A value is out of range, or ``beta_min`` above ``beta_max``.

    Example:
        >>> TrustRegionSchedule(failure_tolerance=2).replay([5.0, 6.0, 6.0])
        0.25
    """

    beta_max: PositiveFloat = 16.0
    beta_min: PositiveFloat = 0.25
    success_tolerance: PositiveInt = 1
    failure_tolerance: PositiveInt = 3

    def __post_init__(self) -> None:
        if self.beta_min > self.beta_max:
            raise OptionError(
                f"beta_min must not be above beta_max, got {self.beta_min} > {self.beta_max}"
            )

    def replay(self, values: Iterable[float]) -> float:
        """Beta after a sequence of observations; a pure function of it.

        Args:
            values: Observed values in the order of their trials, minimised. NaN and the
                infinities are failures.

        Raises:
            ObservationError: If a value is no number.
        """
        beta, best = 0.0, math.inf
        successes = failures = 0
        for position, value in enumerate(values):
            try:
                number = float(value)
            except (TypeError, ValueError):
                raise ObservationError(f"value {position} is no number: {value!r}") from None
            if math.isfinite(number) and number < best:
                best = number
                successes, failures = successes + 1, 0
            else:
                successes, failures = 0, failures + 1
            if successes == self.success_tolerance:
                beta = beta / 2 if beta / 2 >= self.beta_min else 0.0
                successes = 0
            elif failures == self.failure_tolerance:
                beta = min(max(2 * beta, self.beta_min), self.beta_max)
                failures = 0
        return beta
