"""The values of a history as the targets of a Gaussian process."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from ax_anasod.core.history import History
from ax_anasod.core.means import unusable_value
from ax_anasod.surrogates.hypervolume import Link
from ax_anasod.typing import Codes, Values

# As in Ax's StandardizeY: values with a smaller deviation are constant.
_SMALLEST_DEVIATION: Final = 1e-8


def standardized_targets(history: History, log_targets: bool) -> tuple[Codes, Values]:
    """Rows and targets of all ended trials: logarithms, then mean 0 and variance 1.

    The first objective is taken. A failed trial counts as the worst value seen. An error of
    exactly 0 counts as half of the smallest other one, as in ``anasod-bo``. Values that are
    all negative are those of a positive quantity that is maximised (the history turns its
    sign): its logarithm is taken, and the sign turned back. Values of both signs are taken as
    they are.

    Source: paper, App. A.1, "ANASOD-BO".

    Args:
        history: The run so far.
        log_targets: Whether to take logarithms of values of one sign.

    Returns:
        Rows ``n x d`` and targets ``n``.
    """
    rows, values, _ = modelled_values(history, log_targets)
    return rows, standardized(values)[0]


def modelled_values(history: History, log_targets: bool) -> tuple[Codes, Values, bool]:
    """Rows and targets of :func:`standardized_targets`, before they are standardised.

    Without logarithms, targets are divided by the largest absolute value.

    Returns:
        Rows ``n x d``, values ``n``, and whether they are logarithms.
    """
    rows, values = history.imputed()
    values, link, _ = linked(values, log_targets)
    return rows, values, link != "identity"


def linked(values: Values, log_targets: bool) -> tuple[Values, Link, float]:
    """Values as logarithms where they have them, else divided by the largest absolute value.

    Args:
        values: ``n`` values.
        log_targets: Whether to take logarithms of values of one sign.

    Returns:
        The values to be standardised, ``n``, and the link and unit of their
        :class:`ax_anasod.surrogates.hypervolume.Scale`.
    """
    # Sums of large values would overflow.
    unit = float(np.abs(values).max(initial=0.0)) or 1.0
    values = values / unit
    signs: dict[Link, float] = {"log": 1.0, "negative_log": -1.0} if log_targets else {}
    for link, sign in signs.items():
        if has_logarithm(sign * values):
            return sign * np.log(lift_zeros(sign * values)), link, unit
    return values, "identity", unit


def standardized(values: Values) -> tuple[Values, float]:
    """The ``n`` values with mean 0 and variance 1, and their divisor."""
    if not len(values):
        return values, 1.0
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    deviation = max(deviation, _SMALLEST_DEVIATION)
    return (values - values.mean()) / deviation, deviation


def half_ranked(values: Values) -> Values:
    """Keep the better half of ``n`` values as it is, and only the order of the worse half.

    A value above the median becomes the quantile, at its rank, of the upper half of a normal
    distribution around the median that is as wide as the better half. The size of bad values
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


def has_logarithm(values: Values) -> bool:
    """Return True if some values are positive and none is negative; NaN values are ignored."""
    return bool((values > 0).any() and not (values < 0).any())


def check_values(history: History, above: float | None) -> None:
    """Check that a model can take all values.

    Args:
        history: The run so far.
        above: A bound that all values must be above; None for no bound.

    Raises:
        ObservationError: A value is not above the bound; the message names its trial.
    """
    if above is None:
        return
    for column, (metric, sign) in enumerate(history.objectives):
        wrong = history.values[:, column] <= above
        if wrong.any():
            row = int(wrong.argmax())
            told = sign * float(history.values[row, column])
            allowed = f"above lower_bound = {above}"
            raise unusable_value(int(history.trial_indices[row]), metric, told, allowed)


def lift_zeros(values: Values) -> Values:
    """Values of at least 0 with a logarithm: 0 becomes half of the smallest positive one.

    Args:
        values: ``n`` values, some of them positive; NaN values stay NaN.
    """
    return np.where(values == 0, values[values > 0].min() / 2, values)
