"""The string form of a user's own cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.cells import Cell
from ax_anasod.exceptions import ArchitectureError

PLAIN = Cell("plain", ["conv 3x3", "skip", "I"], num_blocks=3)
WIRED = Cell("wired", ["conv", "skip"], num_blocks=2, wiring=[3, 12])

names = st.text(
    st.characters(exclude_characters="|@", exclude_categories=["C", "Z"], include_characters=" "),
    min_size=1,
).filter(str.strip)


def test_the_form() -> None:
    assert PLAIN.to_strings([[0, 1, 2]]) == ["conv 3x3|skip|I"]
    assert WIRED.to_strings([[0, 1, 2, 11], [1, 1, 0, 0]]) == ["conv|skip@2,11", "skip|skip@0,0"]


@given(
    st.lists(names, min_size=2, max_size=5, unique=True),
    st.integers(1, 6),
    st.lists(st.integers(2, 30), max_size=3),
    st.integers(0, 2**32),
)
def test_round_trip(operations: list[str], blocks: int, wiring: list[int], seed: int) -> None:
    cell = Cell("any", operations, blocks, wiring)
    codes = cell.sample(10, np.random.default_rng(seed))
    assert (cell.from_strings(cell.to_strings(codes)) == codes).all()


def test_round_trip_of_every_cell(cell: Cell, rng: np.random.Generator) -> None:
    codes = cell.sample(200, rng)
    strings = cell.to_strings(codes)
    assert (cell.from_strings(strings) == codes).all()
    assert len(set(strings)) == len(np.unique(cell.keys(codes)))


@pytest.mark.parametrize(
    ("cell", "string", "message"),
    [
        (PLAIN, "skip|skip", "has 2 operations, not 3"),
        (PLAIN, "", "has 1 operations, not 3"),
        (PLAIN, "skip|skip|skop", "no operation 'skop'.*did you mean 'skip'"),
        (PLAIN, "skip|skip|sk ip ", "no operation 'sk ip'"),
        (PLAIN, "skip|skip|I@0", "1 instead of 0 wiring choices"),
        (WIRED, "conv|skip", "0 instead of 2 wiring choices"),
        (WIRED, "conv|skip@1", "1 instead of 2"),
        (WIRED, "conv|skip@1,12", "wiring choice 1 is '12', allowed is 0 to 11"),
        (WIRED, "conv|skip@-1,1", "wiring choice 0 is '-1'"),
        (WIRED, "conv|skip@1,01", "wiring choice 1 is '01'"),
        (WIRED, "conv|skip@1,x", "wiring choice 1 is 'x'"),
        (WIRED, "conv|skip@1, 1 2", "wiring choice 1 is '1 2'"),
        (WIRED, "conv|skip@1,1@1", "wiring choice 1 is '1@1'"),
        (WIRED, "conv|skip@\u0661,1", "wiring choice 0"),
    ],
)
def test_refuses_malformed_strings(cell: Cell, string: str, message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        cell.from_strings([string])


@pytest.mark.parametrize(
    "string",
    [" skip|conv@2, 11\r\n", "\ufeffskip | conv @ 2 , 11", "np.str_('skip|conv@2,11')"],
)
def test_blanks_and_what_numpy_prints_do_not_matter(string: str) -> None:
    assert WIRED.from_strings([string]).tolist() == [[1, 0, 2, 11]]


def test_a_name_with_blanks_is_itself_first() -> None:
    cell = Cell("blanks", ["conv", " conv"], num_blocks=2)
    assert cell.from_strings(["conv| conv", " conv|  conv"]).tolist() == [[0, 1], [1, 0]]


def test_messages_quote_the_string_and_its_position() -> None:
    with pytest.raises(ArchitectureError, match=r"'a\|b' \(number 2 of 3, from 0\)"):
        WIRED.from_strings(["conv|skip@0,0", "skip|conv@1,1", "a|b"])
    with pytest.raises(ArchitectureError, match=r"^architecture 'a\|b': "):
        WIRED.from_strings(["a|b"])
    with pytest.raises(ArchitectureError) as caught:
        WIRED.from_strings(["x" * 10_000])
    assert len(caught.value.message) < 500


@pytest.mark.parametrize("value", [None, float("nan"), 3, b"conv|skip@0,0"])
def test_refuses_what_is_no_text(value: Any) -> None:
    with pytest.raises(ArchitectureError, match="it is no text"):
        WIRED.from_strings([value])


def test_refuses_a_single_string_in_place_of_a_list() -> None:
    with pytest.raises(ArchitectureError, match="put it into a list"):
        WIRED.from_strings("conv|skip@0,0")
