"""All architectures of a cell, all codes of one, and its neighbours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import ArchitectureError, CellError


def test_enumerate_lists_each_architecture_once(small_cell: Cell) -> None:
    listed = small_cell.enumerate()
    everything = np.array(list(itertools.product(*map(range, small_cell.code_sizes))))
    distinct = np.unique(small_cell.canonical(everything[small_cell.is_valid(everything)]), axis=0)
    assert listed.tolist() == distinct.tolist()
    assert small_cell.size == len(distinct)


def test_canonical_keeps_the_counts_and_is_idempotent(small_cell: Cell) -> None:
    everything = np.array(list(itertools.product(*map(range, small_cell.code_sizes))))
    canonical = small_cell.canonical(everything)
    assert (small_cell.encode(canonical) == small_cell.encode(everything)).all()
    assert (small_cell.canonical(canonical) == canonical).all()
    for code in everything[:: len(everything) // 20]:
        members = small_cell.members(code)
        own = small_cell.canonical(code[None])
        assert members.tolist() == everything[(canonical == own).all(axis=1)].tolist()


@pytest.mark.parametrize("name", ["darts", "nasnet"])
def test_enumerate_refuses_large_cells(name: str) -> None:
    with pytest.raises(CellError, match=r"about 10\^\d+\.\d codes, too many to list.*sample"):
        cells.get(name).enumerate()


def test_sizes_of_astronomical_cells_are_exact() -> None:
    cell = Cell("huge", ["a", "b"], num_blocks=10_000)
    assert cell.size == 2**10_000
    with pytest.raises(CellError, match=r"about 10\^3010\.3 codes"):
        cell.enumerate()


def test_neighbours_are_symmetric(cell: Cell, rng: np.random.Generator) -> None:
    for code in cell.sample(3, rng):
        neighbours = cell.neighbours(code)
        chosen = neighbours[:: max(1, len(neighbours) // 10)]
        for other in chosen:
            assert (cell.neighbours(other) == code).all(axis=1).any()


def test_neighbours_are_valid_distinct_and_sorted(cell: Cell, rng: np.random.Generator) -> None:
    for code in cell.sample(5, rng):
        neighbours = cell.neighbours(code)
        assert cell.is_valid(neighbours).all()
        assert (cell.canonical(neighbours) == neighbours).all()
        assert not (neighbours == code).all(axis=1).any()
        assert neighbours.tolist() == np.unique(neighbours, axis=0).tolist()


@pytest.mark.parametrize("name", ["plain", "wired"])
def test_neighbours_of_plain_cells_differ_in_one_column(
    name: str, rng: np.random.Generator
) -> None:
    cell = Cell(name, ["a", "b", "c"], num_blocks=5, wiring=[2, 4] if name == "wired" else [])
    for code in cell.sample(5, rng):
        neighbours = cell.neighbours(code)
        assert ((neighbours != code).sum(axis=1) == 1).all()
        assert len(neighbours) == sum(size - 1 for size in cell.code_sizes)


def test_neighbours_of_an_isomorphism_class_are_one_raw_step_away(
    rng: np.random.Generator,
) -> None:
    cell = cells.get("nas-bench-graph")
    code = cell.sample(1, rng)[0]
    members, neighbours = cell.members(code), cell.neighbours(code)
    for other in neighbours:
        steps = (cell.members(other)[:, None] != members[None]).sum(axis=2)
        assert steps.min() == 1
    everything = cell.enumerate()
    far = everything[~np.isin(cell.keys(everything), cell.keys(neighbours))]
    for other in far[rng.choice(len(far), 100, replace=False)]:
        steps = (cell.members(other)[:, None] != members[None]).sum(axis=2)
        assert steps.min() != 1 or (other == code).all()


def test_neighbours_refuse_malformed_codes() -> None:
    with pytest.raises(ArchitectureError, match="n x 6 integer array"):
        cells.get("nas-bench-201").neighbours([0, 1])
