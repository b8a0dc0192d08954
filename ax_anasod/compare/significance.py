"""Tests whether a difference between two strategies is more than chance."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ax_anasod.typing import FloatArray

LEVEL: Final = 0.05
"""The p-value up to which a difference is called significant."""


def signed_rank_p(differences: npt.ArrayLike) -> float:
    """Two-sided p-value of the Wilcoxon signed-rank test, exact also where values tie.

    Differences of zero are left out, as Wilcoxon did. Under the null hypothesis each of the
    others is equally likely to be positive or negative; the p-value is the share of the
    ``2^n`` sign patterns whose rank sum is at least as far from its mean as the one seen. With
    n pairs it is never below ``2^(1 - n)``: six pairs are needed for 0.05.

    Source: Wilcoxon 1945, "Individual comparisons by ranking methods"; Pratt & Gibbons 1981
    for the exact distribution under ties.

    Args:
        differences: ``n`` paired differences.

    Returns:
        The p-value; 1 where all differences are zero, or there are none.

    Example:
        >>> signed_rank_p([0.3, 0.1, 0.2, 0.5, 0.4, 0.6])
        0.03125
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[values != 0]
    if not len(values):
        return 1.0
    # Twice the ranks are whole numbers, also where ties share a rank.
    ranks = np.rint(2 * pd.Series(np.abs(values)).rank()).astype(np.int64)
    total = int(ranks.sum())
    ways = np.zeros(total + 1)
    ways[0] = 1.0
    for rank in ranks:
        # Each rank counts with a positive difference, and does not with a negative one.
        ways[rank:] = (ways[rank:] + ways[: total + 1 - rank]) / 2
        ways[:rank] /= 2
    seen = abs(2 * int(ranks[values > 0].sum()) - total)
    distances = np.abs(2 * np.arange(total + 1) - total)
    return float(min(1.0, ways[distances >= seen].sum()))


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """P-values corrected for there being several, so that the family's error stays the level.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".

    Args:
        p_values: ``m`` p-values.

    Returns:
        ``m`` adjusted ones, to be compared with the level.

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    factors = len(values) - np.arange(len(values))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * values[order]))
    return adjusted


def seeds_needed(tests: int) -> int:
    """The fewest seeds with which one of several differences can be significant.

    With n pairs no p-value is below ``2^(1 - n)``, and Holm's correction multiplies the smallest
    one by the number of tests.

    Args:
        tests: The number of differences that are tested.

    Example:
        >>> seeds_needed(1), seeds_needed(3)
        (6, 7)
    """
    return 1 + math.ceil(math.log2(tests / LEVEL))
