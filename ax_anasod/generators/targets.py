"""The values of a history as the targets of a Gaussian process."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import rankdata

from ax_anasod.core.history import History
from ax_anasod.core.means import unusable_value
from ax_anasod.exceptions import ObservationError

# As in Ax's StandardizeY: what varies less is constant.
_SMALLEST_DEVIATION: Final = 1e-8

Signs = Literal["any", "one", "not negative"]
"""Of which signs the values of an objective may be: any, all of one, or never below 0."""

NOT_NEGATIVE: Final = (
    ">= 0, since their logarithm is modelled (the strategy's option log_targets=False models "
    "them as they are)"
)
"""What values must be whose logarithm is modelled, whatever their sign is turned to."""


def standardized_targets(
    history: History, log_targets: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Rows and targets of all ended trials: logarithms, then mean 0 and variance 1.

    The first objective is taken. A failed trial counts as the worst value seen. An error of
    exactly 0 counts as half of the smallest other one, as in ``anasod-bo``. Values that are
    all negative are those of a positive quantity that is maximised (the history turns its
    sign): its logarithm is taken, and the sign turned back.

    Source: paper, App. A.1, "ANASOD-BO".

    Args:
        history: The run so far.
        log_targets: Whether to take logarithms; they need values of one sign.

    Returns:
        Rows ``n x d`` and targets ``n``.

    Raises:
        ObservationError: ``log_targets``, and there are values of both signs.
    """
    rows, values = modelled_values(history, log_targets)
    return rows, standardized(values)[0]


def modelled_values(
    history: History, log_targets: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """As :func:`standardized_targets`, before the targets are standardised.

    Without logarithms they are divided by the largest absolute value.
    """
    rows, values = history.imputed()
    if not len(values):
        return rows, values
    # Sums of large values would overflow.
    values = values / (np.abs(values).max() or 1.0)
    return rows, _signed_log(values, history) if log_targets else values


def standardized(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """The ``n`` values with mean 0 and variance 1, and what they were divided by."""
    if not len(values):
        return values, 1.0
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    deviation = max(deviation, _SMALLEST_DEVIATION)
    return (values - values.mean()) / deviation, deviation


def half_ranked(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keep the better half of ``n`` values as it is, and of the worse half only the order.

    A value above the median becomes the quantile, at its rank, of the upper half of a normal
    distribution around the median that is as wide as the better half. How bad bad values are
    then says nothing, while differences among the good ones, which decide a search, keep
    their scale. Where the better half is constant, the width of all values is taken.

    Source: half-rank warping, Song et al. 2024, "The Vizier Gaussian Process Bandit Algorithm".
    """
    if not len(values):
        return values
    median = np.median(values)
    worse = values > median
    width = np.sqrt(np.mean((values[~worse] - median) ** 2))
    if width <= _SMALLEST_DEVIATION:
        width = np.sqrt(np.mean((values - median) ** 2))
    ranks = rankdata(values[worse]) / (worse.sum() + 1)
    warped = values.copy()
    warped[worse] = median + width * ndtri(0.5 + 0.5 * ranks)
    return warped


def _signed_log(values: npt.NDArray[np.float64], history: History) -> npt.NDArray[np.float64]:
    check_values(history, "one")
    if (values >= 0).all():
        return np.log(lift_zeros(values))
    return -np.log(lift_zeros(-values))


def check_values(history: History, signs: Signs, above: float | None = None) -> None:
    """Refuse values that a model cannot take.

    Args:
        history: The run so far.
        signs: Of which signs the values of each objective may be.
        above: A bound that all must be above, None for none.

    Raises:
        ObservationError: There is such a value; its trial is named.
    """
    indices, values = history.trial_indices, history.values
    for column, (metric, sign) in enumerate(history.objectives):
        told = sign * values[:, column]
        if signs == "not negative":
            _refuse_first(told < 0, told, indices, metric, NOT_NEGATIVE)
        if above is not None:
            reached = values[:, column] <= above
            _refuse_first(reached, told, indices, metric, f"above lower_bound = {above}")
    if signs == "one" and (values[:, 0] < 0).any() and (values[:, 0] > 0).any():
        trials = [int(indices[test].min()) for test in (values[:, 0] < 0, values[:, 0] > 0)]
        raise ObservationError(
            f"the logarithm of the objective is modelled, but its values have both signs "
            f"(trials {trials[0]} and {trials[1]})",
            "if neither is wrong, the strategy's option log_targets=False models them as they are",
        )


def _refuse_first(
    wrong: npt.NDArray[np.bool_],
    values: npt.NDArray[np.float64],
    indices: npt.NDArray[np.int64],
    metric: str,
    allowed: str,
) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise unusable_value(int(indices[row]), metric, float(values[row]), allowed)


def lift_zeros(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values of at least 0 with a logarithm: 0 becomes half of the smallest positive one.

    Args:
        values: ``n`` values; NaN where there is none, which it stays.
    """
    positive = values[values > 0]
    floor = positive.min() / 2 if positive.size else 1.0
    return np.where(values == 0, floor, values)
