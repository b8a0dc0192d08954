"""One builder a strategy, looked up by name."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.adapter import AnasodGenerators
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, parameter_names
from ax_anasod.core.coding import space_of
from ax_anasod.core.seeding import check_seed
from ax_anasod.dnas.result import OneShotResult
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generation_strategy.baselines import BASELINES
from ax_anasod.generation_strategy.nodes import SearchStrategy, draws_then_model, node
from ax_anasod.generation_strategy.options import (
    AnasodBOOptions,
    BiasedRandomOptions,
    EncodingOptions,
    RandomOptions,
    make_options,
)
from ax_anasod.generation_strategy.start import Start, started
from ax_anasod.generation_strategy.strategy import STRATEGIES, Strategy
from ax_anasod.generation_strategy.surrogates import SURROGATE_STRATEGIES
from ax_anasod.generation_strategy.two_level import TWO_LEVEL
from ax_anasod.generators.candidates import check_exhaustive


def make(
    name: str,
    search_space: AnasodSearchSpace | CellSearchSpace,
    seed: int = 0,
    *,
    start: Start | OneShotResult | str | Path | None = None,
    **options: Any,
) -> GenerationStrategy:
    """Build the Ax generation strategy of a name.

    Args:
        name: One of :data:`STRATEGIES`.
        search_space: The space of the experiment: an :class:`AnasodSearchSpace` for the
            strategies that search encodings, a :class:`CellSearchSpace` for the others.
        seed: Every random number of the strategy is derived from it.
        start: What a differentiable search has found: a result, the path of its ``found.json``
            or folder, or either with options of a start.
        options: Options of the strategy: the fields of ``get(name).options``.

    Raises:
        UnknownNameError: There is no such strategy, or it has no such option.
        OptionError: An option is out of range, the search space is of the other kind, or the
            start is of another cell.
        RunError: The start cannot be read.
        OptionalImportError: The strategy needs a package that is not installed.
    """
    strategy = get(name)
    if space_of(search_space) != strategy.space:
        needed = "AnasodSearchSpace" if strategy.space == "encoding" else "CellSearchSpace"
        raise OptionError(
            f"strategy {name!r} cannot run on a {type(search_space).__name__}: it searches "
            f"{strategy.space}s",
            f"use {needed}.from_cell(cell)",
        )
    arguments = make_options(strategy.options, name, options)
    built = strategy.build(name, search_space, check_seed(seed), arguments)
    if start is None:
        return built
    num_initial = getattr(arguments, "num_initial", None)
    return started(built, Start.of(start), search_space, check_seed(seed), num_initial)


def get(name: str) -> Strategy:
    """The strategy of a name.

    Raises:
        UnknownNameError: There is none.
    """
    if not isinstance(name, str) or name not in STRATEGIES:
        raise UnknownNameError("strategy", name, STRATEGIES)
    return STRATEGIES[name]


def _random(
    name: str, space: AnasodSearchSpace | CellSearchSpace, seed: int, options: RandomOptions
) -> GenerationStrategy:
    kwargs = {"cell": space.cell.to_dict(), "seed": seed}
    return SearchStrategy(
        name=name, nodes=[node(name, AnasodGenerators.RANDOM_ARCHITECTURE, kwargs)]
    )


def _anasod_random(
    name: str,
    space: AnasodSearchSpace | CellSearchSpace,
    seed: int,
    options: EncodingOptions,
) -> GenerationStrategy:
    kwargs = {"cell": space.cell.to_dict(), "seed": seed, **asdict(options)}
    return SearchStrategy(name=name, nodes=[node(name, AnasodGenerators.ANASOD_RANDOM, kwargs)])


def _anasod_bo(
    name: str, space: AnasodSearchSpace | CellSearchSpace, seed: int, options: AnasodBOOptions
) -> GenerationStrategy:
    arguments = asdict(options)
    if options.optimizer == "exhaustive":
        check_exhaustive(space.cell)
    log_targets = arguments.pop("log_targets")
    arguments = {
        "cell": space.cell.to_dict(),
        "seed": seed,
        **arguments,
        # Reported quantities need no model.
        "fit_tracking_metrics": False,
        "transform_configs": {
            "PrepareObservations": {
                "names": list(space.parameters),
                "log_targets": log_targets,
            },
            "LogObjectives": {"log_targets": log_targets},
            "BomzeRounding": {
                "names": parameter_names(space.cell),
                "total": space.cell.total,
            },
        },
    }
    return draws_then_model(
        name,
        AnasodGenerators.ANASOD_RANDOM,
        AnasodGenerators.ANASOD_BO,
        arguments,
        options.num_initial,
        scope="front",
    )


STRATEGIES.update(
    (strategy.name, strategy)
    for strategy in (
        Strategy(
            "random",
            "uniform draws over all architectures",
            "architecture",
            RandomOptions,
            _random,
            multi_objective=True,
        ),
        Strategy(
            "anasod-random",
            "uniform Dirichlet draws over operation distributions",
            "encoding",
            EncodingOptions,
            _anasod_random,
            multi_objective=True,
        ),
        Strategy(
            "anasod-biased-random",
            "Dirichlet draws that concentrate on the best distribution (Eq. 3)",
            "encoding",
            BiasedRandomOptions,
            _anasod_random,
        ),
        Strategy(
            "anasod-bo",
            "Bayesian optimisation on operation distributions (Algorithm 2)",
            "encoding",
            AnasodBOOptions,
            _anasod_bo,
            multi_objective=True,
        ),
        TWO_LEVEL,
        *SURROGATE_STRATEGIES,
        *BASELINES,
    )
)

__all__ = ["STRATEGIES", "get", "make"]
