"""The synthetic objective."""

from __future__ import annotations

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.testing import SyntheticObjective, built_in_cells

NB201 = cells.get("nas-bench-201")


@pytest.mark.parametrize("cell", built_in_cells(), ids=lambda cell: cell.name)
def test_values_are_errors_in_percent_that_tell_architectures_apart(cell: Cell) -> None:
    codes = cell.sample(500, np.random.default_rng(0))

    errors = SyntheticObjective(cell)(codes)

    assert ((errors > 0) & (errors < 100)).all()
    assert len(np.unique(errors)) == len(np.unique(cell.keys(codes)))


def test_seeds_are_different_objectives() -> None:
    codes = NB201.sample(10, np.random.default_rng(0))

    first = SyntheticObjective(NB201, seed=1)(codes)

    np.testing.assert_array_equal(first, SyntheticObjective(NB201, seed=1)(codes))
    assert (first != SyntheticObjective(NB201, seed=2)(codes)).all()


def test_forms_of_one_architecture_have_one_value() -> None:
    graph = cells.get("nas-bench-graph")
    members = graph.members(np.array([8, 1, 0, 2, 8]))

    assert len(members) > 1
    assert len(set(SyntheticObjective(graph)(members).tolist())) == 1


def test_counts_explain_part_of_the_error() -> None:
    codes = NB201.enumerate()
    shares = []
    for seed in range(5):
        errors = SyntheticObjective(NB201, seed)(codes)
        _, group = np.unique(NB201.encode(codes), axis=0, return_inverse=True)
        group = group.ravel()
        means = np.bincount(group, errors) / np.bincount(group)
        shares.append(means[group].var() / errors.var())

    assert all(0.2 < share < 0.95 for share in shares)
