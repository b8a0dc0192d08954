"""Hyperparameters searched beside the architecture: ranges and choices as rows of numbers."""

from ax_anasod.hyperparameters.draws import (
    draw_around,
    draw_settings,
    mutate_settings,
    neighbouring_settings,
)
from ax_anasod.hyperparameters.kinds import Bound, Choice, Fixed, Hyperparameter, Range
from ax_anasod.hyperparameters.rows import Hyperparameters

__all__ = [
    "Bound",
    "Choice",
    "Fixed",
    "Hyperparameter",
    "Hyperparameters",
    "Range",
    "draw_around",
    "draw_settings",
    "mutate_settings",
    "neighbouring_settings",
]
