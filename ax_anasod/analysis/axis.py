"""The part of the values that a plot shows, and the place of those that it cannot show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ax_anasod.exceptions import OptionError
from ax_anasod.typing import FloatArray, Mask, Values

# Tukey's "far out" values lie this many interquartile ranges beyond the quartiles.
_FAR_OUT = 3.0
# Quartiles of fewer values say nothing about outliers.
_MIN_VALUES = 8
# Share of the visible range left free at either end.
_MARGIN = 0.06
# Half of the smallest positive floats is 0.
_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class ValueAxis:
    """The axis of an objective.

    A few architectures that do not train at all (an error of 90 percent among values
    around 6) would squeeze everything of interest into one line. The axis therefore ends
    before values that lie far out on the bad side; plots mark these at its end.

    Args:
        lower: Lowest visible value.
        upper: Highest visible value.
        log_scale: Whether the axis is logarithmic.
        floor: Where a logarithmic axis shows values of 0, which it has no place for.
    """

    lower: float
    upper: float
    log_scale: bool = False
    floor: float = 0.0

    @classmethod
    def fit(
        cls,
        values: npt.ArrayLike,
        optimum: float | None = None,
        *,
        minimize: bool = True,
        log_scale: bool = False,
    ) -> ValueAxis:
        """The axis that suits some values.

        Args:
            values: ``n`` values; NaN ones are left out.
            optimum: A value that must be visible too.
            minimize: Whether lower is better; the far-out values that are cut off are those
                on the other side.
            log_scale: Whether the axis is logarithmic. It shows every value, and 0 at half
                of the smallest positive value (1 where there is none), where the surrogate
                sees it too.

        Raises:
            OptionError: A logarithmic axis is asked for a negative value.

        Example:
            >>> axis = ValueAxis.fit([6.1, 6.0, 6.4, 5.9, 6.2, 6.1, 6.3, 90.0], optimum=5.6)
            >>> axis.lower < 5.6, 6.4 < axis.upper < 90
            (True, True)
        """
        finite = np.asarray(values, dtype=np.float64).ravel()
        finite = finite[np.isfinite(finite)]
        shown = finite if optimum is None else np.append(finite, optimum)
        if log_scale:
            if (shown < 0).any():
                raise OptionError(
                    f"a logarithmic axis needs values >= 0, got {shown.min()}",
                    "use a linear one",
                )
            positive = shown[shown > 0]
            floor = max(float(positive.min()) / 2, _TINY) if positive.size else 1.0
            logs = np.log10(np.where(shown > 0, shown, floor))
            low, high = _padded(logs)
            return cls(10.0**low, 10.0**high, True, floor)
        low, high = _padded(np.append(_without_far_out(finite, minimize), shown[len(finite) :]))
        return cls(low, high)

    def place(self, values: npt.ArrayLike) -> FloatArray:
        """The places of values: the values themselves; on a logarithmic axis the floor for 0."""
        placed: FloatArray = np.array(values, dtype=np.float64)
        if self.log_scale:
            placed[placed <= 0] = self.floor
        return placed

    def beyond(self, values: npt.ArrayLike) -> Mask:
        """Mask of the values outside the visible range."""
        array = self.place(values)
        outside: Mask = (array < self.lower) | (array > self.upper)
        return outside


def _without_far_out(values: Values, minimize: bool) -> FloatArray:
    if len(values) < _MIN_VALUES:
        return values
    first, third = np.quantile(values, [0.25, 0.75])
    fence = _FAR_OUT * (third - first)
    if fence == 0:
        return values
    kept: Mask = values <= third + fence if minimize else values >= first - fence
    return values[kept]


def _padded(values: Values) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = _MARGIN * (high - low) or max(_MARGIN * abs(high), _MARGIN)
    return low - margin, high + margin
