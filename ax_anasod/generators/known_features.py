"""Features that are known of an architecture before its trial, on one scale."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np
from scipy.stats import spearmanr

from ax_anasod.cells import Cell
from ax_anasod.cells.keys import LISTED
from ax_anasod.core.known import KnownMetric
from ax_anasod.exceptions import OptionError
from ax_anasod.surrogates.paths import effective_paths, num_paths, path_numbers
from ax_anasod.typing import Codes, Values

_SAMPLE: Final = 4096
_BATCH: Final = 256
# Interquartile ranges from the quartiles beyond which Tukey calls a value far out.
_REACH: Final = 3.0
# A feature with a smaller deviation, relative to its largest value, is constant.
_SMALLEST_DEVIATION: Final = 1e-12


def rank_agreement(feature: Values, values: Values) -> float:
    """Spearman's rank correlation of ``n`` values of a feature with ``n`` others.

    It is 0 if one of them is constant.
    """
    constant = np.ptp(feature) == 0 or np.ptp(values) == 0
    return 0.0 if constant else float(spearmanr(feature, values).statistic)


class KnownFeatures:
    """Features standardised over all architectures of a cell.

    Each column has mean 0 and variance 1 over the architectures, or over a fixed sample of 4,096
    where the cell has more than 100,000 codes; each of the ``f`` columns of a feature is divided by
    the root of ``f``, so that all features have the same prior weight. Values farther than three
    interquartile ranges from the quartiles are clipped to this distance: otherwise a few dead
    architectures would hide all differences between the others.

    Args:
        cell: The cell.
        metrics: The metric that computes each feature: ``n`` values, or ``n x f``.

    Raises:
        OptionError: A feature has a value that is not finite, another number of values than
            there are architectures, or the same value for all of them.
    """

    def __init__(self, cell: Cell, metrics: Iterable[KnownMetric]) -> None:
        self._features = [_standardized(cell, _SameObject(metric)) for metric in metrics]

    def __len__(self) -> int:
        return len(self._features)

    def __call__(self, codes: Codes) -> tuple[Values, ...]:
        """The values of ``n x d`` codes, ``n x f`` for each feature."""
        return tuple(feature(codes) for feature in self._features)


def best_architectures(
    cell: Cell, metric: KnownMetric, n: int, rng: np.random.Generator, *, smallest: bool = False
) -> Codes:
    """The architectures with the best values of a feature, each of another function.

    Only the best of those whose paths compute the same is taken
    (:func:`ax_anasod.surrogates.effective_paths`); in a cell without paths only equal architectures
    are the same. If the cell has more than 100,000 codes, a fixed sample of 4,096 is compared.

    Args:
        cell: The cell.
        metric: The metric that computes the feature.
        n: The number of architectures; fewer if there are fewer functions.
        rng: Source of randomness, which decides among equal values.
        smallest: Whether the smallest value is the best.

    Returns:
        Codes, at most ``n x d``, the best first.

    Raises:
        OptionError: A value is not finite, the number of values is not the number of
            architectures, or the feature has several columns.
    """
    codes = _architectures(cell)
    values = _columns(metric, codes)
    if values.shape[1] > 1:
        raise OptionError(
            f"the feature {metric.name!r} has {values.shape[1]} columns, by which nothing is best",
            "start from a feature of one value for each architecture",
        )
    order = np.lexsort((rng.random(len(codes)), values[:, 0] if smallest else -values[:, 0]))
    chosen: dict[bytes, int] = {}
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        for row, function in zip(rows, _functions(cell, codes[rows]), strict=True):
            chosen.setdefault(function.tobytes(), row)
        if len(chosen) >= n:
            break
    return np.asarray(codes[list(chosen.values())[:n]])


def _functions(cell: Cell, codes: Codes) -> Codes:
    """A row for each of ``n x d`` codes; rows are equal if codes compute the same."""
    if num_paths(cell) is None:
        return cell.canonical(codes)
    return np.sort(path_numbers(effective_paths(cell, codes)), axis=1)


def _architectures(cell: Cell) -> Codes:
    """All architectures of a cell, or a fixed sample where they are too many."""
    if cell.num_listed <= LISTED:
        return cell.enumerate()
    return cell.sample(_SAMPLE, np.random.default_rng(0))


class _Feature:
    """One feature, which keeps its values for all architectures of a cell that can be listed."""

    def __init__(self, cell: Cell, metric: KnownMetric) -> None:
        self._cell, self._metric = cell, metric
        codes = _architectures(cell)
        values = _columns(metric, codes)
        low, high = np.quantile(values, [0.25, 0.75], axis=0)
        reach = np.where(high > low, _REACH * (high - low), np.inf)
        self._fences = low - reach, high + reach
        values = values.clip(*self._fences)
        self._mean, deviation = values.mean(axis=0), values.std(axis=0)
        varies = deviation > _SMALLEST_DEVIATION * np.abs(values).max(axis=0)
        if not varies.any():
            raise OptionError(
                f"the feature {metric.name!r} has the same value for all architectures",
                "it tells none of them apart: leave it out",
            )
        self._scale = np.where(varies, deviation, np.inf) * np.sqrt(varies.sum())
        self._keys = cell.keys(codes if cell.num_listed <= LISTED else codes[:0])
        self._values = self._scaled(values)

    def __call__(self, codes: Codes) -> Values:
        if len(self._keys):
            wanted = self._cell.keys(self._cell.canonical(codes))
            at = np.searchsorted(self._keys, wanted).clip(max=len(self._keys) - 1)
            if (self._keys[at] == wanted).all():
                return np.asarray(self._values[at])
        return self._scaled(_columns(self._metric, codes))

    def _scaled(self, values: Values) -> Values:
        return np.asarray((values.clip(*self._fences) - self._mean) / self._scale)


class _SameObject:
    """A metric as the key of a cache: Ax compares metrics by all of their attributes."""

    def __init__(self, metric: KnownMetric) -> None:
        self.metric = metric

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameObject) and other.metric is self.metric

    def __hash__(self) -> int:
        return id(self.metric)


@lru_cache(maxsize=16)
def _standardized(cell: Cell, key: _SameObject) -> _Feature:
    return _Feature(cell, key.metric)


def _columns(metric: KnownMetric, codes: Codes) -> Values:
    """The values of a feature as columns, ``n x f``."""
    values = np.asarray(metric.values(codes), dtype=np.float64)
    columns = values[:, None] if values.ndim == 1 else values
    if columns.ndim != 2 or len(columns) != len(codes) or not columns.size:
        raise OptionError(
            f"the feature {metric.name!r} must have one value, or one row of values, for each of "
            f"{len(codes)} architectures, got shape {values.shape}"
        )
    wrong = ~np.isfinite(columns).all(axis=1)
    if wrong.any():
        raise OptionError(
            f"the feature {metric.name!r} is not finite for {wrong.sum()} of {len(codes)} "
            f"architectures, such as code {codes[wrong.argmax()].tolist()}"
        )
    return columns
