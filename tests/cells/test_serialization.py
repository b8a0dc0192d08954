"""Cells as dictionaries."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod import cells
from ax_anasod.cells import Cell, register_cell
from ax_anasod.exceptions import CellError, UnknownNameError


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
