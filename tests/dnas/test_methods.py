"""The table of methods."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from ax_anasod.dnas import METHODS, MethodConfig, method
from ax_anasod.exceptions import OptionError, UnknownNameError


def test_the_methods_of_the_paper_are_there_each_with_its_source() -> None:
    assert set(METHODS) >= {
        *("anasod-dnas", "anasod-dnas+", "gaea", "gaea-erm", "darts", "darts-2"),
        *("gdas", "drnas", "beta-darts", "setn", "rsps", "enas"),
    }
    for config in METHODS.values():
        assert config.summary
        assert config.source


def test_published_settings() -> None:
    darts = METHODS["darts"]
    assert (darts.learning_rate, darts.weight_decay, darts.epochs) == (3e-4, 1e-3, 50)
    gaea = METHODS["gaea"]
    assert (gaea.update, gaea.learning_rate, gaea.epochs) == ("exponentiated", 0.1, 25)
    # The cosine of gaea_release runs over 50 epochs, and the search ends after 25.
    assert (gaea.schedule, gaea.without_zero) == (2.0, True)
    assert METHODS["gaea-erm"].single_level
    assert METHODS["darts-2"].second_order
    assert METHODS["beta-darts"].logsumexp == 50.0
    assert (METHODS["gdas"].temperature, METHODS["gdas"].final_temperature) == (10.0, 0.1)
    shared = [name for name, config in METHODS.items() if config.shared]
    assert shared == ["anasod-dnas", "anasod-dnas+"]
    # The shortcut is ours: all others search as they were published.
    assert [name for name, config in METHODS.items() if config.shortcut] == shared


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_restored_from_its_description(name: str) -> None:
    stored = json.loads(json.dumps(method(name).to_dict()))
    assert MethodConfig.from_dict(stored) == METHODS[name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": -1.0}, "learning_rate must be at least 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be finite, got nan"),
        ({"learning_rate": "fast"}, "learning_rate must be a number, got 'fast'"),
        ({"travel": -0.5}, "travel must be at least 0"),
        ({"temperature": 0.0}, "temperature must be at least 0.001"),
        ({"draws": 1}, "draws must be at least 2"),
        ({"draws": 2.5}, "draws must be a whole number, got 2.5"),
        ({"candidates": 0}, "candidates must be at least 1"),
        ({"uniform_share": 1.5}, "uniform_share must be at least 0 and at most 1"),
        ({"schedule": 0.5}, "schedule must be at least 1"),
        ({"shared": "yes"}, "shared must be true or false, got 'yes'"),
        ({"shared": True}, "selection 'argmax' of a shared distribution is a cell of one op"),
        ({"update": "dirichlet"}, "update 'dirichlet' needs an estimator 'dirichlet'"),
        ({"weights_by": "dirichlet"}, "estimator 'dirichlet' needs the update 'dirichlet'"),
        ({"learned_by": "gumbel", "second_order": True}, "second_order needs learned_by 'mixture'"),
    ],
)
def test_what_makes_no_method_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        method("darts", **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dart", {}),
        ("darts", {"learning_rat": 1.0}),
        ("darts", {"weights_by": "mixtur"}),
        ("darts", {"update": "sgd"}),
        ("darts", {"selection": "argmin"}),
    ],
)
def test_names_that_are_not_there_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError):
        method(name, **options)


def test_every_option_can_be_given() -> None:
    config = method("gaea")
    for field in fields(MethodConfig):
        value = getattr(config, field.name)
        assert config.with_options(**{field.name: value}) == config
