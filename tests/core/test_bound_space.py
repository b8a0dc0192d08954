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
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.core.bound_space import require_cell_bound
from ax_anasod.exceptions import (
    AnasodError,
    ArchitectureError,
    EncodingError,
    OptionError,
    UnknownNameError,
)

CELL = Cell("wired", operations=["conv", "max pool", "skip"], num_blocks=4, wiring=[2, 3])
ENCODINGS, ARCHITECTURES = AnasodSearchSpace.from_cell(CELL), CellSearchSpace.from_cell(CELL)


@given(st.integers(0, 2**32))
def test_counts_survive_the_way_to_parameters_and_back(seed: int) -> None:
    fractions = np.random.default_rng(seed).dirichlet(np.ones(3), size=4)
    rows = CELL.snap(fractions)

    parameters = ENCODINGS.parameterizations(rows)

    assert all(type(value) is int for p in parameters for value in p.values())
    np.testing.assert_array_equal(ENCODINGS.rows(parameters), rows)
    assert all(ENCODINGS.check_membership(p) for p in parameters)


@given(st.integers(0, 2**32))
def test_codes_survive_the_way_to_parameters_and_back(seed: int) -> None:
    rows = CELL.sample(4, np.random.default_rng(seed))

    parameters = ARCHITECTURES.parameterizations(rows)

    np.testing.assert_array_equal(ARCHITECTURES.rows(parameters), rows)
    assert all(ARCHITECTURES.check_membership(p) for p in parameters)


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
    with pytest.raises(EncodingError):
        ENCODINGS.rows([{"n_conv": 1, "n_max_pool": 1, "n_skip": count}])


def test_what_is_no_choice_is_refused() -> None:
    with pytest.raises(ArchitectureError, match=r"block_0 = 'cov'.*did you mean 'conv'"):
        ARCHITECTURES.partial({"block_0": "cov"})
    with pytest.raises(AnasodError, match="wire_0 = 2"):
        ARCHITECTURES.rows([ARCHITECTURES.parameters_of([0, 0, 0, 0, 1, 1]) | {"wire_0": 2}])


def test_a_row_has_the_parameters_of_the_cell_only() -> None:
    more = {"n_conv": 1, "n_max_pool": 1, "n_skip": 2, "learning_rate": 0.1}
    assert ENCODINGS.rows([more]).tolist() == [[1, 1, 2]]
    assert ENCODINGS.contains(more)
    assert not ENCODINGS.contains({"n_conv": 4})
    with pytest.raises(EncodingError, match=r"missing \['n_max_pool', 'n_skip'\]"):
        ENCODINGS.rows([{"n_conv": 4}])


@pytest.mark.parametrize("rows", [[[1, 2]], [1, 2, 1], [[1, 2, 2]], [[2, 3, -1]]])
def test_what_are_no_counts_have_no_parameters(rows: Any) -> None:
    with pytest.raises(EncodingError, match="array|sum to 4|negative"):
        ENCODINGS.parameterizations(rows)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError):
        ENCODINGS.partial({"n_skp": 2})


def test_a_plain_space_does_not_know_its_cell() -> None:
    require_cell_bound(ENCODINGS)
    plain = SearchSpace([RangeParameter("x", ParameterType.INT, 0, 2)])
    with pytest.raises(OptionError, match=r"got a SearchSpace.*from_cell"):
        require_cell_bound(plain)
