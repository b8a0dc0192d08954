"""When a trial is stopped before its end."""

from ax_anasod.early_stopping.percentile import (
    RepeatablePercentileEarlyStoppingStrategy,
    stop_worst,
)

__all__ = ["RepeatablePercentileEarlyStoppingStrategy", "stop_worst"]
