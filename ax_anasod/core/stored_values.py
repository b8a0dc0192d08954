"""Numbers as Ax's storage gives them back."""

from __future__ import annotations

import json
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

# What sums and means of equal numbers may differ by, in any order.
_ROUNDING: Final = 1e-13


def as_stored(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The values that would come back if these were saved and loaded by Ax.

    Ax writes observations with ten decimals, in JSON and in SQL, so that a strategy that
    saw more of them before a run was saved than after it would continue differently.
    Applying this twice, or to values that were saved and loaded, changes nothing.

    Args:
        values: ``n`` values.

    Returns:
        ``n`` values; NaN in place of what is not finite.

    Example:
        >>> as_stored(np.array([5.62345678912345, 1 / 3])).tolist()
        [5.6234567891, 0.3333333333]
    """
    # The same writer as Ax's, since two ways to round to ten decimals disagree on ties.
    series = pd.Series(np.asarray(values, dtype=np.float64))
    written = series.to_json(orient="split")
    read = np.array(json.loads(written)["data"], dtype=np.float64)
    # Below 1e-15 the writer changes to ten digits, and the reader of Ax is not exact there.
    return np.where(np.abs(read) < 1e-15, 0.0, read)


def merges(values: npt.NDArray[np.float64], stored: npt.NDArray[np.float64]) -> bool:
    """Whether some of ``n`` values differ, by more than rounding errors, and are stored as equal.

    Args:
        values: The values.
        stored: They as :func:`as_stored` gives them.

    Example:
        >>> tiny = np.array([1.0, 1 + 3e-11, 1 + 2e-16])
        >>> merges(tiny, as_stored(tiny)), merges(tiny[::2], as_stored(tiny[::2]))
        (True, False)
    """
    finite = np.isfinite(stored)
    values, stored = values[finite], stored[finite]
    order = np.lexsort((values, stored))
    values, stored = values[order], stored[order]
    differ = np.diff(values) > _ROUNDING * np.abs(values[1:])
    return bool((differ & (np.diff(stored) == 0)).any())
