"""Quantities that are measured of a trial, or known before it."""

from ax_anasod.metrics.known_quantities import KnownLookup, KnownSize, KnownSum
from ax_anasod.metrics.proxy import KnownProxy
from ax_anasod.metrics.source import EarlierSearch
from ax_anasod.metrics.trial_metrics import LatencyMetric, LookupMetric, TrainingMetric

__all__ = [
    "EarlierSearch",
    "KnownLookup",
    "KnownProxy",
    "KnownSize",
    "KnownSum",
    "LatencyMetric",
    "LookupMetric",
    "TrainingMetric",
]
