"""What an experiment is: parameters, search spaces, and what a run must remember."""

from ax_anasod.core.architectures import architecture_of
from ax_anasod.core.cell_search_space import CellSearchSpace
from ax_anasod.core.coding import Coding, space_of
from ax_anasod.core.history import History
from ax_anasod.core.parameter import OperationParameter, parameter_name, parameter_names
from ax_anasod.core.properties import RunProperties
from ax_anasod.core.search_space import AnasodSearchSpace

__all__ = [
    "AnasodSearchSpace",
    "CellSearchSpace",
    "Coding",
    "History",
    "OperationParameter",
    "RunProperties",
    "architecture_of",
    "parameter_name",
    "parameter_names",
    "space_of",
]
