"""Translation between Ax experiments and generators, and the registry of both."""

from ax_anasod.adapter.encoding_adapter import EncodingAdapter
from ax_anasod.adapter.generator_registry import AnasodGenerators
from ax_anasod.adapter.history_adapter import HistoryAdapter
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
