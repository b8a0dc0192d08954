"""Cells: their operations, blocks and wiring, and the strings of their architectures.

A cell by name is ``cells.get("nas-bench-201")``, a user's own is `Cell` or a TOML file
(`load`). Everything works on *codes*, integer arrays ``n x d`` with one architecture a row.
"""

from ax_anasod.cells.architecture import Architecture
from ax_anasod.cells.cell import Cell, from_dict, register_cell
from ax_anasod.cells.constrained_cell import ConstrainedCell, constrained
from ax_anasod.cells.features import one_hot_adjacency, path_features
from ax_anasod.cells.genotype import DARTSCell, NASNetCell
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.cells.mutation import mutate
from ax_anasod.cells.nasbench201_cell import NASBench201Cell
from ax_anasod.cells.nasbench_graph_cell import NASBenchGraphCell
from ax_anasod.cells.registry import as_cell, get, load, names, resolve
from ax_anasod.cells.restricted import DerivedCell, RestrictedCell, full_cell

__all__ = [
    "Architecture",
    "BlockGraph",
    "Cell",
    "ConstrainedCell",
    "DARTSCell",
    "DerivedCell",
    "NASBench201Cell",
    "NASBenchGraphCell",
    "NASNetCell",
    "RestrictedCell",
    "as_cell",
    "constrained",
    "from_dict",
    "full_cell",
    "get",
    "load",
    "mutate",
    "names",
    "one_hot_adjacency",
    "path_features",
    "register_cell",
    "resolve",
]
