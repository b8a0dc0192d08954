"""What is measured of a trial."""

from ax_anasod.metrics.lookup import LookupMetric
from ax_anasod.metrics.training import TrainingMetric

__all__ = ["LookupMetric", "TrainingMetric"]
