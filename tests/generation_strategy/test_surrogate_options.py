"""The published defaults, and what is refused."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generation_strategy import (
    AdjacencyBOOptions,
    AdjacencyNEPOptions,
    AnasodBOOptions,
    AnasodNEPOptions,
    BananasOptions,
    GCNBOOptions,
    NASBowlOptions,
    PathBOOptions,
    PathNEPOptions,
)
from ax_anasod.generators import (
    ArchitectureEnsembleGenerator,
    ArchitectureGPGenerator,
    EncodingEnsembleGenerator,
    GCNGenerator,
    NASBowlGenerator,
)
from ax_anasod.surrogates import EnsembleOptions, GCNOptions


@pytest.mark.parametrize(
    ("options", "generator", "network"),
    [
        (PathBOOptions, ArchitectureGPGenerator, None),
        (BananasOptions, ArchitectureEnsembleGenerator, EnsembleOptions),
        (AnasodNEPOptions, EncodingEnsembleGenerator, EnsembleOptions),
        (NASBowlOptions, NASBowlGenerator, None),
        (GCNBOOptions, GCNGenerator, GCNOptions),
    ],
)
def test_defaults_are_those_of_the_generator(
    options: type[Any], generator: type, network: type[Any] | None
) -> None:
    chosen = vars(options())
    parameters = inspect.signature(generator.__init__).parameters
    defaults = {
        name: parameter.default
        for name, parameter in parameters.items()
        if name not in ("self", "cell", "seed", "features", "ensemble", "network")
    }
    of_network = {} if network is None else vars(network())

    assert chosen == defaults | of_network


def test_figure_3_differs_in_nothing_but_the_encoding() -> None:
    anasod, adjacency, path = AnasodBOOptions(), AdjacencyBOOptions(), PathBOOptions()
    for other in (adjacency, path):
        for name in ("num_initial", "pool_size", "ard", "log_targets"):
            assert getattr(other, name) == getattr(anasod, name)
        assert other.pool == "random"

    ensembles = [vars(kind()) for kind in (AnasodNEPOptions, AdjacencyNEPOptions, PathNEPOptions)]
    common = {"num_initial", "pool_size", "trials_per_fit"} | {
        field.name for field in fields(EnsembleOptions)
    }
    for name in common:
        assert len({chosen[name] for chosen in ensembles}) == 1


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        (AdjacencyBOOptions, "num_initial", 0),
        (AdjacencyBOOptions, "pool_size", 1),
        (AdjacencyBOOptions, "mutation_rate", 0.0),
        (PathBOOptions, "num_parents", 0),
        (PathBOOptions, "max_features", 0),
        (AnasodNEPOptions, "num_initial", 0),
        (AnasodNEPOptions, "pool_size", 0),
        (AnasodNEPOptions, "trials_per_fit", 0),
        (AnasodNEPOptions, "beta_min", -1.0),
        (AnasodNEPOptions, "failure_tolerance", 0),
        (AdjacencyNEPOptions, "num_members", 0),
        (PathNEPOptions, "max_features", 0),
        (BananasOptions, "learning_rate", 0.0),
        (BananasOptions, "num_epochs", 0),
        (NASBowlOptions, "max_depth", -1),
        (NASBowlOptions, "min_noise", 0.0),
        (GCNBOOptions, "trials_per_fit", 0),
        (GCNBOOptions, "exploration", -1.0),
        (GCNBOOptions, "layer_width", 0),
    ],
)
def test_values_out_of_range_are_refused(options: type[Any], name: str, value: float) -> None:
    with pytest.raises(OptionError, match=f"{name} must be .* got {value}"):
        options(**{name: value})


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        (AdjacencyBOOptions, "pool", 3),
        (PathBOOptions, "ard", 1),
        (AnasodNEPOptions, "num_layers", 2.5),
        (BananasOptions, "loss", None),
        (NASBowlOptions, "max_noise", "0.1"),
        (GCNBOOptions, "num_epochs", True),
    ],
)
def test_values_of_another_type_are_refused(options: type[Any], name: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"{name} must be"):
        options(**{name: value})


def test_misspelt_choices_are_named() -> None:
    with pytest.raises(UnknownNameError, match="'evolve'"):
        GCNBOOptions(pool="evolve")
    with pytest.raises(UnknownNameError, match="did you mean 'mape'"):
        BananasOptions(loss="mapee")
    with pytest.raises(OptionError, match="not be above max_noise, got 0.1 > 0.01"):
        NASBowlOptions(min_noise=0.1)
