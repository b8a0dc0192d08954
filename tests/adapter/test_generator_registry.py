"""The generators as members of Ax's registry."""

from __future__ import annotations

import pytest

from ax_anasod.adapter import AnasodGenerators
from ax_anasod.adapter.generator_registry import SETUPS


@pytest.mark.parametrize("member", list(AnasodGenerators), ids=lambda m: m.name)
def test_every_member_has_a_setup_of_its_own(member: AnasodGenerators) -> None:
    assert member.value in SETUPS
    assert member.generator_class is SETUPS[member.value].generator_class
    assert AnasodGenerators(member.value) is member


def test_there_is_no_setup_without_a_member() -> None:
    assert {member.value for member in AnasodGenerators} == set(SETUPS)


@pytest.mark.parametrize("key", SETUPS)
def test_the_cell_is_not_stored_again_with_every_trial(key: str) -> None:
    assert "cell" in (SETUPS[key].not_saved_generator_kwargs or ())
