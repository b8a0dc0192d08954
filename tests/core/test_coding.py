"""Ax parameters as integer rows, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.search_space import SearchSpace
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, Coding, space_of
from ax_anasod.exceptions import (
    AnasodError,
    ArchitectureError,
    EncodingError,
    OptionError,
    UnknownNameError,
)

CELL = Cell("wired", operations=["conv", "max pool", "skip"], num_blocks=4, wiring=[2, 3])
ENCODINGS, ARCHITECTURES = Coding(CELL, "encoding"), Coding(CELL, "architecture")


@given(st.integers(0, 2**32))
def test_counts_survive_the_way_to_parameters_and_back(seed: int) -> None:
    fractions = np.random.default_rng(seed).dirichlet(np.ones(3), size=4)
    rows = CELL.snap(fractions)

    parameters = ENCODINGS.parameters(rows)

    assert all(type(value) is int for p in parameters for value in p.values())
    np.testing.assert_array_equal(ENCODINGS.rows(parameters), rows)
    space = AnasodSearchSpace.from_cell(CELL)
    assert all(space.check_membership(p) for p in parameters)


@given(st.integers(0, 2**32))
def test_codes_survive_the_way_to_parameters_and_back(seed: int) -> None:
    rows = CELL.sample(4, np.random.default_rng(seed))

    parameters = ARCHITECTURES.parameters(rows)

    np.testing.assert_array_equal(ARCHITECTURES.rows(parameters), rows)
    space = CellSearchSpace.from_cell(CELL)
    assert all(space.check_membership(p) for p in parameters)


def test_no_parameters_are_no_rows() -> None:
    assert ENCODINGS.rows([]).shape == (0, 3)
    assert ARCHITECTURES.rows([]).shape == (0, 6)


def test_some_parameters_are_columns_with_values() -> None:
    assert ENCODINGS.partial({"n_skip": 2.0, "n_conv": np.int64(1)}) == {2: 2, 0: 1}
    assert ARCHITECTURES.partial({"block_1": "skip", "wire_1": 2}) == {1: 2, 5: 2}


@pytest.mark.parametrize("count", [2.5, -1, 5, np.nan, np.inf, True, "2", None])
def test_what_is_no_count_is_refused(count: Any) -> None:
    with pytest.raises(EncodingError, match=r"n_skip = .* needed is a whole number from 0 to 4"):
        ENCODINGS.partial({"n_skip": count})
    with pytest.raises(EncodingError, match="n_skip = "):
        ENCODINGS.row({"n_conv": 1, "n_max_pool": 1, "n_skip": count})


def test_what_is_no_choice_is_refused() -> None:
    with pytest.raises(ArchitectureError, match=r"block_0 = 'cov'.*did you mean 'conv'"):
        ARCHITECTURES.partial({"block_0": "cov"})
    with pytest.raises(AnasodError, match="wire_0 = 2"):
        ARCHITECTURES.row(
            ARCHITECTURES.parameters(np.array([[0, 0, 0, 0, 1, 1]]))[0] | {"wire_0": 2}
        )


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'n_skp'.*did you mean 'n_skip'"):
        ENCODINGS.partial({"n_skp": 2})


def test_the_two_kinds_of_space_are_told_apart() -> None:
    assert space_of(AnasodSearchSpace.from_cell(CELL)) == "encoding"
    assert space_of(CellSearchSpace.from_cell(CELL)) == "architecture"


def test_a_plain_space_is_neither_of_the_two() -> None:
    plain = SearchSpace([RangeParameter("x", ParameterType.INT, 0, 2)])

    with pytest.raises(OptionError, match=r"got a SearchSpace.*from_cell"):
        space_of(plain)
