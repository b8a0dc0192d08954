"""Options of the strategies: the paper's defaults, types and ranges."""

from __future__ import annotations

from typing import Any

import pytest

from ax_anasod.exceptions import AnasodError, OptionError, UnknownNameError
from ax_anasod.generation_strategy import (
    AnasodBOOptions,
    BiasedRandomOptions,
    RandomOptions,
)
from ax_anasod.generation_strategy.options import make_options


def test_the_defaults_are_the_papers() -> None:
    bo, biased = AnasodBOOptions(), BiasedRandomOptions()

    assert (bo.num_initial, bo.optimizer, bo.ard, bo.log_targets) == (10, "pool", False, True)
    assert (biased.beta_max, biased.num_trials) == (2.0, 300)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_initial": 0}, OptionError, "num_initial must be at least 1, got 0"),
        ({"num_initial": 2.0}, OptionError, r"num_initial must be int, got 2.0"),
        ({"num_initial": True}, OptionError, r"num_initial must be int, got True"),
        ({"num_initial": None}, OptionError, r"num_initial must be int, got None"),
        ({"optimizer": "pol"}, UnknownNameError, r"did you mean 'pool'"),
        ({"optimizer": 3}, OptionError, r"optimizer must be str, got 3"),
        ({"pool_size": 0}, OptionError, "pool_size must be at least 1"),
        ({"pool_size": "many"}, OptionError, r"pool_size must be int \| None, got 'many'"),
        ({"beta_max": float("nan")}, OptionError, "beta_max must be a finite number"),
        ({"beta_max": 0.1, "beta_min": 1}, OptionError, "beta_min must not be above beta_max"),
        ({"beta_min": -1.0}, OptionError, "beta_min must be a finite number above 0"),
        ({"success_tolerance": 0}, OptionError, "success_tolerance"),
        ({"failure_tolerance": 0}, OptionError, "failure_tolerance"),
        ({"num_steps": 0}, OptionError, "num_steps must be at least 1"),
        ({"learning_rate": -0.1}, OptionError, "learning_rate must be positive"),
        ({"ard": 1}, OptionError, "ard must be bool, got 1"),
        ({"num_inital": 5}, UnknownNameError, r"did you mean 'num_initial'"),
    ],
)
def test_wrong_options_of_anasod_bo_are_refused(
    options: dict[str, Any], error: type[AnasodError], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_options(AnasodBOOptions, "anasod-bo", options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta_max": -1.0}, "beta_max must be a finite number of at least 0"),
        ({"beta_max": float("inf")}, "beta_max must be a finite number"),
        ({"num_trials": 0}, "num_trials must be a whole number of at least 1"),
        ({"num_trials": 10.5}, "num_trials must be int"),
    ],
)
def test_wrong_options_of_biased_random_search_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        BiasedRandomOptions(**options)


def test_a_whole_number_will_do_for_a_fraction() -> None:
    assert make_options(AnasodBOOptions, "anasod-bo", {"beta_max": 4}).beta_max == 4


def test_a_strategy_without_options_says_so() -> None:
    with pytest.raises(UnknownNameError, match=r"strategy 'random': 'beta'.*known: \(none\)"):
        make_options(RandomOptions, "random", {"beta": 1})
