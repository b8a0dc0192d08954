"""Bomze rounding: the nearest grid point of the simplex.

The rule is Eq. 1 of the paper, which takes it from Bomze, Gollowitzer and Yıldırım,
"Rounding on the standard simplex: regular grids for global optimization" (2014): take
the floor of every coordinate and give the blocks that are left to the largest
fractional parts. The result is a nearest grid point in every p-norm with p >= 1, the
maximum norm included.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ax_anasod.exceptions import EncodingError
from ax_anasod.simplex._validation import whole_number

# Fractional parts are compared as whole multiples of this step. A power of two, so that
# scaling is exact, and far above the noise of float64 arithmetic on counts.
_STEPS = 2**30
_LARGEST_TOTAL = 2**32  # counts in steps must fit an int64


def bomze_round(points: ArrayLike, total: int) -> NDArray[np.int64]:
    """Rounds points of the simplex to the nearest encodings.

    Fractional parts that differ by less than 2^-30 (1e-9) are ties, which go to the
    lowest index, so that floating-point noise decides nothing: 2.9999999999 counts as 3.

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
    steps = np.rint(values * _STEPS).astype(np.int64)  # batch_shape x k
    counts = steps // _STEPS
    missing = total - counts.sum(axis=-1, keepdims=True)  # batch_shape x 1
    # One distinct key a coordinate: the fractional part first, the lower index second.
    size = values.shape[-1]
    keys = (steps - counts * _STEPS) * size + np.arange(size - 1, -1, -1)
    threshold = np.take_along_axis(
        np.sort(keys, axis=-1), np.minimum(size - missing, size - 1), axis=-1
    )
    counts += (keys >= threshold) & (missing > 0)
    return counts


def _check_points(points: ArrayLike, total: int) -> NDArray[np.float64]:
    """Points as float64, with coordinates that are negative by noise set to 0."""
    hint = "points are in blocks: multiply fractions by the total first"
    try:
        values = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise EncodingError(f"points must form an array of numbers, got {points!r}") from None
    if values.ndim == 0 or values.shape[-1] == 0:
        raise EncodingError(
            f"points must have a last dimension of at least 1, got shape {values.shape}"
        )
    tolerance = min(1e-6 * total, 0.25)
    sums = np.maximum(values, 0.0).sum(axis=-1)
    # Written so that NaN fails.
    good = (np.abs(sums - total) <= tolerance) & (values.min(axis=-1) >= -tolerance)
    if not good.all():
        first = tuple(int(index[0]) for index in np.nonzero(~np.atleast_1d(good)))
        point = values.reshape(np.shape(np.atleast_1d(good)) + values.shape[-1:])[first]
        where = f"point {', '.join(map(str, first))} {point.tolist()}"
        if not np.isfinite(point).all():
            raise EncodingError(f"points must be finite, got {where}")
        if point.min() < -tolerance:
            raise EncodingError(f"points must not be negative, got {point.min():g} in {where}")
        raise EncodingError(
            f"points must sum to {total} (up to {tolerance:g}), but {where} sums to "
            f"{point.sum():.10g}",
            hint,
        )
    return np.maximum(values, 0.0)
