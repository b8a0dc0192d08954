"""One architecture as a value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Architecture, Cell
from ax_anasod.exceptions import ArchitectureError

CELL = Cell("mine", ["conv", "skip"], num_blocks=3, wiring=[2])


def test_every_way_in_gives_the_same_value(cell: Cell, rng: np.random.Generator) -> None:
    code = cell.sample(1, rng)[0]
    architecture = cell.architecture(code)
    assert architecture == cell.architecture(str(architecture))
    assert architecture == Architecture(cell, architecture.code)
    assert hash(architecture) == hash(cell.architecture(str(architecture)))
    assert architecture.code.tolist() == code.tolist()
    assert str(architecture) == cell.to_strings(code[None])[0]
    assert architecture.counts.tolist() == cell.encode(code[None])[0].tolist()
    assert architecture.fractions.sum() == pytest.approx(1.0)


def test_isomorphic_architectures_are_equal() -> None:
    cell = cells.get("nas-bench-graph")
    first = cell.architecture("gcn|gat|fc|fc@0,0,0,0")
    second = cell.architecture("fc|gat|fc|gcn@0,0,0,0")
    assert first == second
    assert str(first) == "gat|gcn|fc|fc@0,0,0,0"


def test_is_frozen() -> None:
    architecture = CELL.architecture([0, 1, 0, 1])
    with pytest.raises(FrozenInstanceError):
        architecture.code = np.zeros(4)  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        architecture.code[0] = 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ([0, 1, 0], "n x 4 integer array"),
        ([[0, 1, 0, 0]], "n x 4 integer array"),
        ([0, 1, 0, 2], "has 2 in column 3"),
    ],
)
def test_refuses_what_the_cell_cannot_hold(code: list[int], message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        Architecture(CELL, code)


def test_refuses_invalid_architectures() -> None:
    cell = cells.get("nas-bench-graph")
    with pytest.raises(ArchitectureError, match="no valid architecture of cell 'nas-bench-graph'"):
        cell.architecture([8, 8, 8, 8, 0])
    with pytest.raises(ArchitectureError):
        cell.architecture("skip|skip|skip|skip@0,1,2,3")
