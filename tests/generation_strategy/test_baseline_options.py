"""The published defaults, and what is refused."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy import (
    EvolutionOptions,
    LocalSearchOptions,
    ReinforceOptions,
    SMACOptions,
    TPEOptions,
)
from ax_anasod.generators import (
    AnasodLocalSearchGenerator,
    EvolutionGenerator,
    LocalSearchGenerator,
    ReinforceGenerator,
    SMACGenerator,
    TPEGenerator,
)


@pytest.mark.parametrize(
    ("options", "generator"),
    [
        (LocalSearchOptions, LocalSearchGenerator),
        (LocalSearchOptions, AnasodLocalSearchGenerator),
        (EvolutionOptions, EvolutionGenerator),
        (ReinforceOptions, ReinforceGenerator),
        (TPEOptions, TPEGenerator),
        (SMACOptions, SMACGenerator),
    ],
)
def test_defaults_are_those_of_the_generator(options: type[Any], generator: type) -> None:
    parameters = inspect.signature(generator.__init__).parameters
    defaults = {
        name: parameter.default
        for name, parameter in parameters.items()
        if name not in ("self", "cell", "seed")
    }

    assert vars(options()) == defaults


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        (LocalSearchOptions, "num_initial", 0),
        (EvolutionOptions, "num_initial", 0),
        (EvolutionOptions, "population_size", 0),
        (EvolutionOptions, "sample_size", -1),
        (ReinforceOptions, "learning_rate", 0.0),
        (ReinforceOptions, "momentum", 1.0),
        (ReinforceOptions, "reward_scale", float("nan")),
        (TPEOptions, "num_initial", 0),
        (TPEOptions, "num_candidates", 0),
        (SMACOptions, "num_initial", 0),
        (SMACOptions, "num_trees", 0),
        (SMACOptions, "random_probability", 1.01),
        (SMACOptions, "num_candidates", 0),
    ],
)
def test_values_out_of_range_are_refused(options: type[Any], name: str, value: float) -> None:
    with pytest.raises(OptionError, match=f"{name} must be .* got {value}"):
        options(**{name: value})


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        (LocalSearchOptions, "num_initial", 2.5),
        (EvolutionOptions, "population_size", "30"),
        (ReinforceOptions, "learning_rate", None),
        (TPEOptions, "multivariate", 1),
        (SMACOptions, "num_trees", True),
    ],
)
def test_values_of_another_type_are_refused(options: type[Any], name: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"{name} must be"):
        options(**{name: value})
