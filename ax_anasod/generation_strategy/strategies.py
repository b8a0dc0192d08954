"""All strategies, one row each, and how they are built by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.core.bound_space import require_cell_bound
from ax_anasod.core.seeding import check_seed
from ax_anasod.dnas.result import OneShotResult
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generation_strategy.one_shot_start import Start, begin_with, started
from ax_anasod.generation_strategy.strategy import Strategy
from ax_anasod.generators import (
    AnasodLocalSearchGenerator,
    ArchitectureEnsembleGenerator,
    ArchitectureGPGenerator,
    BiasedDirichletGenerator,
    DirichletGenerator,
    EncodingEnsembleGenerator,
    EncodingGenerator,
    EvolutionGenerator,
    GCNGenerator,
    HistoryGenerator,
    LocalSearchGenerator,
    NASBowlGenerator,
    RandomArchitectureGenerator,
    ReinforceGenerator,
    SMACGenerator,
    TPEGenerator,
    TwoLevelGenerator,
)
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.model_inputs import MAX_FEATURES
from ax_anasod.generators.registered import GENERATORS
from ax_anasod.settings import check_value
from ax_anasod.typing import Codes

_ROWS: Final = (
    Strategy(
        "random",
        "uniform draws over all architectures",
        RandomArchitectureGenerator,
    ),
    Strategy(
        "anasod-random",
        "uniform Dirichlet draws over operation distributions",
        DirichletGenerator,
    ),
    Strategy(
        "anasod-biased-random",
        "Dirichlet draws that concentrate on the best distribution (Eq. 3)",
        BiasedDirichletGenerator,
    ),
    Strategy(
        "anasod-bo",
        "Bayesian optimisation on operation distributions (Algorithm 2)",
        EncodingGenerator,
        draws=True,
    ),
    Strategy(
        "two-level-bo",
        "Gaussian process on distributions and architectures; beyond the paper",
        TwoLevelGenerator,
        draws=True,
        page="docs/two-level.md",
    ),
    Strategy(
        "anasod-nep-bo",
        "neural ensemble on operation distributions, candidates of anasod-bo",
        EncodingEnsembleGenerator,
        draws=True,
    ),
    Strategy(
        "adjacency-bo",
        "anasod-bo with the one-hot adjacency encoding (Figure 3)",
        ArchitectureGPGenerator,
        fixed={"inputs": "adjacency", "max_features": MAX_FEATURES},
        draws=True,
    ),
    Strategy(
        "path-bo",
        "anasod-bo with the path encoding (Figure 3)",
        ArchitectureGPGenerator,
        fixed={"inputs": "path"},
        draws=True,
    ),
    Strategy(
        "adjacency-nep-bo",
        "neural ensemble on the one-hot adjacency encoding, random candidates",
        ArchitectureEnsembleGenerator,
        fixed={"inputs": "adjacency", "max_features": MAX_FEATURES},
        draws=True,
    ),
    Strategy(
        "path-nep-bo",
        "neural ensemble on the path encoding, random candidates",
        ArchitectureEnsembleGenerator,
        fixed={"inputs": "path"},
        draws=True,
    ),
    Strategy(
        "bananas",
        "neural ensemble on the path encoding, mutants of the best as candidates",
        ArchitectureEnsembleGenerator,
        fixed={"inputs": "path"},
        # White et al. 2021, naszilla: each of six operations changes with probability 1/4.
        defaults={"pool": "mutation", "pool_size": 100, "mutation_rate": 1.5},
        draws=True,
    ),
    Strategy(
        "nas-bowl",
        "Gaussian process with a Weisfeiler-Lehman kernel, mutants of the best ten",
        NASBowlGenerator,
        # Ru et al. 2021, nasbowl: each of six operations changes with probability 1/5.
        defaults={"pool": "mixed", "pool_size": 100, "num_parents": 10, "mutation_rate": 1.2},
        draws=True,
    ),
    Strategy(
        "gcn-bo",
        "graph-convolutional embedding and Bayesian linear regression (BONAS)",
        GCNGenerator,
        # Shi et al. 2020.
        defaults={"pool": "evolution", "pool_size": 100},
        draws=True,
    ),
    Strategy(
        "anasod-local-search",
        "local search on operation distributions, then on architectures (Algorithm 3)",
        AnasodLocalSearchGenerator,
    ),
    Strategy(
        "local-search",
        "all neighbours of the best architecture, restarted at each optimum",
        LocalSearchGenerator,
    ),
    Strategy(
        "regularized-evolution",
        "mutants of the best of a sample; the oldest dies",
        EvolutionGenerator,
    ),
    Strategy(
        "reinforce",
        "policy gradient on one softmax per block and wiring choice",
        ReinforceGenerator,
    ),
    Strategy(
        "tpe",
        "tree-structured Parzen estimator (Optuna), multivariate",
        TPEGenerator,
    ),
    Strategy(
        "smac",
        "random forest and expected improvement (SMAC3)",
        SMACGenerator,
    ),
)

STRATEGIES: Final[dict[str, Strategy]] = {row.name: row for row in _ROWS}
"""Every strategy by its name."""

GENERATORS.update(
    {row.name: row.generator for row in _ROWS if issubclass(row.generator, HistoryGenerator)}
)


def make(
    name: str,
    search_space: AnasodSearchSpace | CellSearchSpace,
    seed: int = 0,
    *,
    start: Start | OneShotResult | str | Path | None = None,
    first: Codes | None = None,
    at_least: int = 0,
    **options: Any,
) -> GenerationStrategy:
    """Build the Ax generation strategy of a name.

    Args:
        name: One of :data:`STRATEGIES`.
        search_space: The space of the experiment: an :class:`AnasodSearchSpace` for the
            strategies that search encodings, a :class:`CellSearchSpace` for the others.
        seed: Every random number of the strategy is derived from it.
        start: The result of a differentiable search, or the path of its ``found.json`` or folder;
            or a :class:`Start`, which has either and options.
        first: Architectures that are the first trials, codes ``n x d``; uniform draws follow,
            or the trials of ``start``.
        at_least: The fewest initial trials, even if ``num_initial`` is smaller.
        options: Options of the strategy: ``get(name).options``.

    Raises:
        UnknownNameError: There is no such strategy, or it has no such option.
        OptionError: An option is out of range, the search space is of the other kind or has
            parameters that the strategy does not search, or the start is of another cell.
        RunError: The start cannot be read.
        OptionalImportError: The strategy needs a package that is not installed.
    """
    strategy = get(name)
    require_cell_bound(search_space)
    if search_space.kind != strategy.space:
        needed = "AnasodSearchSpace" if strategy.space == "encoding" else "CellSearchSpace"
        raise OptionError(
            f"strategy {name!r} cannot run on a {type(search_space).__name__}: it searches "
            f"{strategy.space}s",
            f"use {needed}.from_cell(cell)",
        )
    check_searched_beside(name, search_space.hyperparameters.names)
    num_initial = NUM_INITIAL
    if initial := strategy.options.get("num_initial"):
        given = options.get("num_initial", initial.default)
        num_initial = max(check_value("num_initial", given, initial.annotation), at_least)
        options["num_initial"] = num_initial
    built = strategy.build(search_space, check_seed(seed), options)
    cell, kind = search_space.cell, search_space.kind
    stored = None if start is None else Start.of(start).for_generators(cell, kind)
    if first is not None and len(first):
        stored = begin_with(first, cell, kind, stored)
    if stored is None:
        return built
    return started(built, stored, search_space, seed, max(num_initial, at_least))


def get(name: str) -> Strategy:
    """The strategy of a name.

    Raises:
        UnknownNameError: There is no such strategy.
    """
    if not isinstance(name, str) or name not in STRATEGIES:
        raise UnknownNameError("strategy", name, STRATEGIES)
    return STRATEGIES[name]


def check_searched_beside(strategy: str, names: Sequence[str]) -> None:
    """Check that a strategy can search the hyperparameters, if there are any.

    Args:
        strategy: Name of the strategy.
        names: Names of the hyperparameters.

    Raises:
        UnknownNameError: There is no such strategy.
        OptionError: The strategy searches cells only.
    """
    if names and not get(strategy).joint:
        able = ", ".join(name for name, known in STRATEGIES.items() if known.joint)
        raise OptionError(
            f"strategy {strategy!r} searches cells only, and the search space has {[*names]}, too",
            f"strategies that search both: {able}",
        )


def check_takes_features(strategy: str, what: str) -> None:
    """Raise an error if features or sources are given to a strategy that does not use them.

    Args:
        strategy: Name of the strategy.
        what: The words of the message for what was given.

    Raises:
        UnknownNameError: There is no such strategy.
        OptionError: The strategy takes no features.
    """
    if "features" not in get(strategy).options:
        able = ", ".join(name for name, known in STRATEGIES.items() if "features" in known.options)
        raise OptionError(
            f"strategy {strategy!r} makes nothing of {what}", f"strategies that do: {able}"
        )


def check_objectives(strategy: str, names: Sequence[str], limits: Sequence[str] = ()) -> None:
    """Check that a strategy can search several objectives and obeys limits, if there are any.

    Args:
        strategy: Name of the strategy.
        names: Names of the objectives.
        limits: Limits on other quantities.

    Raises:
        UnknownNameError: There is no such strategy.
        OptionError: There are more objectives than the strategy can search, or limits.
    """
    if get(strategy).multi_objective:
        return
    able = ", ".join(name for name, known in STRATEGIES.items() if known.multi_objective)
    if limits:
        raise OptionError(
            f"strategy {strategy!r} knows no limits, got {list(limits)}",
            f"strategies that obey limits, or draw whatever the values: {able}",
        )
    if len(names) > 1:
        raise OptionError(
            f"strategy {strategy!r} searches one objective, got {len(names)}: {list(names)}",
            f"strategies that search for a Pareto front: {able}",
        )
