"""The strategies with a surrogate on architectures, and the neural ensemble on encodings."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, Final

from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.adapter import AnasodGenerators
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.generation_strategy.nodes import draws_then_model
from ax_anasod.generation_strategy.strategy import Builder, Strategy
from ax_anasod.generation_strategy.surrogate_options import (
    AdjacencyBOOptions,
    AdjacencyNEPOptions,
    AnasodNEPOptions,
    BananasOptions,
    GCNBOOptions,
    NASBowlOptions,
    PathBOOptions,
    PathNEPOptions,
)
from ax_anasod.generators.features import check_features
from ax_anasod.generators.pool import check_listable
from ax_anasod.surrogates import EnsembleOptions, GCNOptions

_ENSEMBLE: Final = ("ensemble", EnsembleOptions)


def _builder(
    generator: AnasodGenerators,
    initial: AnasodGenerators = AnasodGenerators.RANDOM_ARCHITECTURE,
    features: str | None = None,
    network: tuple[str, type[Any]] | None = None,
) -> Builder:
    """The builder of a strategy that draws at random first, then follows a surrogate.

    Args:
        generator: Member of the registry for the surrogate.
        initial: Member of the registry for the random trials.
        features: Which features its surrogate is given, where there is a choice.
        network: The argument of the generator that takes the options of the network, and
            their class.
    """

    def build(
        name: str, space: AnasodSearchSpace | CellSearchSpace, seed: int, options: Any
    ) -> GenerationStrategy:
        # A cell that the strategy cannot search is refused now, not after the first trials.
        _check_cell(space.cell, options, features)
        arguments = {"cell": space.cell.to_dict(), "seed": seed, **asdict(options)}
        if network is not None:
            argument, kind = network
            arguments[argument] = {field.name: arguments.pop(field.name) for field in fields(kind)}
        if features is not None:
            arguments["features"] = features
        return draws_then_model(
            name,
            initial,
            generator,
            arguments,
            options.num_initial,
            above=options.lower_bound if getattr(options, "loss", None) == "mape" else None,
        )

    return build


def _check_cell(cell: Cell, options: Any, features: str | None) -> None:
    if hasattr(options, "pool"):
        check_listable(cell, options.pool)
    if features == "path":
        check_features(cell, features, options.max_features)


SURROGATE_STRATEGIES: Final[tuple[Strategy, ...]] = (
    Strategy(
        "anasod-nep-bo",
        "neural ensemble on operation distributions, candidates of anasod-bo",
        "encoding",
        AnasodNEPOptions,
        _builder(
            AnasodGenerators.ENCODING_ENSEMBLE,
            initial=AnasodGenerators.ANASOD_RANDOM,
            network=_ENSEMBLE,
        ),
    ),
    Strategy(
        "adjacency-bo",
        "anasod-bo with the one-hot adjacency encoding (Figure 3)",
        "architecture",
        AdjacencyBOOptions,
        _builder(AnasodGenerators.ARCHITECTURE_GP, features="adjacency"),
    ),
    Strategy(
        "path-bo",
        "anasod-bo with the path encoding (Figure 3)",
        "architecture",
        PathBOOptions,
        _builder(AnasodGenerators.ARCHITECTURE_GP, features="path"),
    ),
    Strategy(
        "adjacency-nep-bo",
        "neural ensemble on the one-hot adjacency encoding, random candidates",
        "architecture",
        AdjacencyNEPOptions,
        _builder(AnasodGenerators.ARCHITECTURE_ENSEMBLE, features="adjacency", network=_ENSEMBLE),
    ),
    Strategy(
        "path-nep-bo",
        "neural ensemble on the path encoding, random candidates",
        "architecture",
        PathNEPOptions,
        _builder(AnasodGenerators.ARCHITECTURE_ENSEMBLE, features="path", network=_ENSEMBLE),
    ),
    Strategy(
        "bananas",
        "neural ensemble on the path encoding, mutants of the best as candidates",
        "architecture",
        BananasOptions,
        _builder(AnasodGenerators.ARCHITECTURE_ENSEMBLE, features="path", network=_ENSEMBLE),
    ),
    Strategy(
        "nas-bowl",
        "Gaussian process with a Weisfeiler-Lehman kernel, mutants of the best ten",
        "architecture",
        NASBowlOptions,
        _builder(AnasodGenerators.NAS_BOWL),
    ),
    Strategy(
        "gcn-bo",
        "graph-convolutional embedding and Bayesian linear regression (BONAS)",
        "architecture",
        GCNBOOptions,
        _builder(AnasodGenerators.GCN, network=("network", GCNOptions)),
    ),
)
