"""All architectures of a cell, the neighbours of one, and cells as dictionaries."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod import cells
from ax_anasod.cells import Cell, register_cell
from ax_anasod.exceptions import ArchitectureError, CellError, UnknownNameError


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


def round_trip(cell: Cell) -> Cell:
    return cells.from_dict(json.loads(json.dumps(cell.to_dict())))


def test_round_trip_of_every_cell(cell: Cell, rng: np.random.Generator) -> None:
    copy = round_trip(cell)
    assert copy == cell
    assert type(copy) is type(cell)
    codes = cell.sample(10, rng)
    assert copy.to_strings(codes) == cell.to_strings(codes)


@given(
    st.text(min_size=1, max_size=8).filter(str.strip),
    st.lists(
        st.text("ab 3", min_size=1, max_size=4).filter(str.strip),
        min_size=2,
        max_size=6,
        unique=True,
    ),
    st.integers(1, 5),
    st.lists(st.integers(2, 9), max_size=3),
    st.integers(1, 3),
)
def test_round_trip_of_any_definition(
    name: str, operations: list[str], total: int, wiring: list[int], parts: int
) -> None:
    cell = Cell(name, operations, total * parts, wiring, parts)
    assert round_trip(cell) == cell


@pytest.mark.parametrize(
    ("stored", "error", "message"),
    [
        (None, CellError, "dictionary with the key 'type', got None"),
        ({}, CellError, "key 'type'"),
        ({"type": 3}, CellError, "key 'type'"),
        ({"type": "Sell"}, UnknownNameError, "unknown cell class 'Sell'.*'Cell'"),
        ({"type": "Cell", "name": "x"}, CellError, "cannot be built from"),
        ({"type": "DARTSCell", "extra": 1}, CellError, "cannot be built from"),
        (
            {"type": "Cell", "name": "x", "operations": ["a"], "num_blocks": 2},
            CellError,
            "at least two",
        ),
    ],
)
def test_refuses_what_is_no_stored_cell(stored: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cells.from_dict(stored)


class UnregisteredCell(Cell):
    pass


def test_an_unregistered_class_cannot_be_stored() -> None:
    with pytest.raises(CellError, match="'UnregisteredCell' is not registered.*register_cell"):
        UnregisteredCell("mine", ["a", "b"], num_blocks=2).to_dict()


def test_names_are_taken_once() -> None:
    impostor = type("DARTSCell", (Cell,), {"__module__": __name__})
    with pytest.raises(CellError, match="'DARTSCell' is registered already"):
        register_cell(impostor)


def test_a_class_may_be_defined_again() -> None:
    def define() -> type[Cell]:
        @register_cell
        class NotebookCell(Cell):
            pass

        return NotebookCell

    first, second = define(), define()
    assert first is not second
    assert type(round_trip(second("mine", ["a", "b"], num_blocks=2))) is second
