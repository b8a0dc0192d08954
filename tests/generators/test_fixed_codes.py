"""Architectures of which some columns are given."""

from __future__ import annotations

import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.generators.fixed_codes import forms_with_fixed, list_with_fixed

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
