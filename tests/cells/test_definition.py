"""Sizes, the form of codes, and equality of cells."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import ArchitectureError, CellError

CELL = Cell("mine", ["a", "b", "c"], num_blocks=2, wiring=[2])


@pytest.mark.parametrize(
    ("name", "total", "num_operations", "size", "num_encodings"),
    [
        ("nas-bench-201", 6, 5, 15_625, 210),
        ("darts", 8, 7, 7**16 * (3 * 6 * 10) ** 2, 3003),
        ("nasnet", 10, 8, 8**10 * 3 * 6 * 10 * 15, 19_448),
        ("nas-bench-graph", 4, 9, 26_206, 495),
        ("nas-bench-graph-proteins", 4, 5, 2_021, 70),
    ],
)
def test_sizes_of_the_built_in_cells(
    name: str, total: int, num_operations: int, size: int, num_encodings: int
) -> None:
    cell = cells.get(name)
    assert (cell.total, cell.num_operations) == (total, num_operations)
    assert (cell.size, cell.num_encodings) == (size, num_encodings)


def test_cells_are_values() -> None:
    same = Cell("mine", ("a", "b", "c"), 2, (2,))
    assert same == CELL
    assert hash(same) == hash(CELL)
    assert same != Cell("mine", ["a", "b", "c"], num_blocks=2, wiring=[3])
    with pytest.raises(FrozenInstanceError):
        CELL.num_blocks = 3  # type: ignore[misc]


def test_cells_survive_pickling(cell: Cell) -> None:
    assert cell.size > 0  # fills the caches
    copy = pickle.loads(pickle.dumps(cell))
    assert copy == cell
    assert hash(copy) == hash(cell)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_any_integer_type_is_a_code(dtype: type[np.integer[Any]]) -> None:
    codes = CELL.validate_codes(np.array([[2, 0, 1]], dtype=dtype))
    assert codes.dtype == np.int64
    assert codes.tolist() == [[2, 0, 1]]


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([0, 1, 1], r"n x 3 integer array, got shape \(3,\)"),
        ([[0, 1]], r"got shape \(1, 2\)"),
        ([[0.0, 1.0, 1.0]], "of type float64"),
        ([["a", "b", "c"]], "of type <U1"),
        ([[0, 1, 1], [0, 3, 1]], r"code \[0, 3, 1\] \(row 1\) has 3 in column 1, .* 0 to 2"),
        ([[0, 1, 2]], "has 2 in column 2, .* 0 to 1"),
        ([[0, -1, 0]], "has -1 in column 1"),
    ],
)
def test_refuses_malformed_codes(codes: Any, message: str) -> None:
    for use in (CELL.encode, CELL.is_valid, CELL.canonical, CELL.to_strings, CELL.keys):
        with pytest.raises(ArchitectureError, match=message):
            use(codes)


def test_no_codes_are_fine(cell: Cell, rng: np.random.Generator) -> None:
    none = cell.sample(0, rng)
    assert none.shape == (0, len(cell.code_sizes))
    assert cell.encode(none).shape == (0, cell.num_operations)
    assert cell.decode(np.zeros((0, cell.num_operations), dtype=int), rng).shape == none.shape
    assert cell.from_strings(cell.to_strings(none)).shape == none.shape
    assert cell.snap(np.zeros((0, cell.num_operations))).shape == (0, cell.num_operations)
    assert len(cell.keys(none)) == 0


def test_arguments_must_fit_the_constructor() -> None:
    with pytest.raises(CellError, match="cannot be built from .*colour"):
        Cell.from_arguments({"colour": "red"})


def test_of_equal_codes_the_first_is_kept() -> None:
    codes = np.array([[2, 1, 0], [0, 1, 0], [2, 1, 0], [0, 0, 1], [0, 1, 0]])
    assert CELL.distinct(codes).tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 1]]
