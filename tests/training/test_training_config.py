"""The protocols of training."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.training import PROTOCOLS, TrainingConfig, protocol, sequence_protocol
from ax_anasod.training.training_config import rate_at


def test_search_is_the_papers() -> None:
    search = protocol("search")
    assert (search.epochs, search.batch_size, search.momentum) == (30, 96, 0.9)
    assert (search.learning_rate, search.final_learning_rate) == (0.025, 0.0)
    assert search.weight_decay == 3e-4
    assert (search.mix, search.label_smoothing, search.auto_augment) == ("none", 0.0, False)


def test_evaluations_add_what_the_paper_adds() -> None:
    once, plus = protocol("evaluation"), protocol("evaluation+")
    assert (once.epochs, plus.epochs) == (600, 1500)
    for config in (once, plus):
        assert (config.mix, config.auxiliary_weight, config.drop_path) == ("cutmix", 0.4, 0.2)
        assert config.learning_rate == protocol("search").learning_rate
    assert (once.auto_augment, plus.auto_augment) == (False, True)
    assert protocol("evaluation", mix="mixup").mix == "mixup"


def test_language_models_have_protocols_of_their_own() -> None:
    search = sequence_protocol("search")
    assert (search.optimizer, search.learning_rate, search.warm_up) == ("adamw", 3e-3, 0.1)
    assert sequence_protocol("evaluation").epochs > search.epochs
    assert TrainingConfig.from_dict(json.loads(json.dumps(search.to_dict()))) == search
    with pytest.raises(UnknownNameError):
        sequence_protocol("evaluation+")


def test_the_rate_rises_and_falls() -> None:
    config = sequence_protocol("search", warm_up=0.15)
    rates = [rate_at(config, step, 30) for step in range(30)]
    assert rates[:5] == pytest.approx(
        [3e-3 * share for share in (1 / 4.5, 2 / 4.5, 3 / 4.5, 4 / 4.5, 1)]
    )
    assert max(rates) == config.learning_rate
    assert sorted(rates[5:], reverse=True) == rates[5:]
    assert 3e-4 < rates[-1] < 3.3e-4
    assert rate_at(protocol("search"), 0, 10) == 0.025


@pytest.mark.parametrize("name", PROTOCOLS)
def test_protocols_come_back_from_json(name: str) -> None:
    config = protocol(name, epochs=7)
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": -4}, "batch_size must be at least 1, got -4"),
        ({"batch_size": 1.5}, "batch_size must be a whole number, got 1.5"),
        ({"learning_rate": 0}, "learning_rate must be above 0 and at most 1e\\+30, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be finite, got nan"),
        ({"learning_rate": 1e300}, r"at most 1e\+30, got 1e\+300"),
        ({"mix_alpha": 1e-320}, "mix_alpha must be at least 1e-06, got 1e-320"),
        ({"batch_size": 2.0}, "batch_size must be a whole number, got 2.0"),
        ({"flip": "no"}, r"flip must be true or false or None, got 'no'"),
        ({"auto_augment": 1}, "auto_augment must be true or false, got 1"),
        ({"momentum": None}, "momentum must be a number, got None"),
        ({"mix": 3}, "mix must be .*'mixup', got 3"),
        ({"momentum": 1.0}, r"momentum must be at least 0 and below 1, got 1.0"),
        ({"ema_decay": 1.0}, r"ema_decay must be above 0 and below 1"),
        ({"gradient_clip": 0}, "gradient_clip must be above 0"),
        ({"gradient_clip": "much"}, r"gradient_clip must be a number or None, got 'much'"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        protocol("search", **options)


def test_names_are_suggested() -> None:
    with pytest.raises(UnknownNameError):
        protocol("evaluate")
    with pytest.raises(UnknownNameError):
        protocol("search", epoch=3)
    with pytest.raises(UnknownNameError):
        protocol("search", mix="cutmx")
