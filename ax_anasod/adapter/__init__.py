"""Translation between Ax experiments and generators, and the registry of both."""

from ax_anasod.adapter.encoding import EncodingAdapter
from ax_anasod.adapter.history import HistoryAdapter
from ax_anasod.adapter.registry import AnasodGenerators
from ax_anasod.adapter.transforms import (
    BomzeRounding,
    LogObjectives,
    PrepareObservations,
    UnitHyperparameters,
)

__all__ = [
    "AnasodGenerators",
    "BomzeRounding",
    "EncodingAdapter",
    "HistoryAdapter",
    "LogObjectives",
    "PrepareObservations",
    "UnitHyperparameters",
]
