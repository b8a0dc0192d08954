"""The paper's tables and figures, made again on any benchmark."""

from ax_anasod.reproduce.distributions import SpreadReproduction, reproduce_spread
from ax_anasod.reproduce.protocol import SEARCH_TARGETS, SearchTarget
from ax_anasod.reproduce.searches import SearchReproduction, reproduce_searches
from ax_anasod.reproduce.spread import Spread, draw_spread, explained_share
from ax_anasod.reproduce.targets import DRAWN, TARGETS, check_target, reproduce
from ax_anasod.reproduce.view import Reproduction, write_files

__all__ = [
    "DRAWN",
    "SEARCH_TARGETS",
    "TARGETS",
    "Reproduction",
    "SearchReproduction",
    "SearchTarget",
    "Spread",
    "SpreadReproduction",
    "check_target",
    "draw_spread",
    "explained_share",
    "reproduce",
    "reproduce_searches",
    "reproduce_spread",
    "write_files",
]
