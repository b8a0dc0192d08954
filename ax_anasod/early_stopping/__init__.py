"""Early stopping of trials."""

from ax_anasod.early_stopping.percentile import (
    RepeatablePercentileEarlyStoppingStrategy,
    stop_worst,
)

__all__ = ["RepeatablePercentileEarlyStoppingStrategy", "stop_worst"]
