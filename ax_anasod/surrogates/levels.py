"""The levels on which two architectures are compared, and how far apart they are on each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ax_anasod.cells import Cell
from ax_anasod.surrogates.effective_paths import effective_paths, num_paths

LevelName = Literal["distribution", "blocks", "paths"]

Distances = dict[LevelName, npt.NDArray[np.intp]]
"""Integer distances ``m x n`` between two sets of architectures, for each level."""


@dataclass(frozen=True)
class Level:
    """One level of the covariance: a kernel of an integer distance.

    Args:
        name: ``"distribution"``: squared Euclidean distance of the operation counts;
            ``"blocks"``: how many operations and wiring choices differ (Hamming);
            ``"paths"``: squared Euclidean distance of how often each effective path occurs
            (:func:`ax_anasod.surrogates.effective_paths`).
        unit: What the distance is divided by.
        lengthscale: Its lengthscale before anything was observed (median of the prior).
    """

    name: LevelName
    unit: float
    lengthscale: float

    def kernel(
        self, distances: npt.NDArray[np.float64], lengthscale: float
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Correlations at these distances, and their derivatives by log lengthscale.

        The exponential of the Hamming distance is BoTorch's ``CategoricalKernel``; the
        others are Matern-5/2 kernels.
        """
        if self.name == "blocks":
            r = distances / (self.unit * lengthscale)
            k = np.exp(-r)
            return k, k * r
        r = np.sqrt(5.0 * distances / self.unit) / lengthscale
        e = np.exp(-r)
        return (1.0 + r + r * r / 3.0) * e, r * r / 3.0 * (1.0 + r) * e


def levels_of(cell: Cell) -> dict[LevelName, Level]:
    """The levels that a cell has; all but ``"paths"`` always."""
    paths = num_paths(cell)
    columns = len(cell.code_sizes)
    levels = [
        Level("distribution", unit=float(cell.num_blocks**2), lengthscale=0.5),
        Level("blocks", unit=float(columns), lengthscale=0.5),
    ]
    if paths is not None:
        levels.append(Level("paths", unit=float(paths), lengthscale=0.7))
    return {level.name: level for level in levels}


class LevelFeatures:
    """What the distances between many architectures and a few are computed from.

    Args:
        cell: The cell.
        codes: ``n x d`` codes.
    """

    def __init__(self, cell: Cell, codes: npt.NDArray[np.int64]) -> None:
        # Whole numbers below 2^24 are exact in single precision, whose products are fast.
        self._counts = cell.encode(codes).astype(np.float32)
        self._one_hot = np.concatenate(
            [np.eye(s, dtype=np.float32)[codes[:, i]] for i, s in enumerate(cell.code_sizes)],
            axis=1,
        )
        self._columns = len(cell.code_sizes)
        self._paths = None if num_paths(cell) is None else effective_paths(cell, codes)

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, rows: slice | npt.NDArray[np.int64]) -> LevelFeatures:
        """The features of some of the architectures."""
        some = LevelFeatures.__new__(LevelFeatures)
        some._counts, some._one_hot = self._counts[rows], self._one_hot[rows]
        some._columns = self._columns
        some._paths = None if self._paths is None else self._paths[rows]
        return some

    def distances(self, others: LevelFeatures, levels: Iterable[LevelName]) -> Distances:
        """The distances of these ``m`` architectures from ``n`` others, ``m x n`` each.

        Exact, by one matrix product a level; time and memory are proportional to m n.

        Args:
            others: The others, of the same cell.
            levels: Which distances; the cell has these levels.
        """
        return {level: self._distances(others, level) for level in levels}

    def _distances(self, others: LevelFeatures, level: LevelName) -> npt.NDArray[np.intp]:
        if level == "distribution":
            own, their = ((f._counts**2).sum(axis=1) for f in (self, others))
            return _squared(own, their, self._counts @ others._counts.T)
        if level == "blocks":
            same: npt.NDArray[np.intp] = (self._one_hot @ others._one_hot.T).astype(np.intp)
            return self._columns - same
        if self._paths is None or others._paths is None:
            raise ValueError("the cell has no level of paths")
        own, their = _norms(self._paths), _norms(others._paths)
        return _squared(own, their, _products(self._paths, others._paths))


def _squared(
    own: npt.NDArray[np.float32], others: npt.NDArray[np.float32], products: npt.NDArray[np.float32]
) -> npt.NDArray[np.intp]:
    """Squared distances ``m x n`` of vectors, given their squared norms and products."""
    squared: npt.NDArray[np.intp] = (own[:, None] + others - 2.0 * products).astype(np.intp)
    return squared


def _norms(bags: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """The sum of the squared frequencies of each of ``m`` bags ``m x W``."""
    pairs = np.zeros(len(bags), dtype=np.float32)
    for column in bags.T:
        pairs += ((bags == column[:, None]).sum(axis=1)) * (column != 0)
    return pairs


def _products(
    bags: npt.NDArray[np.int64], others: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Inner products ``m x n`` of the frequencies in bags ``m x W`` and ``n x W``."""
    kinds = np.unique(others)
    kinds = kinds[kinds != 0]
    products: npt.NDArray[np.float32] = (
        _frequencies(bags, kinds) @ _frequencies(others, kinds).toarray().T
    )
    return products


def _frequencies(
    bags: npt.NDArray[np.int64], kinds: npt.NDArray[np.int64]
) -> sparse.csr_array[np.float32]:
    """How often each of ``F`` kinds is in each of ``m`` bags, ``m x F``."""
    at = np.searchsorted(kinds, bags).clip(max=max(len(kinds) - 1, 0))
    known = kinds[at] == bags if len(kinds) else np.zeros(bags.shape, dtype=bool)
    starts = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    ones = np.ones(starts[-1], dtype=np.float32)
    return sparse.csr_array((ones, at[known], starts), shape=(len(bags), len(kinds)))
