"""The levels on which two architectures are compared, and how far apart they are on each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ax_anasod.cells import Cell
from ax_anasod.cells.graph import IDENTITY_OPERATIONS, ZERO_OPERATIONS
from ax_anasod.surrogates.closed_form import matern_5_2
from ax_anasod.surrogates.paths import PATH_BASE, effective_paths, num_paths, path_numbers
from ax_anasod.typing import Codes, FloatArray, Indices, Positions

LevelName = Literal["distribution", "blocks", "paths", "steps", "order"]

Distances = dict[LevelName, Positions]
"""Integer distances ``m x n`` between two sets of architectures, for each level."""


@dataclass(frozen=True)
class Level:
    """One level of the covariance: a kernel of an integer distance.

    Args:
        name: ``"distribution"``: squared Euclidean distance of the operation counts;
            ``"blocks"``: how many operations and wiring choices differ (Hamming);
            ``"paths"``: squared Euclidean distance of how often each effective path occurs
            (:func:`ax_anasod.surrogates.effective_paths`); ``"steps"``: the same of how often
            one operation follows another on them; ``"order"``: the same of how often each
            operation stands somewhere before each other one (:func:`ordered_pairs`).
        unit: What the distance is divided by.
        lengthscale: Its lengthscale before anything was observed (median of the prior).
    """

    name: LevelName
    unit: float
    lengthscale: float

    def kernel(self, distances: FloatArray, lengthscale: float) -> tuple[FloatArray, FloatArray]:
        """Correlations at these distances, and their derivatives by log lengthscale.

        The exponential of the Hamming distance is BoTorch's ``CategoricalKernel``; the
        others are Matern-5/2 kernels.
        """
        if self.name == "blocks":
            r = distances / (self.unit * lengthscale)
            k = np.exp(-r)
            return k, k * r
        k, slope = matern_5_2(np.sqrt(distances / self.unit), lengthscale)
        return k, slope * lengthscale


def levels_of(cell: Cell) -> dict[LevelName, Level]:
    """The levels that a cell has; the last three not always.

    A chain whose blocks add to what they read (:attr:`BlockGraph.residual`) has ``"order"``: what
    a block writes is read by all later ones, wherever they stand, so that neighbours say little.
    Other cells that say which block reads which have ``"paths"`` and ``"steps"``.
    """
    paths = num_paths(cell)
    columns = len(cell.code_sizes)
    levels = [
        Level("distribution", unit=float(cell.num_blocks**2), lengthscale=0.5),
        Level("blocks", unit=float(columns), lengthscale=0.5),
    ]
    if paths is not None:
        levels.append(Level("paths", unit=float(paths), lengthscale=0.7))
        levels.append(Level("steps", unit=2.0 * paths, lengthscale=0.7))
    pairs = cell.parts * cell.total * (cell.total - 1) // 2
    if pairs and cell.block_graph.residual:
        levels.append(Level("order", unit=float(pairs**2), lengthscale=0.5))
    return {level.name: level for level in levels}


class LevelFeatures:
    """The features from which distances between many architectures and a few are computed.

    Args:
        cell: The cell.
        codes: ``n x d`` codes.
    """

    def __init__(self, cell: Cell, codes: Codes) -> None:
        self.codes = codes
        # Whole numbers below 2^24 are exact in single precision, whose products are fast.
        self._counts = cell.encode(codes).astype(np.float32)
        self._one_hot = np.concatenate(
            [np.eye(s, dtype=np.float32)[codes[:, i]] for i, s in enumerate(cell.code_sizes)],
            axis=1,
        )
        self._columns = len(cell.code_sizes)
        self._bags: dict[LevelName, Indices] = {}
        if num_paths(cell) is not None:
            paths = effective_paths(cell, codes)
            self._bags = {"paths": path_numbers(paths), "steps": _steps(paths)}
        if cell.block_graph.residual:
            self._bags["order"] = ordered_pairs(cell, codes)
        self._norms: dict[LevelName, npt.NDArray[np.float32]] = {
            "distribution": (self._counts**2).sum(axis=1),
            **{level: _norms(bags) for level, bags in self._bags.items()},
        }

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, rows: slice | Positions) -> LevelFeatures:
        """The features of some of the architectures."""
        some = LevelFeatures.__new__(LevelFeatures)
        some.codes = self.codes[rows]
        some._counts, some._one_hot = self._counts[rows], self._one_hot[rows]
        some._columns = self._columns
        some._bags = {level: bags[rows] for level, bags in self._bags.items()}
        some._norms = {level: norms[rows] for level, norms in self._norms.items()}
        return some

    def distances(self, others: LevelFeatures, levels: Iterable[LevelName]) -> Distances:
        """The distances of these ``m`` architectures from ``n`` others, ``m x n`` each.

        Exact, by one matrix product a level; time and memory are proportional to m n.

        Args:
            others: The others, of the same cell.
            levels: Which distances; the cell has these levels.
        """
        return {level: self._distances(others, level) for level in levels}

    def _distances(self, others: LevelFeatures, level: LevelName) -> Positions:
        if level == "blocks":
            same: Positions = (self._one_hot @ others._one_hot.T).astype(np.intp)
            return self._columns - same
        if level == "distribution":
            products = self._counts @ others._counts.T
        elif level in self._bags:
            products = _products(self._bags[level], others._bags[level])
        else:
            raise ValueError(f"the cell has no level {level!r}")
        products *= -2.0
        products += self._norms[level][:, None]
        products += others._norms[level]
        return products.astype(np.intp)


def _steps(paths: Indices) -> Indices:
    """One number for each pair of neighbours on a path, ``n x W x L`` to ``n x (W L)``.

    The output counts as what follows the last operation. 0 where there is no pair.
    """
    later = np.concatenate([np.full_like(paths[:, :, :1], PATH_BASE - 1), paths[:, :, :-1]], axis=2)
    pairs = np.where(paths > 0, later * PATH_BASE + paths, 0)
    return pairs.reshape(len(paths), paths.shape[1] * paths.shape[2])


def ordered_pairs(cell: Cell, codes: Codes) -> Indices:
    """The order of operations: one number for each two blocks of a part.

    Operations that add nothing, or what is there already, are left out, and so are two blocks of
    the same operation, of which the distribution knows.

    Args:
        cell: A cell whose blocks are chains.
        codes: ``n x d`` codes.

    Returns:
        ``n x W`` numbers, equal where both operations are, 0 for what is left out.
    """
    first, second = np.triu_indices(cell.total, k=1)
    parts = codes[:, : cell.num_blocks].reshape(len(codes), cell.parts, cell.total)
    before, after = parts[:, :, first], parts[:, :, second]
    counts = np.array([o not in ZERO_OPERATIONS | IDENTITY_OPERATIONS for o in cell.operations])
    kept = counts[before] & counts[after] & (before != after)
    return np.where(kept, 1 + before * cell.num_operations + after, 0).reshape(len(codes), -1)


def _norms(bags: Indices) -> npt.NDArray[np.float32]:
    """The sum of the squared frequencies of each of ``m`` bags ``m x W``; 0 is no member."""
    m, width = bags.shape
    ordered = np.sort(bags, axis=1)
    starts = np.ones(ordered.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.flatnonzero(starts)
    frequencies = np.diff(np.append(first, m * width))
    frequencies[ordered.ravel()[first] == 0] = 0
    return np.bincount(first // width, frequencies**2, minlength=m).astype(np.float32)


def _products(bags: Indices, others: Indices) -> npt.NDArray[np.float32]:
    """Inner products ``m x n`` of the frequencies in bags ``m x W`` and ``n x W``."""
    kinds = np.unique(others)
    kinds = kinds[kinds != 0]
    products: npt.NDArray[np.float32] = (
        _frequencies(bags, kinds) @ _frequencies(others, kinds).toarray().T
    )
    return products


def _frequencies(bags: Indices, kinds: Indices) -> sparse.csr_array[np.float32]:
    """The frequency of each of ``F`` kinds in each of ``m`` bags, ``m x F``."""
    at = np.searchsorted(kinds, bags).clip(max=max(len(kinds) - 1, 0))
    known = kinds[at] == bags if len(kinds) else np.zeros(bags.shape, dtype=bool)
    starts = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    ones = np.ones(starts[-1], dtype=np.float32)
    return sparse.csr_array((ones, at[known], starts), shape=(len(bags), len(kinds)))
