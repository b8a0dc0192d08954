"""Runs: a search as a folder that survives its process."""

from ax_anasod.runs.config import Quantity, RunConfig
from ax_anasod.runs.execution import Execution
from ax_anasod.runs.folder import RunFolder, RunView
from ax_anasod.runs.loop import Search
from ax_anasod.runs.results import Results
from ax_anasod.runs.training import TrainingSearch

__all__ = [
    "Execution",
    "Quantity",
    "Results",
    "RunConfig",
    "RunFolder",
    "RunView",
    "Search",
    "TrainingSearch",
]
