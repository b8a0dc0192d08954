"""Local search and the baselines as Ax generation strategies."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ax_anasod import cells
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.exceptions import OptionalImportError, OptionError, UnknownNameError
from ax_anasod.experiment import make_client
from ax_anasod.generation_strategy import STRATEGIES, make
from ax_anasod.generation_strategy.baselines import BASELINES

SPACE = CellSearchSpace.from_cell(cells.get("nas-bench-graph"))
NAMES = [strategy.name for strategy in BASELINES]


@pytest.mark.parametrize("name", NAMES)
def test_strategy_is_one_node_from_the_first_trial_to_the_last(name: str) -> None:
    strategy = make(name, SPACE, seed=4)

    (node,) = strategy._nodes
    assert strategy.name == node.name == name
    assert node.should_deduplicate is False
    (spec,) = node.generator_specs
    assert spec.generator_kwargs["seed"] == 4
    assert cells.from_dict(spec.generator_kwargs["cell"]) == SPACE.cell


@pytest.mark.parametrize("name", NAMES)
def test_options_reach_the_generator(name: str) -> None:
    option = fields(STRATEGIES[name].options)[0]
    value = type(option.default)(option.default * 2)

    (node,) = make(name, SPACE, **{option.name: value})._nodes

    assert node.generator_specs[0].generator_kwargs[option.name] == value


@pytest.mark.parametrize("name", NAMES)
def test_misspelt_options_are_refused(name: str) -> None:
    option = fields(STRATEGIES[name].options)[0].name

    with pytest.raises(UnknownNameError, match=f"did you mean '{option}'"):
        make(name, SPACE, **{option + "x": 1})


@pytest.mark.parametrize("name", NAMES)
def test_encodings_are_the_wrong_space(name: str) -> None:
    encodings = AnasodSearchSpace.from_cell(cells.get("nas-bench-201"))

    with pytest.raises(OptionError, match=f"{name!r} cannot run on a AnasodSearchSpace"):
        make(name, encodings)


@pytest.mark.parametrize("name", NAMES)
def test_several_objectives_are_refused(name: str) -> None:
    with pytest.raises(OptionError, match=f"{name!r} searches one objective, got 2"):
        make_client(cells.get("nas-bench-201"), name, objectives=["error", "latency"])


@pytest.mark.parametrize(("name", "package"), [("tpe", "optuna"), ("smac", "smac")])
def test_missing_package_is_named_when_the_strategy_is_made(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(OptionalImportError, match=f"{package!r}.*ax-anasod\\[baselines\\]"):
        make(name, SPACE)
