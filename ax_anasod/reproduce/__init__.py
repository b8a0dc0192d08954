"""The paper's tables and figures, made again on any benchmark."""

from ax_anasod.reproduce.distributions import SpreadReproduction, reproduce_spread
from ax_anasod.reproduce.explained_variance import Spread, draw_spread, explained_share
from ax_anasod.reproduce.one_shot_curves import OneShotCurves
from ax_anasod.reproduce.one_shot_protocol import SCALES, OneShotMethod, OneShotProtocol
from ax_anasod.reproduce.one_shot_runs import OneShotRuns, make_runs
from ax_anasod.reproduce.one_shot_table import OneShotTable
from ax_anasod.reproduce.protocol import SEARCH_TARGETS, SearchTarget
from ax_anasod.reproduce.reproduction import Reproduction, write_files
from ax_anasod.reproduce.reproductions import (
    CELLS,
    DRAWN,
    FROM_RUNS,
    METHODS_IN_TABLE,
    ONE_SHOT,
    TARGETS,
    check_target,
    reproduce,
)
from ax_anasod.reproduce.retrained import RETRAINED_TARGETS, RetrainedTable, reproduce_retrained
from ax_anasod.reproduce.sampled_cells import SampledCells, reproduce_cells
from ax_anasod.reproduce.searches import SearchReproduction, reproduce_searches

__all__ = [
    "CELLS",
    "DRAWN",
    "FROM_RUNS",
    "METHODS_IN_TABLE",
    "ONE_SHOT",
    "RETRAINED_TARGETS",
    "SCALES",
    "SEARCH_TARGETS",
    "TARGETS",
    "OneShotCurves",
    "OneShotMethod",
    "OneShotProtocol",
    "OneShotRuns",
    "OneShotTable",
    "Reproduction",
    "RetrainedTable",
    "SampledCells",
    "SearchReproduction",
    "SearchTarget",
    "Spread",
    "SpreadReproduction",
    "check_target",
    "draw_spread",
    "explained_share",
    "make_runs",
    "reproduce",
    "reproduce_cells",
    "reproduce_retrained",
    "reproduce_searches",
    "reproduce_spread",
    "write_files",
]
