"""Experiments: parameters, search spaces, and the facts that a run must remember."""

from ax_anasod._ax import experiment_of
from ax_anasod.core.architectures import architecture_of
from ax_anasod.core.ax_parameters import parameter_names
from ax_anasod.core.bound_space import CellBoundSearchSpace, TrialKind
from ax_anasod.core.cell_search_space import SEARCH_SPACES, CellSearchSpace, search_space_of
from ax_anasod.core.history import History
from ax_anasod.core.known import KnownMetric
from ax_anasod.core.search_experiment import RunProperties
from ax_anasod.core.search_space import AnasodSearchSpace, OperationParameter
from ax_anasod.metadata import parameter_name

__all__ = [
    "SEARCH_SPACES",
    "AnasodSearchSpace",
    "CellBoundSearchSpace",
    "CellSearchSpace",
    "History",
    "KnownMetric",
    "OperationParameter",
    "RunProperties",
    "TrialKind",
    "architecture_of",
    "experiment_of",
    "parameter_name",
    "parameter_names",
    "search_space_of",
]
