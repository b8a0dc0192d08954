"""Noise that depends on a seed and on nothing else."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ax_anasod.nasbench.benchmark import FloatArray, IntArray

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_BITS: Final = 53


def standard_normal(seeds: IntArray, keys: IntArray) -> FloatArray:
    """One standard normal number for each pair of a seed and a key.

    Equal pairs give equal numbers, in any batch and any order; numbers of pairs that differ
    anywhere are independent for all practical purposes. The pair is mixed by two rounds of
    SplitMix64 into a uniform number, of which the quantile is taken.

    Source: Steele, Lea & Flood, *Fast splittable pseudorandom number generators* (2014).

    Args:
        seeds: ``n`` seeds.
        keys: ``n`` keys of architectures, see `Cell.keys`.

    Returns:
        ``n`` numbers.

    Example:
        >>> standard_normal(np.array([0, 0, 1]), np.array([5, 6, 5])).round(2).tolist()
        [-0.69, -0.0, 0.5]
    """
    with np.errstate(over="ignore"):
        mixed = _mix(_mix(seeds.astype(np.uint64)) ^ keys.astype(np.uint64))
    uniform = ((mixed >> np.uint64(64 - _BITS)).astype(np.float64) + 0.5) / 2.0**_BITS
    normal: FloatArray = ndtri(uniform)
    return normal


def _mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    numbers = numbers + _GOLDEN
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _FIRST
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _SECOND
    return numbers ^ (numbers >> np.uint64(31))
