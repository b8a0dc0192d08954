"""Encodings of which some counts are given, and architectures of which some columns are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.exceptions import EncodingError
from ax_anasod.generators.fixed import apply_fixed_counts, forms_with_fixed, list_with_fixed

CELL = Cell("toy", operations=["a", "b", "c", "d"], num_blocks=7)


@given(
    st.integers(0, 2**32),
    st.dictionaries(st.integers(0, 3), st.integers(0, 7), max_size=3).filter(
        lambda fixed: sum(fixed.values()) <= 7
    ),
)
def test_fixed_counts_hold_and_the_rest_is_on_the_simplex(seed: int, fixed: dict[int, int]) -> None:
    fractions = np.random.default_rng(seed).dirichlet(np.ones(4), size=5)

    counts = apply_fixed_counts(fractions, CELL, fixed)

    assert counts.dtype == np.int64
    assert (counts.sum(axis=1) == 7).all()
    assert (counts >= 0).all()
    for column, value in fixed.items():
        assert (counts[:, column] == value).all()


def test_without_fixed_counts_it_is_the_nearest_encoding() -> None:
    fractions = np.random.default_rng(0).dirichlet(np.ones(4), size=50)

    np.testing.assert_array_equal(apply_fixed_counts(fractions, CELL, {}), CELL.snap(fractions))


def test_free_operations_keep_their_proportions() -> None:
    counts = apply_fixed_counts(np.array([[0.7, 0.1, 0.05, 0.15]]), CELL, {0: 1})

    assert counts.tolist() == [[1, 2, 1, 3]]


def test_operations_without_any_share_share_alike() -> None:
    counts = apply_fixed_counts(np.array([[1.0, 0.0, 0.0, 0.0]]), CELL, {0: 1})

    assert counts.tolist() == [[1, 2, 2, 2]]


def test_all_counts_may_be_fixed() -> None:
    fractions = np.full((2, 4), 0.25)

    counts = apply_fixed_counts(fractions, CELL, {0: 1, 1: 2, 2: 3, 3: 1})

    assert counts.tolist() == [[1, 2, 3, 1]] * 2


@pytest.mark.parametrize(
    "fixed", [{0: 8}, {0: -1}, {0: 4, 1: 4}, {0: 1, 1: 1, 2: 1, 3: 1}], ids=str
)
def test_counts_that_no_encoding_has_are_refused(fixed: dict[int, int]) -> None:
    with pytest.raises(EncodingError, match=r"fixed counts \{'a': .*sum to 7"):
        apply_fixed_counts(np.full((1, 4), 0.25), CELL, fixed)


def test_encodings_without_architecture_are_replaced_by_the_nearest() -> None:
    cell = cells.get("nas-bench-graph")
    skip = cell.operations.index("skip")
    almost_all_skip = np.full((3, 9), 1e-3)
    almost_all_skip[:, skip] = 1 - 8e-3

    counts = apply_fixed_counts(almost_all_skip, cell, {cell.operations.index("gat"): 0})

    assert cell.is_feasible(counts).all()
    assert (counts[:, skip] == 3).all()


def test_fixed_counts_without_any_architecture_are_refused() -> None:
    cell = cells.get("nas-bench-graph")

    with pytest.raises(EncodingError, match=r"no architecture.*fixed counts \{'skip': 4\}"):
        apply_fixed_counts(np.full((1, 9), 1 / 9), cell, {cell.operations.index("skip"): 4})


def test_a_restricted_cell_offers_only_what_is_present() -> None:
    present = RestrictedCell(CELL, CELL.sample(6, np.random.default_rng(3)))
    known = {tuple(row) for row in present.encode(present.enumerate()).tolist()}
    fixed = {0: present.encode(present.enumerate())[0, 0]}

    counts = apply_fixed_counts(
        np.random.default_rng(0).dirichlet(np.ones(4), size=40), present, fixed
    )

    assert {tuple(row) for row in counts.tolist()} <= known
    assert (counts[:, 0] == fixed[0]).all()


SMALL = Cell("small", operations=["a", "b"], num_blocks=3, wiring=[3])
GRAPH = cells.get("nas-bench-graph")


@pytest.mark.parametrize("cell", [GRAPH, SMALL, RestrictedCell(SMALL, SMALL.enumerate()[::2])])
def test_forms_with_fixed_values_are_of_all_that_can_have_them(cell: Cell) -> None:
    fixed = {0: 1, 2: 0}
    some = cell.enumerate()[::7]

    forms = forms_with_fixed(cell, some, fixed)

    assert (forms[:, [0, 2]] == [1, 0]).all()
    every = list_with_fixed(cell, fixed)
    able = set(cell.keys(cell.canonical(every)).tolist()) & set(cell.keys(some).tolist())
    assert sorted(cell.keys(cell.canonical(forms)).tolist()) == sorted(able)
    assert able


def test_isomorphic_codes_may_have_the_fixed_values() -> None:
    every = list_with_fixed(GRAPH, {0: 3})
    representatives = GRAPH.enumerate()

    assert len(every) > (representatives[:, 0] == 3).sum()
    assert GRAPH.is_valid(every).all()
