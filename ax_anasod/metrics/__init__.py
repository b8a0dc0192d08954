"""What is measured of a trial."""

from ax_anasod.metrics.lookup import LookupMetric

__all__ = ["LookupMetric"]
