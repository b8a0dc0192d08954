"""When a trial is stopped before its end."""

from ax_anasod.early_stopping.percentile import RepeatablePercentileEarlyStoppingStrategy

__all__ = ["RepeatablePercentileEarlyStoppingStrategy"]
