"""Features that are known of an architecture before its trial, on one scale."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.core.known import KnownMetric
from ax_anasod.exceptions import OptionError
from ax_anasod.typing import Codes, Values

# Where a cell has more codes than this, features are standardised over a sample of them.
_LISTED: Final = 100_000
_SAMPLE: Final = 4096
# What varies less, relative to its largest value, is constant.
_SMALLEST_DEVIATION: Final = 1e-12


class KnownFeatures:
    """Features standardised over all architectures of a cell.

    Each column has mean 0 and variance 1 over the architectures, or over a fixed sample of 4,096
    where the cell has more than 100,000 codes; of a feature of ``f`` columns each is divided by
    the root of ``f``, so that all features have the same prior weight.

    Args:
        cell: The cell.
        metrics: What computes each feature: ``n`` values, or ``n x f``.

    Raises:
        OptionError: A feature has a value that is not finite, another number of values than
            there are architectures, or the same value for all of them.
    """

    def __init__(self, cell: Cell, metrics: Iterable[KnownMetric]) -> None:
        self._features = [_standardized(cell, _SameObject(metric)) for metric in metrics]

    def __call__(self, codes: Codes) -> tuple[Values, ...]:
        """The values of ``n x d`` codes, ``n x f`` for each feature."""
        return tuple(feature(codes) for feature in self._features)


class _Feature:
    """One feature, which looks up what it has computed of a cell that can be listed."""

    def __init__(self, cell: Cell, metric: KnownMetric) -> None:
        self._cell, self._metric = cell, metric
        listed = cell.num_listed <= _LISTED
        codes = cell.enumerate() if listed else cell.sample(_SAMPLE, np.random.default_rng(0))
        values = _columns(metric, codes)
        self._mean, deviation = values.mean(axis=0), values.std(axis=0)
        varies = deviation > _SMALLEST_DEVIATION * np.abs(values).max(axis=0)
        if not varies.any():
            raise OptionError(
                f"the feature {metric.name!r} has the same value for all architectures",
                "it tells none of them apart: leave it out",
            )
        self._scale = np.where(varies, deviation, np.inf) * np.sqrt(varies.sum())
        self._keys = cell.keys(codes[:0] if not listed else codes)
        self._values = self._scaled(values)

    def __call__(self, codes: Codes) -> Values:
        if len(self._keys):
            wanted = self._cell.keys(self._cell.canonical(codes))
            at = np.searchsorted(self._keys, wanted).clip(max=len(self._keys) - 1)
            if (self._keys[at] == wanted).all():
                return np.asarray(self._values[at])
        return self._scaled(_columns(self._metric, codes))

    def _scaled(self, values: Values) -> Values:
        return np.asarray((values - self._mean) / self._scale)


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
