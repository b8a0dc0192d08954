"""The generators as members of Ax's registry."""

from __future__ import annotations

import pytest
from ax.storage.json_store.decoder import object_from_json

from ax_anasod.adapter import AnasodGenerators
from ax_anasod.cells import Cell
from ax_anasod.exceptions import RunError
from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.generators import EncodingGenerator, RegisteredGenerator

CELL = Cell("own", operations=["conv", "pool", "skip"], num_blocks=4)


@pytest.mark.parametrize("member", list(AnasodGenerators), ids=lambda m: m.name)
def test_every_member_has_a_setup_of_its_own(member: AnasodGenerators) -> None:
    setup = member.GENERATOR_KEY_TO_GENERATOR_SETUP[member.value]
    assert member.generator_class is setup.generator_class
    assert AnasodGenerators(member.value) is member
    # It is not stored again with every trial.
    assert "cell" in (setup.not_saved_generator_kwargs or ())


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_s_generator_is_found_by_its_name(name: str) -> None:
    kind = STRATEGIES[name].generator
    if kind is EncodingGenerator:
        assert AnasodGenerators.ANASOD_BO.generator_class is kind
    else:
        made = RegisteredGenerator(CELL.to_dict(), seed=3, registered_as=name)
        assert type(made) is kind
        assert made.seed == 3


def test_a_run_of_another_format_is_refused() -> None:
    with pytest.raises(RunError, match="stored by an older version.*'TWO_LEVEL'"):
        object_from_json({"__type": "AnasodGenerators", "name": "TWO_LEVEL"})
