"""The searches behind each table and figure of the paper.

Source: paper, Section 4.1 and Appendix A.1: 10 runs; 300 queries for random and local search,
150 for all others; 10 random initial queries. The numbers of initial queries, and everything
else about a strategy, are the defaults of its options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ax_anasod.reproduce.paper import TABLE_2, TABLE_6, PaperValue

SEEDS: Final = 10
_LONG: Final = 300
_SHORT: Final = 150


@dataclass(frozen=True)
class Method:
    """A method of the paper.

    Args:
        name: What the paper calls it.
        strategy: The strategy that it is here.
        trials: Its budget of queries.
    """

    name: str
    strategy: str
    trials: int


@dataclass(frozen=True)
class Panel:
    """Methods that the paper shows together.

    Args:
        title: What they have in common; empty where there is one panel only.
        methods: The methods, in the paper's order.
    """

    title: str
    methods: tuple[Method, ...]


@dataclass(frozen=True)
class SearchTarget:
    """A table or a figure whose values come from searches.

    Args:
        name: Its name on the command line, e.g. ``"table2"``.
        title: What the paper calls it.
        panels: Its methods.
        values: What the paper prints: method -> column -> value; empty for a figure.
    """

    name: str
    title: str
    panels: tuple[Panel, ...]
    values: Mapping[str, Mapping[str, PaperValue]]

    @property
    def methods(self) -> list[Method]:
        """The methods of all panels."""
        return [method for panel in self.panels for method in panel.methods]


_LOCAL: Final = Panel(
    "",
    (
        Method("LS", "local-search", _LONG),
        Method("ANASOD-LS", "anasod-local-search", _LONG),
    ),
)

_RANDOM: Final = (
    Method("RS", "random", _LONG),
    Method("ANASOD-RS", "anasod-random", _LONG),
    Method("ANASOD-biasedRS", "anasod-biased-random", _LONG),
)

# The paper lets the baselines of Figure 3 run longer than ANASOD-BO, without saying how
# long; here it is as long as random search.
_FIGURE_3: Final = (
    Panel("Random search", _RANDOM),
    Panel(
        "GP-BO",
        (
            Method("Adj-BO", "adjacency-bo", _LONG),
            Method("Path-BO", "path-bo", _LONG),
            Method("ANASOD-BO", "anasod-bo", _SHORT),
        ),
    ),
    Panel(
        "NEP-BO",
        (
            Method("Adj-NEP-BO", "adjacency-nep-bo", _LONG),
            Method("Path-NEP-BO", "path-nep-bo", _LONG),
            Method("ANASOD-NEP-BO", "anasod-nep-bo", _SHORT),
        ),
    ),
)

_TABLE_2: Final = (
    *_RANDOM,
    Method("RL", "reinforce", _SHORT),
    Method("RE", "regularized-evolution", _SHORT),
    Method("SMAC", "smac", _SHORT),
    Method("TPE", "tpe", _SHORT),
    Method("GCNBO", "gcn-bo", _SHORT),
    Method("BANANAS", "bananas", _SHORT),
    Method("NAS-BOWL", "nas-bowl", _SHORT),
    Method("ANASOD-BO", "anasod-bo", _SHORT),
)

SEARCH_TARGETS: Final[dict[str, SearchTarget]] = {
    target.name: target
    for target in (
        SearchTarget("table2", "Table 2", (Panel("", _TABLE_2),), TABLE_2),
        SearchTarget("table6", "Table 6", (_LOCAL,), TABLE_6),
        SearchTarget("figure3", "Figure 3", _FIGURE_3, {}),
        SearchTarget("figure6", "Figure 6", (_LOCAL,), {}),
    )
}
"""The targets made of searches, by name."""
