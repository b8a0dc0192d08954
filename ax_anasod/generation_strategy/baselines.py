"""Local search, and the strategies without a Gaussian process that the paper compares with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.adapter import AnasodGenerators
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.generation_strategy.baseline_options import (
    EvolutionOptions,
    LocalSearchOptions,
    ReinforceOptions,
    SMACOptions,
    TPEOptions,
)
from ax_anasod.generation_strategy.nodes import SearchStrategy, node
from ax_anasod.generation_strategy.strategy import Builder, Strategy
from ax_anasod.optional import require

_EXTRA: Final = "baselines"


def _builder(generator: AnasodGenerators, package: str | None = None) -> Builder:
    """The builder of a strategy that is one generator from the first trial to the last.

    Args:
        generator: Member of the registry.
        package: The package that it cannot do without.
    """

    def build(
        name: str, space: AnasodSearchSpace | CellSearchSpace, seed: int, options: Any
    ) -> GenerationStrategy:
        if package is not None:
            require(package, _EXTRA)
        kwargs = {"cell": space.cell.to_dict(), "seed": seed, **asdict(options)}
        return SearchStrategy(name=name, nodes=[node(name, generator, kwargs)])

    return build


BASELINES: Final[tuple[Strategy, ...]] = (
    Strategy(
        "anasod-local-search",
        "local search on operation distributions, then on architectures (Algorithm 3)",
        "architecture",
        LocalSearchOptions,
        _builder(AnasodGenerators.ANASOD_LOCAL_SEARCH),
    ),
    Strategy(
        "local-search",
        "all neighbours of the best architecture, restarted at each optimum",
        "architecture",
        LocalSearchOptions,
        _builder(AnasodGenerators.LOCAL_SEARCH),
    ),
    Strategy(
        "regularized-evolution",
        "mutants of the best of a sample; the oldest dies",
        "architecture",
        EvolutionOptions,
        _builder(AnasodGenerators.EVOLUTION),
    ),
    Strategy(
        "reinforce",
        "policy gradient on one softmax per block and wiring choice",
        "architecture",
        ReinforceOptions,
        _builder(AnasodGenerators.REINFORCE),
    ),
    Strategy(
        "tpe",
        "tree-structured Parzen estimator (Optuna), multivariate",
        "architecture",
        TPEOptions,
        _builder(AnasodGenerators.TPE, package="optuna"),
    ),
    Strategy(
        "smac",
        "random forest and expected improvement (SMAC3)",
        "architecture",
        SMACOptions,
        _builder(AnasodGenerators.SMAC, package="smac"),
    ),
)
