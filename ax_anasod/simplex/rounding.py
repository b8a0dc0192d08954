"""Bomze rounding: the nearest grid point of the simplex.

The rule is Eq. 1 of the paper, which takes it from Bomze, Gollowitzer and Yildirim,
"Rounding on the standard simplex: regular grids for global optimization" (2014): take
the floor of every coordinate and give the blocks that are left to the largest
fractional parts. The result is a nearest grid point in every p-norm with p >= 1, the
maximum norm included.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from ax_anasod.exceptions import EncodingError
from ax_anasod.simplex.counts import whole_number
from ax_anasod.typing import FloatArray, Indices, Mask, Values

# Far above the noise of float64 arithmetic on counts, far below a difference that matters.
_TIE = 1e-9
_LARGEST_TOTAL = 2**32  # float64 still has 20 bits for the fractional parts


def bomze_round(points: ArrayLike, total: int) -> Indices:
    """Rounds points of the simplex to the nearest encodings.

    Fractional parts within 1e-9 of the smallest one that is rounded up are ties, which go
    to the lowest index, and a coordinate that far below an integer counts as that integer,
    so that floating-point noise decides nothing.

    Source: paper, Eq. 1.

    Args:
        points: ``batch_shape x k`` non-negative numbers, in blocks, whose last dimension
            sums to ``total``. Sums and negative coordinates may be off by
            1e-6 * ``total`` (at most 0.25) from floating-point error.
        total: Number of blocks N, at least 1.

    Returns:
        ``batch_shape x k`` counts that sum to ``total``.

    Raises:
        EncodingError: If a point is off the simplex by more than that, or not finite;
            names the first such point.
        OptionError: If ``total`` is no whole number from 1 to 2^32.

    Example:
        >>> bomze_round([[2.6, 2.7, 0.7], [1.5, 1.5, 3.0]], total=6)
        array([[2, 3, 1],
               [2, 1, 3]])
    """
    total = whole_number("total", total, 1, _LARGEST_TOTAL)
    values = _check_points(points, total)
    floors = np.floor(values + _TIE)
    fractions = values - floors  # batch_shape x k, from -1e-9 to 1
    counts = floors.astype(np.int64)
    missing = total - counts.sum(axis=-1, keepdims=True)  # batch_shape x 1
    size = values.shape[-1]
    # The smallest fractional part that is rounded up; where nothing is missing, the largest,
    # above which there is none.
    smallest = np.take_along_axis(
        np.sort(fractions, axis=-1), np.minimum(size - missing, size - 1), axis=-1
    )
    above = fractions > smallest + _TIE
    tied = ~above & (fractions >= smallest - _TIE)
    left_for_ties = missing - above.sum(axis=-1, keepdims=True)
    counts += above | (tied & (np.cumsum(tied, axis=-1) <= left_for_ties))
    return counts


def _check_points(points: ArrayLike, total: int) -> FloatArray:
    """Points as float64, with coordinates that are negative by noise set to 0."""
    try:
        values = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise EncodingError(f"points must form an array of numbers, got {points!r}") from None
    if values.ndim == 0 or values.shape[-1] == 0:
        raise EncodingError(
            f"points must have a last dimension of at least 1, got shape {values.shape}"
        )
    tolerance = min(1e-6 * total, 0.25)
    clipped = np.maximum(values, 0.0)
    # Written so that NaN fails.
    good = (np.abs(clipped.sum(axis=-1) - total) <= tolerance) & (values.min(axis=-1) >= -tolerance)
    if not good.all():
        _refuse_point(values, np.asarray(good), total, tolerance)
    return clipped


def _refuse_point(values: Values, good: Mask, total: int, tolerance: float) -> NoReturn:
    first = int(np.argmin(good))
    point = values.reshape(-1, values.shape[-1])[first]
    index = np.unravel_index(first, good.shape)
    name = f"{', '.join(map(str, index))}: " if index else ""
    where = f"point {name}{point.tolist()}"
    if not np.isfinite(point).all():
        raise EncodingError(f"points must be finite, got {where}")
    if point.min() < -tolerance:
        raise EncodingError(f"points must not be negative, got {where}")
    raise EncodingError(
        f"points must sum to {total} (up to {tolerance:g}), but {where} sums to {point.sum():.10g}",
        "points are in blocks: multiply fractions by the total first",
    )
